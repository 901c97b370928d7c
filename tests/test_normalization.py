"""Normalized as Python does it, and in time that grows as the text does."""

import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot import normalization
from bot.normalization import nfkc

PIECES = [
    *("\u0301", "\u0323", "\u0345", "\u0f73", "\u0344", "\u3099", "\U0001d165", "\uff9e"),
    *("a", "é", "中", "\ufb03", "\ufdfa", "\u30ab", "\uff76"),
    *("\u1100", "\u1161", "\u11a8", "\u314f", "\uffa1", "\uffc2"),
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=40).map("".join))
def test_slices_and_long_runs_of_marks_change_nothing(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalization, "SLICE", 3)
        patch.setattr(normalization, "_MANY_MARKS", regex.compile(r"[\p{M}\uff9e\uff9f]{2,}"))
        assert nfkc(text) == unicodedata.normalize("NFKC", text)
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


def test_nothing_is_cut_from_what_it_joins() -> None:
    parts = {unicodedata.normalize("NFD", sign)[-1] for sign in map(chr, range(sys.maxunicode + 1))}
    seconds = {part for part in parts if part > "\x7f" and not unicodedata.decomposition(part)}
    joined = {
        part
        for part in seconds
        for first in ("a", "\u1100", "\uac00", "\u30ab", "\u0915", "\U00011099")
        if len(unicodedata.normalize("NFC", first + part)) == 1
    }
    assert {"\u0301", "\u1161", "\u11a8", "\u3099"} <= joined
    for sign in map(chr, range(sys.maxunicode + 1)):
        first = unicodedata.normalize("NFKD", sign)[0]
        if unicodedata.combining(first) or first in joined:
            assert normalization._NEVER_JOINED.match(sign) is None, ascii(sign)


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0301", "\uff9e\u0301"])
def test_a_megabyte_of_marks_takes_no_minutes(marks: str) -> None:
    text = "a" + marks * ((1 << 20) // len(marks.encode()))
    assert len(nfkc(text)) >= len(text) - 1
