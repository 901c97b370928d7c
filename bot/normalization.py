"""Unicode normalization of texts that anybody may have written, however they were made.

``unicodedata.normalize`` orders the marks on a letter by insertion, which takes minutes for a megabyte of
marks on one letter, and nothing else in the process runs meanwhile. So marks are put in order before it sees
them, and a long text goes through it in slices, between which other threads run.
"""

import unicodedata
from collections.abc import Iterator
from itertools import groupby

import regex

SLICE = 8192
"""Characters of a slice, about; one character may become eighteen."""
MANY = 32
"""Marks in a row that no language writes."""

# Half-width kana marks are letters by their category, and marks once they are normalized.
_MANY_MARKS = regex.compile(rf"[\p{{M}}\uff9e\uff9f]{{{MANY},}}")
_NEVER_JOINED = regex.compile(r"[^\p{M}\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\ud7b0-\ud7ff\uff00-\uffef]")
"""What is never made one with what stands before it, unlike marks and the letters of Hangul syllables."""


def nfkc(text: str) -> str:
    """The text in Normalization Form KC (Unicode Standard Annex 15), in time that grows as its length does.

    >>> nfkc("ﬃ")
    'ffi'
    """
    if text.isascii():
        return text
    slices = (_MANY_MARKS.sub(_ordered, piece) for piece in _slices(text))
    return "".join(unicodedata.normalize("NFKC", piece) for piece in slices)


def _slices(text: str) -> Iterator[str]:
    """The text in slices whose normal forms joined are that of the whole."""
    start = 0
    while (beyond := _NEVER_JOINED.search(text, start + SLICE)) is not None:
        yield text[start : beyond.start()]
        start = beyond.start()
    yield text[start:]


def _ordered(match: "regex.Match[str]") -> str:
    """Marks in the canonical order, which is the same text to Unicode."""
    marks = [mark for sign in match[0] for mark in unicodedata.normalize("NFKD", sign)]
    return "".join(
        mark
        for _, movable in groupby(marks, key=lambda mark: unicodedata.combining(mark) != 0)
        for mark in sorted(movable, key=unicodedata.combining)
    )
