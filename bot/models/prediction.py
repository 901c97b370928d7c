"""One prediction under way at Replicate: its stream as a preview, its record as the truth."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass
from enum import Enum, auto

from httpx_sse import ServerSentEvent

from bot.domain import Outcome, PredictionState, Tokens
from bot.errors import ModelBusy, ModelFailed, ModelTimedOut, ModelUnreachable, Unanswerable
from bot.i18n import N_
from bot.models.events import StreamBroken
from bot.models.records import LONGEST_OUTPUT, Record
from bot.models.tokens import upper_bound

log = logging.getLogger(__name__)

TRANSIENT = (ModelBusy, ModelUnreachable, ModelTimedOut)
"""What may pass when a record is asked for."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take at Replicate, in seconds. Polls stay far below its 3,000 calls a minute."""

    connect: float = 5.0
    request: float = 30.0
    idle: float = 30.0
    """Silence of a stream after which the record is asked instead."""
    create_waits: float = 60.0
    """All waiting of one create that met 429, together."""
    connect_tries: int = 3
    reconnect: float = 0.5
    first_poll: float = 0.05
    longest_poll: float = 1.0
    longest_busy: float = 10.0
    """Waiting for one record that met 429."""
    patience: float = 60.0
    """How long records may fail in a row."""
    cancel_within: float = 5.0
    grace: float = 10.0
    """Beyond the deadline, for the provider to end the prediction itself."""


class _Ended(Enum):
    """How the stream ended."""

    DONE = auto()
    BROKEN = auto()
    TOO_LONG = auto()


Get = Callable[[str], Awaitable[Record]]
Stream = Callable[[str], AbstractAsyncContextManager[AsyncIterator[list[ServerSentEvent]]]]


class ReplicatePrediction:
    """A prediction that exists at the provider. ``get`` asks for its record, ``stream`` opens its events."""

    def __init__(
        self, record: Record, *, get: Get, stream: Stream, bound: Tokens, deadline: float, timing: Timing
    ) -> None:
        self._record = record
        self._state = record.state
        self._get = get
        self._stream = stream
        self._bound = bound
        self._timing = timing
        self._clock = asyncio.get_running_loop().time
        self._ends_at = self._clock() + deadline
        self._shown: list[str] = []
        self._pieces: AsyncGenerator[str, None] | None = None
        self._failure: Unanswerable | None = None
        self.is_passed_on = False
        """Whether it is to run on when it is left."""

    @property
    def id(self) -> str:
        """Replicate's id of it."""
        return self._record.id

    @property
    def state(self) -> PredictionState:
        """What Replicate last said of it."""
        return self._state

    def used(self) -> Tokens:
        """An upper bound of what it has used so far."""
        if self._record.state.is_final and self._record.tokens is not None:
            return self._record.tokens
        if self._record.text is None:
            return self._bound
        text = max("".join(self._shown), self._record.text, key=len)
        return Tokens(self._bound.input, upper_bound(text))

    def hear(self, record: Record) -> None:
        """Take in what the provider said of it last, and elsewhere."""
        self._record = record
        self._state = record.state

    def pass_on(self) -> None:
        """Let it run on; see ``Prediction.pass_on``."""
        self.is_passed_on = True

    def pieces(self) -> AsyncIterator[str]:
        """Yield the output as it comes; see ``Prediction.pieces``."""
        self._pieces = self._output()
        return self._pieces

    async def outcome(self) -> Outcome:
        """Wait for the end and return it; see ``Prediction.outcome``."""
        if self._failure is not None:
            raise self._failure
        async with aclosing(self._records()) as records:
            async for record in records:
                _check_length(record)
        return self._conclude(self._record)

    async def leave(self) -> None:
        """Close the stream if it is still open."""
        if self._pieces is not None:
            # It may be running in a task that was left behind; closing the session ends it then.
            with suppress(RuntimeError):
                await self._pieces.aclose()

    # Pieces.

    async def _output(self) -> AsyncGenerator[str, None]:
        ended = _Ended.BROKEN
        if self._record.stream is not None:
            async with aclosing(self._streamed(self._record.stream)) as streamed:
                async for text in streamed:
                    if isinstance(text, _Ended):
                        ended = text
                    else:
                        yield text
        if ended is _Ended.BROKEN:
            async with aclosing(self._recorded()) as recorded:
                async for text in recorded:
                    yield text

    async def _streamed(self, url: str) -> AsyncGenerator[str | _Ended, None]:
        """The stream's texts, and last how it ended."""
        length = 0
        try:
            async with self._stream(url) as batches:
                async for events in batches:
                    text, ended = _read(events)
                    if text:
                        length += len(text)
                        if length > LONGEST_OUTPUT:
                            yield _Ended.TOO_LONG
                            return
                        self._state = PredictionState.PROCESSING
                        self._shown.append(text)
                        yield text
                    if ended is not None:
                        log.debug("stream of %s ended: %s", self.id, ended.name)
                        yield ended
                        return
        except StreamBroken as broken:
            log.info("stream of %s broke (%s); asking for its record", self.id, broken)

    async def _recorded(self) -> AsyncGenerator[str, None]:
        """Go on from the record as it grows, as long as it begins with what was yielded."""
        shown = "".join(self._shown)
        try:
            async with aclosing(self._records()) as records:
                async for record in records:
                    text = record.text or ""
                    _check_length(record)
                    if text.startswith(shown) and text != shown:
                        self._shown.append(text[len(shown) :])
                        yield text[len(shown) :]
                        shown = text
                    elif not shown.startswith(text):
                        return
        except Unanswerable as failure:
            self._failure = failure

    # Records.

    async def _records(self) -> AsyncGenerator[Record, None]:
        """The record again and again, at growing intervals, until it is final.

        Raises:
            Unanswerable: it cannot be had, or does not end.
        """
        pause = self._timing.first_poll
        heard_at = self._clock()
        while not self._record.state.is_final:
            try:
                self._record = await self._get(self.id)
                self._state = self._record.state
                heard_at = self._clock()
            except TRANSIENT as error:
                if self._clock() - heard_at > self._timing.patience:
                    raise
                log.info("record of %s not given (%s), asking again", self.id, type(error).__name__)
            else:
                yield self._record
                if self._record.state.is_final:
                    return
            if self._clock() > self._ends_at + self._timing.grace:
                raise ModelTimedOut
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self._timing.longest_poll)

    def _conclude(self, record: Record) -> Outcome:
        match record.state:
            case PredictionState.FAILED:
                log.warning("prediction %s failed at its provider", record.id)
                raise ModelFailed
            case PredictionState.ABORTED:
                raise ModelTimedOut
            case PredictionState.CANCELED if self._clock() >= self._ends_at - 1:
                raise ModelTimedOut
            case PredictionState.CANCELED:
                raise ModelFailed(
                    N_("The answer was stopped at its provider. What it wrote is kept; please ask again.")
                )
        if record.text is None or not record.text.strip():
            raise ModelFailed(N_("The model ended without a word. Please ask again, or ask in other words."))
        tokens = record.tokens or Tokens(self._bound.input, upper_bound(record.text))
        return Outcome(record.state, record.text, tokens)


def _read(events: list[ServerSentEvent]) -> tuple[str, _Ended | None]:
    """The text of events that came together, and how they end the stream, if they do."""
    text = ""
    for event in events:
        match event.event:
            case "output":
                text += event.data
            case "done":
                return text, _Ended.DONE
            case "error":
                return text, _Ended.BROKEN
    return text, None


def _check_length(record: Record) -> None:
    """Refuse an output beyond all measure as soon as it is seen, so that it is cancelled."""
    if record.text is not None and len(record.text) > LONGEST_OUTPUT:
        raise ModelFailed(N_("The model's answer is longer than I can show. Please ask for less."))
