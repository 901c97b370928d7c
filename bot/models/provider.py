"""The seam between the answer path and whatever runs a model.

A provider starts a prediction and hands it over inside a context manager; leaving the context early, by any
way, cancels the prediction upstream before it returns. Nothing is ever left running and billed because a
person pressed Stop.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain import Model, Outcome, PredictionState, Prompt, Tokens

Created = Callable[[str | None], Awaitable[None]]
"""Called with the provider's prediction id as soon as it is known, before anything is read; or with None,
before ``predict`` fails or is left, where there may be a prediction whose id was not told.
"""

MADE_WITHIN = timedelta(minutes=5)
"""How long after its call was recorded a prediction may be made: a create waits its turn for a minute."""


class Prediction(Protocol):
    """One run of a model, under way."""

    @property
    def id(self) -> str:
        """The provider's own id of it."""

    @property
    def state(self) -> PredictionState:
        """What the provider last said of it."""

    def pieces(self) -> AsyncIterator[str]:
        """Yield the output as it comes, as a preview.

        It ends when the stream does, for whatever reason: a broken, stalled or silent stream is not an error
        here, since the truth is asked for afterwards. Where pieces go on from the prediction's record, they
        continue what was yielded if the record begins with it; otherwise nothing more is yielded and
        ``outcome()`` tells.
        """

    async def outcome(self) -> Outcome:
        """Wait for the prediction's end and return it from the provider's record.

        Raises:
            Unanswerable: the prediction failed, was aborted or canceled by the provider, or the provider
            could not be asked.
        """

    def used(self) -> Tokens:
        """What has been used so far, by our own count: an upper bound of what a stopped prediction is
        billed.
        """

    def pass_on(self) -> None:
        """Leave it running when this is left: another process goes on with it."""


class Provider(Protocol):
    """Something that runs models."""

    @property
    def waiting(self) -> int:
        """How many of its requests wait for their turn, in this process."""

    def predict(
        self, model: Model, prompt: Prompt, *, deadline: float, created: Created
    ) -> AbstractAsyncContextManager[Prediction]:
        """Start a prediction that the provider itself ends after ``deadline`` seconds.

        Raises:
            Unanswerable: it could not be created; the subclass says why.
        """

    def resume(
        self, prediction: str, *, bound: Tokens, deadline: float
    ) -> AbstractAsyncContextManager[Prediction]:
        """Go on with a prediction that a process which is gone had started, from its record alone.

        ``bound`` is what it was reserved with; ``deadline`` is how many seconds it may still take. Leaving
        early cancels it, as with ``predict``.
        """

    def fingerprint(self, model: Model, prompt: Prompt) -> str:
        """Return a hash of what a call with this prompt sends, to ``find`` its prediction by."""

    async def find(self, fingerprint: str, since: datetime, known: AbstractSet[str]) -> str | None:
        """Return the id of the first prediction made since then from this input, ``known`` ones aside, or
        None.

        It was made within `MADE_WITHIN` of then, if it was.

        Raises:
            Unanswerable: the provider could not be asked.
        """

    def bound(self, model: Model, prompt: Prompt) -> Tokens:
        """Upper bound of the tokens a call with this prompt can use, for reserving before it is made."""

    async def close(self) -> None:
        """Release connections and threads."""
