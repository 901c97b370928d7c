"""Cutting a long text into parts that each fit, without losing a character. Pure.

The parts joined are the text. A part is as long as fits and ends at the strongest boundary in its second
half; where the text consists of items that belong together, such as messages, it ends at an item.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import regex

Fits = Callable[[str], bool]
"""Whether a text is short enough; a shorter beginning of a text that fits should fit too."""

LOOKS = 20
"""Texts of a part's length that are looked at for each part, about."""
FIRST_GUESS = 1024
"""Characters tried first when looking for how much fits."""
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
    start = 0
    while start < len(text):
        end = _reach(text, start, fits)
        if end == start:
            raise ValueError("not even one character fits")
        if end < len(text):
            better = _boundary(text, start, end, joints)
            end = better if fits(text[start:better]) else end
        yield text[start:end]
        start = end


def _reach(text: str, start: int, fits: Fits) -> int:
    """The furthest end of a slice from ``start`` that fits."""
    fitting, size = start, FIRST_GUESS
    while (end := min(start + size, len(text))) > fitting and fits(text[start:end]):
        fitting, size = end, size * 2
    beyond = max(end, fitting + 1)
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        if fits(text[start:middle]):
            fitting = middle
        else:
            beyond = middle
    return fitting


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
