"""Makes the prediction of a call, and looks for it where its provider's answer is lost."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain import Model, PredictionState, Prompt, Tokens
from bot.errors import Unanswerable
from bot.ids import utc_now
from bot.models.provider import Prediction, Provider
from bot.past import cancelled, look_for
from bot.services import Services
from bot.store import StoreUnavailable

log = logging.getLogger(__name__)

SEARCH_PAUSES = (0.5, 1.5)
"""Seconds between the looks for a prediction that a person waits for: it may show a little late."""
SEARCH_SECONDS = 10.0
"""Longest that they take together."""
GIVEN_UP_SECONDS = 2.0
"""How long it is looked for one that nobody waits for any more: who pressed Stop waits for that."""


@dataclass(slots=True)
class Making:
    """A call of the model that is on record and has no prediction yet."""

    services: Services
    call_id: int
    model: Model
    prompt: Prompt
    bound: Tokens
    fingerprint: str
    is_in_doubt: bool = False
    """Whether a prediction may run that nobody follows; one that nobody can name may use all of its bound."""
    since: datetime = field(default_factory=utc_now)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)
    _made: str | None = None
    """The provider's id of the prediction, as soon as that is known."""
    _is_looked_for: bool = False

    @asynccontextmanager
    async def prediction(self, deadline: float) -> AsyncIterator[Prediction]:
        """Make it, or go on with the one that was made though its provider did not say so.

        Raises:
            Unanswerable: there is none.
        """
        async with AsyncExitStack() as stack:
            self._answered = stack.enter_context(self.services.creates.begun(self.fingerprint))
            try:
                prediction = await stack.enter_async_context(
                    self._provider.predict(self.model, self.prompt, deadline=deadline, created=self._created)
                )
            except Unanswerable:
                found = await self._found() if self.is_in_doubt and self._made is None else None
                if found is None:
                    raise
                log.info("prediction %s was made though its provider did not say so", found)
                prediction = await stack.enter_async_context(
                    self._provider.resume(found, bound=self.bound, deadline=deadline)
                )
            self.is_in_doubt = False
            yield prediction

    async def given_up(self) -> tuple[PredictionState, Tokens]:
        """End what may have been made and nobody waits for any more; return how it ended, and what it used:
        all that it may, where it is not found, since it may be made yet.
        """
        with suppress(Unanswerable, StoreUnavailable, TimeoutError):
            async with asyncio.timeout(GIVEN_UP_SECONDS):
                found = self._made if self._made or self._is_looked_for else await self._look()
            if found is not None:
                return await cancelled(self._provider, found, self.bound)
        return PredictionState.CANCELED, self.bound

    @property
    def _provider(self) -> Provider:
        return self.services.providers[self.model.provider]

    async def _created(self, provider_id: str | None) -> None:
        self.is_in_doubt, self._made = True, provider_id
        if provider_id is not None:
            await self.services.ledger.created(self.call_id, provider_id)
        self._answered.set()

    async def _found(self) -> str | None:
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                found = await self._look()
                for pause in SEARCH_PAUSES:
                    if found is None:
                        await asyncio.sleep(pause)
                        found = await self._look()
        except (Unanswerable, StoreUnavailable, TimeoutError) as error:
            log.warning("a prediction cannot be looked for; if it runs, its deadline ends it: %r", error)
            self._is_looked_for = True
            return None
        # Where none is found there is none.
        self.is_in_doubt = found is not None
        return found

    async def _look(self) -> str | None:
        return await look_for(self.services, self.call_id, self.model.provider, self.fingerprint, self.since)
