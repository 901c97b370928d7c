"""A provider whose answers are written beforehand, in place of a model.

Each call takes the next answer of the script; a call that no answer was written for fails. What was asked is
kept, so that a test can read the prompts.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from bot.domain import Model, Outcome, PredictionState, Prompt, Tokens
from bot.errors import Restarted
from bot.models.inputs import build_input, fingerprint
from bot.models.provider import Created
from bot.models.tokens import prompt_bound


@dataclass
class Scripted:
    """One answer: its pieces as they stream, and how it ends.

    ``gate`` is waited for before the last piece; ``output`` is the truth where it differs from the pieces.
    """

    pieces: Sequence[str]
    output: str | None = None
    error: Exception | None = None
    gate: asyncio.Event | None = None
    tokens: Tokens = field(default_factory=lambda: Tokens(10, 5))

    @property
    def text(self) -> str:
        return "".join(self.pieces) if self.output is None else self.output


@dataclass
class Call:
    """One call that was made."""

    model: Model
    prompt: Prompt
    state: PredictionState = PredictionState.STARTING

    @property
    def words(self) -> str:
        return "\n".join(turn.text for turn in self.prompt.turns)


class ScriptedPrediction:
    """One run of a scripted answer."""

    def __init__(self, id_: str, answer: Scripted, call: Call) -> None:
        self.id = id_
        self._answer = answer
        self._call = call
        self.is_passed_on = False

    @property
    def state(self) -> PredictionState:
        return self._call.state

    async def pieces(self) -> AsyncIterator[str]:
        *early, last = self._answer.pieces or ("",)
        for piece in early:
            yield piece
        if self._answer.gate is not None:
            await self._answer.gate.wait()
        if self._answer.error is None and last:
            yield last

    async def outcome(self) -> Outcome:
        if self._answer.error is not None:
            self._call.state = PredictionState.FAILED
            raise self._answer.error
        self._call.state = PredictionState.SUCCEEDED
        return Outcome(PredictionState.SUCCEEDED, self._answer.text, self._answer.tokens)

    def used(self) -> Tokens:
        return self._answer.tokens

    def pass_on(self) -> None:
        self.is_passed_on = True


@dataclass
class ScriptedProvider:
    """Answers from a queue. ``echo`` answers every call that the queue has nothing for."""

    queue: list[Scripted] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    echo: str | None = None

    def answers(self, *texts: str) -> None:
        """Write these answers, each streamed in a few pieces."""
        self.queue += [Scripted([text[i : i + 7] for i in range(0, len(text), 7)]) for text in texts]

    def fails(self, error: Exception, *early: str) -> None:
        """Write an answer that ends with an error after these pieces."""
        self.queue.append(Scripted([*early, ""], error=error))

    def held(self, early: str, late: str) -> asyncio.Event:
        """Write an answer whose second half waits for the event that is returned."""
        gate = asyncio.Event()
        self.queue.append(Scripted([early, late], gate=gate))
        return gate

    @property
    def waiting(self) -> int:
        return 0

    @property
    def prompts(self) -> list[Prompt]:
        return [call.prompt for call in self.calls]

    @asynccontextmanager
    async def predict(
        self, model: Model, prompt: Prompt, *, deadline: float, created: Created
    ) -> AsyncIterator[ScriptedPrediction]:
        assert deadline > 0
        call = Call(model, prompt)
        self.calls.append(call)
        if self.queue:
            answer = self.queue.pop(0)
        else:
            assert self.echo is not None, "the script has no answer for this call"
            answer = Scripted([self.echo])
        prediction = ScriptedPrediction(f"scripted{len(self.calls)}", answer, call)
        await created(prediction.id)
        call.state = PredictionState.PROCESSING
        try:
            yield prediction
        finally:
            if not call.state.is_final and not prediction.is_passed_on:
                call.state = PredictionState.CANCELED

    def resume(self, prediction: str, *, bound: Tokens, deadline: float) -> NoReturn:
        raise Restarted

    def fingerprint(self, model: Model, prompt: Prompt) -> str:
        return fingerprint(build_input(model, prompt))

    async def find(self, fingerprint: str, since: datetime, known: AbstractSet[str]) -> str | None:
        return None

    def bound(self, model: Model, prompt: Prompt) -> Tokens:
        return prompt_bound(model, prompt)

    async def close(self) -> None:
        return None
