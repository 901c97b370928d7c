"""A provider behind breakers: a model that is down is not hammered, and people hear at once that it is."""

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

from bot.domain import Model, Prompt, Tokens
from bot.errors import ModelBusy, ModelPaused, ModelTimedOut, ModelUnreachable
from bot.ids import Clock, utc_now
from bot.models.breaker import Breaker, State, Trouble
from bot.models.provider import Created, Prediction, Provider

log = logging.getLogger(__name__)


class GuardedProvider:
    """Runs models as another provider does, as long as they answer.

    Each model has a breaker of its own: one that is down does not take its provider's others with it, and
    where the whole provider is down that soon shows at each.

    Args:
        provider: runs the models.
        clock: seconds that only grow.
        now: the time that people are told.
    """

    def __init__(self, provider: Provider, clock: Callable[[], float], now: Clock = utc_now) -> None:
        self._provider = provider
        self._clock = clock
        self._now = now
        self._breakers: defaultdict[str, Breaker] = defaultdict(Breaker)

    def require(self, model: Model) -> None:
        """See that a prediction of this model may be tried now.

        Raises:
            ModelPaused: it is left alone; says until when.
        """
        wait = self._wait(model)
        if wait > 0:
            # Shown in whole seconds: never a little too early.
            raise ModelPaused(model=model.name, when=self._now() + timedelta(seconds=wait + 1))

    def answers(self, model: Model) -> bool:
        """Whether a prediction of this model may be tried now."""
        return self._wait(model) <= 0

    def chooses(self, model: Model) -> bool:
        """Whether a request that another model could answer is to try this one. After a pause one tries."""
        return self._breakers[model.name].chooses(self._clock())

    @property
    def waiting(self) -> int:
        """How many of its requests wait for their turn."""
        return self._provider.waiting

    @property
    def states(self) -> Mapping[str, State]:
        """The state of every breaker, by its model's name; those that never were asked are not there."""
        return {name: breaker.state for name, breaker in self._breakers.items()}

    def predict(
        self, model: Model, prompt: Prompt, *, deadline: float, created: Created
    ) -> AbstractAsyncContextManager[Prediction]:
        """Start a prediction; see ``Provider.predict``.

        Raises:
            ModelPaused: the model is left alone.
        """
        return self._predict(model, prompt, deadline, created)

    def resume(
        self, prediction: str, *, bound: Tokens, deadline: float
    ) -> AbstractAsyncContextManager[Prediction]:
        """Go on with a prediction, which is there whatever becomes of its model; see ``Provider.resume``."""
        return self._provider.resume(prediction, bound=bound, deadline=deadline)

    def fingerprint(self, model: Model, prompt: Prompt) -> str:
        """Return a hash of the input; see ``Provider.fingerprint``."""
        return self._provider.fingerprint(model, prompt)

    async def find(self, fingerprint: str, since: datetime, known: AbstractSet[str]) -> str | None:
        """Look for a prediction; see ``Provider.find``."""
        return await self._provider.find(fingerprint, since, known)

    def bound(self, model: Model, prompt: Prompt) -> Tokens:
        """Upper bound of the tokens a call with this prompt can use."""
        return self._provider.bound(model, prompt)

    async def close(self) -> None:
        """Release connections and threads."""
        await self._provider.close()

    @asynccontextmanager
    async def _predict(
        self, model: Model, prompt: Prompt, deadline: float, created: Created
    ) -> AsyncIterator[Prediction]:
        self.require(model)
        breaker = self._breakers[model.name]
        attempt = breaker.begin(self._clock())
        taken = False
        try:
            async with self._provider.predict(
                model, prompt, deadline=deadline, created=created
            ) as prediction:
                breaker.took(attempt)
                taken = True
                yield prediction
        except Exception as error:
            trouble = _trouble(error, taken=taken)
            if trouble is None:
                breaker.went_well(attempt)
            elif breaker.failed(attempt, trouble, self._clock()):
                log.warning("%s does not answer, and is left alone for %.0f s", model.name, self._wait(model))
            raise
        except BaseException:
            breaker.left(attempt, self._clock())
            raise
        else:
            breaker.went_well(attempt)

    def _wait(self, model: Model) -> float:
        return self._breakers[model.name].wait(self._clock())


def _trouble(error: Exception, *, taken: bool) -> Trouble | None:
    """Whether an error says that the model is down. One that began in time and takes too long is not."""
    match error:
        case ModelBusy():
            return Trouble.BUSY
        case ModelUnreachable():
            return Trouble.DOWN
        case ModelTimedOut() if not taken:
            return Trouble.DOWN
        case _:
            return None
