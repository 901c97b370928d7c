"""What one prediction of the Replicate stand-in does, as data."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any

from bot.domain import PredictionState


class StreamFault(Enum):
    """How a stream goes wrong after ``Script.fault_after`` tokens."""

    RESET = auto()
    """The connection is reset."""
    TIDY_END = auto()
    """The response ends as it should, but without ``done``."""
    TIMEOUT_COMMENT = auto()
    """The comment ``:408: 408 Request Timeout``, then the end."""
    ERROR_EVENT = auto()
    """An ``error`` event, then the end."""
    STALL = auto()
    """Nothing more comes, and the connection stays."""
    NOT_FOUND = auto()
    """The stream address answers 404 with JSON, whatever ``fault_after`` says."""
    HTML = auto()
    """The stream address answers 200 with a web page."""
    REDIRECT = auto()
    """The stream address answers 302 to ``Script.stream_url``."""
    FLOOD = auto()
    """One event that never ends."""


class Operation(StrEnum):
    """What a client asks of the stand-in, for answers that are refused."""

    CREATE = "create"
    GET = "get"
    CANCEL = "cancel"
    ACCOUNT = "account"
    MODEL = "model"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer other than what was asked for. ``reset`` breaks the connection instead."""

    status: int = 500
    body: Mapping[str, Any] | str = field(default_factory=lambda: {"detail": "refused by the stand-in"})
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    gate: asyncio.Event | None = None


@dataclass(slots=True)
class Script:
    """One prediction. By default it writes its tokens at once and succeeds.

    Times are seconds; ``rate`` is tokens a second. Events are awaited before the thing they are named after.
    """

    tokens: Sequence[str] = ("Hello", " from", " the", " stand-in", ".")
    rate: float | None = None
    first_token_after: float = 0.0
    gate: asyncio.Event | None = None
    """Awaited before the first token."""
    gates: Mapping[int, asyncio.Event] = field(default_factory=dict)
    """Awaited before the token of this index."""
    end_gate: asyncio.Event | None = None
    """Awaited between the last token and the end."""
    create_gate: asyncio.Event | None = None
    """Awaited between the prediction's creation and the answer that tells of it."""

    state: PredictionState | str = PredictionState.SUCCEEDED
    """How it ends."""
    error: str | None = None
    output: Sequence[str] | str | None = None
    """What the record says at the end; the tokens if None."""
    as_one_string: bool = False
    """The record's output is a string, not a list."""
    metrics: Mapping[str, Any] | None = None
    """Added to the record at the end; the tokens counted if None."""

    streams: bool = True
    """Whether the prediction has a stream address."""
    stream_url: str | None = None
    """A stream address in place of the stand-in's own."""
    fault: StreamFault | None = None
    fault_after: int = 0
    chunk: int | None = None
    """The stream is written in chunks of this many bytes."""
    line_end: str = "\n"
    ids: bool = True
    """Whether events have an ``id:``."""
    preamble: str = ""
    """Sent as it is before the first event."""
    done: str | None = None
    """The data of the ``done`` event; made from the state if None."""


Responder = Callable[[Mapping[str, Any]], Script]
"""Chooses a script by a create's input."""
