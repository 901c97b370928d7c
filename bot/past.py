"""The calls that a process which is gone has made for an answer, found again for whoever goes on with it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.domain import PredictionState, ProviderName, Tokens
from bot.errors import Restarted, Unanswerable
from bot.models.provider import Provider
from bot.services import Services
from bot.store import PredictionRow, StoreUnavailable

log = logging.getLogger(__name__)

FIND_PAUSES = (1.0, 5.0, 15.0)
"""Seconds between the tries to look for a prediction."""
CANCEL_SECONDS = 60.0
"""How long a prediction that is to be cancelled is looked after at most."""
FIND_SECONDS = 60.0
"""How long one try may take: another with the same input may be on its way meanwhile."""
LONGEST = "max_tokens"
"""Name of the setting that says how many tokens a call may write."""


class PastCalls:
    """Those of one answer that nothing was made of yet.

    Args:
        services: what looks for them.
        calls: what is on record of them.
    """

    def __init__(self, services: Services, calls: Iterable[PredictionRow] = ()) -> None:
        self._services = services
        self._left = list(calls)

    @property
    def left(self) -> tuple[PredictionRow, ...]:
        """Those that nothing was made of yet, in their order."""
        return tuple(self._left)

    async def find(self) -> None:
        """Look for those whose provider's id was never told, and forget those that their provider does not
        know of.
        """
        for index, call in enumerate(self._left):
            self._left[index] = await self._named(call)
        self._left = [call for call in self._left if call.provider_id is not None]

    def like(self, fingerprint: str) -> PredictionRow | None:
        """Return a call that was made with this input, if there is one."""
        return next((call for call in self._left if call.fingerprint == fingerprint), None)

    def take(self, call: PredictionRow) -> None:
        """Know that something is made of a call by now."""
        if call in self._left:
            self._left.remove(call)

    def missing(self, fingerprints: Iterable[str]) -> list[int]:
        """Return the indexes of those inputs that no call was made with."""
        left = Counter(call.fingerprint for call in self._left)
        missing = []
        for index, fingerprint in enumerate(fingerprints):
            if left[fingerprint]:
                left[fingerprint] -= 1
            else:
                missing.append(index)
        return missing

    async def _named(self, call: PredictionRow) -> PredictionRow:
        """The call with its provider's id, which is looked for where it was never told."""
        if call.provider_id is not None or call.ended_at is not None or call.fingerprint is None:
            return call
        ledger = self._services.ledger
        try:
            found = await self._found(call, call.fingerprint)
        except (Unanswerable, StoreUnavailable, TimeoutError) as error:
            log.warning("a prediction could not be looked for; its deadline ends it: %r", error)
            # Perhaps it runs: then it has used by its end what it may.
            await ledger.ended(call.id, PredictionState.CANCELED, bound_of(call), call.reserved_cost)
            return call
        if found is None:
            await ledger.ended(call.id, PredictionState.ABORTED, Tokens(), 0)
            return call
        return replace(call, provider_id=found)

    async def _found(self, call: PredictionRow, fingerprint: str) -> str | None:
        look = partial(look_for, self._services, call.id, call.provider, fingerprint)
        for pause in FIND_PAUSES:
            with suppress(Unanswerable, StoreUnavailable, TimeoutError):
                async with asyncio.timeout(FIND_SECONDS):
                    return await look(call.created_at)
            await asyncio.sleep(pause)
        async with asyncio.timeout(FIND_SECONDS):
            return await look(call.created_at)


async def look_for(
    services: Services, call_id: int, provider: ProviderName, fingerprint: str, since: datetime
) -> str | None:
    """Put on record, and return, the id of the prediction that was made for a call, where there is one that
    is no other call's.

    Raises:
        Unanswerable: its provider cannot be asked. StoreUnavailable: it is not known which are other calls'.
    """
    creates, ledger = services.creates, services.ledger
    while True:
        await creates.answered(fingerprint)
        found = await services.providers[provider].find(fingerprint, since, await ledger.known_since(call_id))
        if found is None:
            return None
        if creates.is_under_way(fingerprint):
            # Meanwhile another call with the same input was begun: it may be that one's.
            continue
        with creates.claim(found) as is_free:
            if is_free and found not in await ledger.known_since(call_id):
                await ledger.created(call_id, found)
                return found


async def cancelled(provider: Provider, prediction_id: str, bound: Tokens) -> tuple[PredictionState, Tokens]:
    """Cancel a prediction that nobody waits for; return how it ended, and what it used by then."""
    state, tokens = PredictionState.ABORTED, Tokens()
    with suppress(Restarted):
        async with provider.resume(prediction_id, bound=bound, deadline=CANCEL_SECONDS) as prediction:
            pass
        state, tokens = prediction.state, prediction.used()
    return state if state.is_final else PredictionState.CANCELED, tokens


def longest_of(call: PredictionRow) -> int:
    """Tokens of output that a call asked for."""
    return int(call.settings.get(LONGEST, 0))


def bound_of(call: PredictionRow) -> Tokens:
    """What a call may use, as it was reserved."""
    output = min(longest_of(call), call.reserved_tokens)
    return Tokens(call.reserved_tokens - output, output)
