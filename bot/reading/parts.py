"""Cutting a long text into parts that each fit, without losing a character. Pure.

The parts joined are the text. A part is about as long as fits and ends at the strongest boundary in its
second half; where the text consists of items that belong together, such as messages, it ends at an item.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import regex

Fits = Callable[[str], bool]
"""Whether a text is short enough; a shorter beginning of a text that fits should fit too."""

LOOKS = 8
"""Texts of a part's length that are looked at for each part, about."""
FIRST_GUESS = 1024
"""Characters tried first when looking for how much of a text fits; then as many as in the part before."""
STEP = 8
"""The first step from a guess is this share of it."""
NEAR = 64
"""It is near enough to what fits at most when no more than this share is missing."""
LONGEST_GRAPHEME = 32
"""Characters looked back for a place that does not tear what is seen as one character."""

_BOUNDARIES = (
    regex.compile(r"\n[ \t]*\n\s*"),
    regex.compile(r"\n"),
    regex.compile(r"[.!?…][\"'”’)\]]*\s+|[。！？]+[”’」』）]*"),
    regex.compile(r"\s+"),
)
"""From strong to weak; a part ends behind a match."""
_GRAPHEME = regex.compile(r"\X")


def cut(text: str, fits: Fits, joints: Sequence[int] = ()) -> list[str]:
    """The text as parts that each fit; ``joints`` are the places, in rising order, where its items begin.

    Raises:
        ValueError: not even one character fits.
    """
    return list(cutting(text, fits, joints))


def cutting(text: str, fits: Fits, joints: Sequence[int] = ()) -> Iterator[str]:
    """What ``cut`` gives back, part by part; raises what it does."""
    start, guess = 0, FIRST_GUESS
    while start < len(text):
        end = _reach(text, start, fits, guess)
        if end == start:
            raise ValueError("not even one character fits")
        guess = end - start
        if end < len(text):
            better = _boundary(text, start, end, joints)
            end = better if fits(text[start:better]) else end
        yield text[start:end]
        start = end


def _reach(text: str, start: int, fits: Fits, guess: int) -> int:
    """About the furthest end of a slice from ``start`` that fits; ``guess`` is how long that may be."""
    fitting, beyond = start, len(text) + 1
    end, step = min(start + guess, len(text)), max(1, guess // STEP)
    while not _is_near(start, fitting, beyond, len(text)):
        if not fitting < end < beyond:
            end = (fitting + beyond) // 2
        if fits(text[start:end]):
            fitting, end = end, min(end + step, len(text))
        else:
            beyond, end = end, end - step
        step *= 2
    return fitting


def _is_near(start: int, fitting: int, beyond: int, length: int) -> bool:
    """Whether little is missing to the furthest end; nothing may be where that may be the text's own."""
    missing = beyond - 1 - fitting
    return missing == 0 or (beyond <= length and missing < (fitting - start) // NEAR)


def _boundary(text: str, start: int, end: int, joints: Sequence[int]) -> int:
    """The best place for a part that could reach to ``end`` to end at."""
    item = bisect_right(joints, end) - 1
    if item >= 0 and joints[item] > start:
        return joints[item]
    half = start + (end - start) // 2
    for boundary in _BOUNDARIES:
        ends = [match.end() for match in boundary.finditer(text, half, end)]
        if ends and ends[-1] > start:
            return ends[-1]
    return _between_graphemes(text, start, end)


def _between_graphemes(text: str, start: int, end: int) -> int:
    """``end``, or a little before it where it would tear a grapheme cluster."""
    begin = max(start, end - LONGEST_GRAPHEME)
    edges = [match.end() for match in _GRAPHEME.finditer(text, begin, min(end + LONGEST_GRAPHEME, len(text)))]
    return max((edge for edge in edges if start < edge <= end), default=end)
