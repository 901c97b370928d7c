"""Replicate's record of a prediction, as far as it is used here: plain data out of whatever the API said."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain import PredictionState, Tokens

LONGEST_OUTPUT = 1024 * 1024
"""Characters of an output that are taken; no model here writes as much."""

MOST_TOKENS = 10_000_000
"""A count above this is taken for a mistake."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Record:
    """A prediction as the provider tells of it.

    ``text`` is None for an output that is no text or not known, ``tokens`` where the provider does not count.
    """

    id: str
    state: PredictionState
    text: str | None
    error: str | None
    stream: str | None
    tokens: Tokens | None


def unread(prediction: str) -> Record:
    """The record of a prediction of which only the id is known."""
    return Record(prediction, PredictionState.STARTING, text=None, error=None, stream=None, tokens=None)


def read_record(said: object) -> Record:
    """The record in a prediction's JSON object.

    Raises:
        ValueError: it is not a prediction.
    """
    name = said.get("id") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(name, str) or not _ID.fullmatch(name):
        raise ValueError("it has no id")
    urls, error = said.get("urls"), said.get("error")
    stream = urls.get("stream") if isinstance(urls, Mapping) else None
    return Record(
        id=name,
        state=_state(said.get("status"), said.get("completed_at")),
        text=_text(said.get("output")),
        error=None if error is None else str(error),
        stream=stream if isinstance(stream, str) else None,
        tokens=_tokens(said.get("metrics")),
    )


def _state(status: object, completed_at: object) -> PredictionState:
    """The state; one that nobody knew of yet counts as failed once the prediction is complete."""
    try:
        return PredictionState(str(status))
    except ValueError:
        return PredictionState.PROCESSING if completed_at is None else PredictionState.FAILED


def _text(output: object) -> str | None:
    match output:
        case None:
            return ""
        case str():
            return whole(output)
        case list() if all(isinstance(part, str) for part in output):
            return whole("".join(output))
        case _:
            return None


def whole(text: str) -> str:
    """The text with its surrogate pairs joined, and lone ones replaced: JSON may hold them, UTF-8 may not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _tokens(metrics: object) -> Tokens | None:
    if not isinstance(metrics, Mapping):
        return None
    counts = [metrics.get("input_token_count"), metrics.get("output_token_count")]
    plausible = [count for count in counts if type(count) is int and 0 <= count <= MOST_TOKENS]
    return Tokens(*plausible) if len(plausible) == len(counts) else None


def told_wait(body: object, headers: Mapping[str, str]) -> float | None:
    """Seconds that a 429 tells to wait: the longer of body and header; None if it tells nothing."""
    said = [body.get("retry_after") if isinstance(body, Mapping) else None, headers.get("Retry-After")]
    waits = [wait for wait in map(_seconds, said) if wait is not None]
    return max(waits, default=None)


def _seconds(said: object) -> float | None:
    if not isinstance(said, int | float | str):
        return None
    try:
        seconds = float(said)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
