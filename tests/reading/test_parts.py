import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reading.parts import cut

TEXTS = st.lists(st.sampled_from([*"ab .。\n\té你", "👨‍👩‍👧", "🇨🇭", "\n\n"]), max_size=200).map("".join)


@given(TEXTS, st.integers(1, 60), st.lists(st.integers(0, 400), max_size=8))
def test_parts_joined_are_the_text_and_each_fits(text: str, limit: int, places: list[int]) -> None:
    joints = sorted({place for place in places if place < len(text)})
    parts = cut(text, lambda part: len(part) <= limit, joints)
    assert "".join(parts) == text
    assert all(0 < len(part) <= limit for part in parts)


@given(
    st.lists(st.text(alphabet="ab \n", min_size=1, max_size=15), min_size=1, max_size=30), st.integers(15, 60)
)
def test_items_that_fit_are_never_torn(items: list[str], limit: int) -> None:
    joints = [sum(map(len, items[:index])) for index in range(len(items))]
    ends = set(joints) | {len("".join(items))}
    offset = 0
    for part in cut("".join(items), lambda part: len(part) <= limit, joints):
        offset += len(part)
        assert offset in ends


def test_a_text_that_fits_is_one_part() -> None:
    assert cut("one\n\ntwo", lambda part: len(part) <= 100) == ["one\n\ntwo"]
    assert cut("", lambda _part: True) == []


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("One line.\n\nTwo. Three.", 15, ["One line.\n\n", "Two. Three."]),
        ("One line.\nTwo. Three.", 15, ["One line.\n", "Two. Three."]),
        ("One line. Two words here.", 14, ["One line. ", "Two words ", "here."]),
        ("一句话在这里。又一句话。", 9, ["一句话在这里。", "又一句话。"]),
        ("one two three", 9, ["one two ", "three"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("👨‍👩‍👧👨‍👩‍👧", 7, ["👨‍👩‍👧", "👨‍👩‍👧"]),
    ],
)
def test_a_part_ends_at_the_strongest_boundary_in_its_second_half(
    text: str, limit: int, parts: list[str]
) -> None:
    assert cut(text, lambda part: len(part) <= limit) == parts


def test_a_long_text_is_cut_with_few_looks() -> None:
    looks = 0

    def fits(part: str) -> bool:
        nonlocal looks
        looks += 1
        return len(part) <= 20_000

    text = "Some words in a sentence. " * 40_000
    parts = cut(text, fits)
    assert "".join(parts) == text
    assert looks < 10 * len(parts)
    assert all(len(part) > 19_000 for part in parts[:-1])


@given(st.integers(1, 3000), st.integers(1, 20_000))
def test_few_parts_are_needed(limit: int, length: int) -> None:
    parts = cut("a" * length, lambda part: len(part) <= limit)
    assert all(len(part) >= limit * 63 // 64 for part in parts[:-1])
    assert len(parts) == 1 or length > limit


def test_nothing_fitting_is_said() -> None:
    with pytest.raises(ValueError, match="not even one character"):
        cut("text", lambda part: part == "")
