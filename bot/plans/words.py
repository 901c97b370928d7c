"""What every plan asks of a person's words, and of the room a model has for them."""

import unicodedata
from dataclasses import replace
from typing import TypeVar

from bot.domain import Options, Prompt, Request
from bot.errors import BadRequest
from bot.i18n import N_
from bot.run import Run

LONGEST_WORDS = 6_000
"""Characters of an option (Discord: Application Commands, max_length of a string option)."""
SHORTEST_ANSWER = 256
"""Tokens of an answer that are worth asking a model for."""

TOO_MANY_WORDS = N_(
    "That is more than {limit} characters. Shorten it, or attach it as a text file where a file is taken."
)
TOO_LONG = N_(
    "This is about {percent} percent longer than {model} can read at once. "
    "Shorten it, or choose a model that reads more."
)

AnyOptions = TypeVar("AnyOptions", bound=Options)

_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that show nothing: Hangul fillers and the empty Braille pattern."""


def options_of(request: Request, kind: type[AnyOptions]) -> AnyOptions:
    """The request's options, which are of the kind that its plan takes.

    Raises:
        TypeError: they are another command's.
    """
    if not isinstance(request.options, kind):
        raise TypeError(f"{request.command} came with {type(request.options).__name__}")
    return request.options


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: only white space, control and zero-width characters."""
    return all(
        sign in _BLANKS or unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"} for sign in text
    )


def require_words(words: str, empty: str) -> None:
    """See that there are words, and not too many; ``empty`` is said when there are none.

    Raises:
        BadRequest: there are none, or too many.
    """
    if is_blank(words):
        raise BadRequest(empty)
    if len(words) > LONGEST_WORDS:
        raise BadRequest(TOO_MANY_WORDS, limit=LONGEST_WORDS)


def longest_answer(run: Run) -> int:
    """Tokens that one call may write here."""
    return min(run.policy.longest_answer, run.model.max_output)


def thoughtful(run: Run, prompt: Prompt) -> Prompt:
    """The prompt, with the longest answer where the model thinks aloud first: thoughts count as output."""
    return replace(prompt, max_tokens=longest_answer(run)) if run.model.reasons else prompt


def fitted(run: Run, prompt: Prompt, too_long: str = TOO_LONG) -> Prompt:
    """The prompt, with a shorter answer where that makes it fit the model; else ``too_long`` is said.

    Raises:
        BadRequest: it is too long by more than an answer can make up for.
    """
    room = run.room(prompt)
    if room >= 0:
        return prompt
    least = max(run.model.min_output, min(SHORTEST_ANSWER, prompt.max_tokens))
    left = prompt.max_tokens + room
    if left >= least:
        return replace(prompt, max_tokens=left)
    length = max(1, run.model.context - left)
    percent = max(1, -(-100 * (least - left) // max(1, length - (least - left))))
    raise BadRequest(too_long, percent=percent, model=run.model.name)
