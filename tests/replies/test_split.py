"""Splitting: each sentence of the design as a property, with golden examples beside it."""

import re
from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.replies.cuts import VISIBLE
from bot.replies.split import FOOTER_UNITS, MESSAGE_UNITS, Piece, Splitter, split
from bot.replies.units import index_of, units

ROOM = MESSAGE_UNITS - FOOTER_UNITS
LEAST = 1400
FAMILY = "👨‍👩‍👧‍👦"
WORD = "lorem "

# fmt: off
FRAGMENTS = [
    "word ", "another, ", "sentence. ", "Question? ", "。", "你好", "中文！", "\n", "\n\n", "\r\n", "   ",
    "\t", "\n- item ", "\n  - nested ", "\n1. first ", "\n> quote ", "\n>>> all ", "\n# Title\n",
    "-# small ",
    "**", "*", "***", "__", "_", "~~", "||", "`", "``", "`code`", "\n```py\n", "\n```\n", "\n````md\n",
    "\n````\n", "\n~~~\n", "```", " text: ```sh\n", "code```\n", "\n``` ",
    "<@123456789012345678>", "<#42>", "<@&7>", "<:name:123>",
    "<t:1700000000:R>", "</ask:99>", "<", "<@",
    "https://example.com/a_b_c(d)?x=1",
    "<https://example.com/>", "[label](https://example.com)", "[", "](", "\\", "\\*", FAMILY, "🇩🇪",
    "e\u0301", "\u200b", "\u202e", "\ufeff", "\0", "שלום ", "مرحبا ", "\ud83d", "snake_case_name", "a" * 90,
    " " * 90, "`" * 40, "x" * 700, "line of code;\n" * 12, WORD * 60,
]
# fmt: on
texts = st.lists(
    st.tuples(st.sampled_from(FRAGMENTS) | st.text(max_size=12), st.sampled_from([1, 1, 1, 2, 9, 40])).map(
        lambda pair: pair[0] * pair[1]
    ),
    max_size=40,
).map(lambda parts: "".join(parts)[:9000])
prose = st.lists(
    st.sampled_from(["word", "longer", "and", "sentence.", "So?", "x\n\ny", "a\nb", "c\n- d"]), max_size=2500
).map(" ".join)


def rendered(text: str, head: int = 0) -> list[str]:
    """Return the messages of the text."""
    return [piece.render(text) for piece in split(text, head)]


def inner_ends(pieces: list[Piece]) -> list[int]:
    """Return where pieces end, but for the last."""
    return [piece.end for piece in pieces[:-1]]


@given(texts)
def test_the_slices_joined_are_the_text(text: str) -> None:
    pieces = split(text)
    if VISIBLE.search(text):
        assert "".join(text[piece.start : piece.end] for piece in pieces) == text
        assert all(left.end == right.start for left, right in pairwise(pieces))
    else:
        assert pieces == []


@given(texts)
def test_only_white_space_of_a_slice_is_not_sent(text: str) -> None:
    for piece in split(text):
        hidden = text[piece.start : piece.shown_start] + text[piece.shown_end : piece.end]
        assert not VISIBLE.search(hidden)


@given(texts, st.sampled_from([0, 80, 900, 1600]))
def test_every_message_is_seen_and_leaves_room_for_the_footer(text: str, head: int) -> None:
    for number, message in enumerate(rendered(text, head)):
        assert VISIBLE.search(message)
        assert units(message) <= ROOM - (head if number == 0 else 0)
        assert not message[0].isspace() or not text[: len(text) - len(text.lstrip())].strip()


@given(prose)
def test_every_message_but_the_last_is_long_enough(text: str) -> None:
    for message in rendered(text)[:-1]:
        assert units(message) >= LEAST


@given(texts, st.integers(1, 400), st.randoms(use_true_random=False))
def test_streaming_splits_as_one_shot(text: str, longest: int, random: object) -> None:
    splitter = Splitter()
    settled: list[str] = []
    position = 0
    sizes = iter(lambda: getattr(random, "randint")(1, longest), 0)  # noqa: B009 - hypothesis types it as object
    while position < len(text):
        size = next(sizes)
        splitter.feed(text[position : position + size])
        position += size
        source = splitter.source
        shown = [piece.render(source) for piece in splitter.growing()]
        assert shown[: len(settled)] == settled
        assert splitter.settled >= len(settled)
        assert len(shown) <= splitter.settled + 1
        assert all(units(message) <= ROOM for message in shown)
        settled = shown[: splitter.settled]
    assert splitter.source == text
    assert splitter.pieces() == split(text)
    assert rendered(text)[: len(settled)] == settled


@given(texts, texts)
def test_a_tail_is_shown_without_being_fed(text: str, tail: str) -> None:
    splitter = Splitter()
    splitter.feed(text)
    before = splitter.pieces()
    shown = splitter.growing(tail)
    assert splitter.pieces() == before
    assert shown[: splitter.settled - 1] == before[: max(0, splitter.settled - 1)]
    assert all(units(piece.render(text + tail)) <= ROOM for piece in shown)


# fmt: off
ATOMS = st.sampled_from([
    "<@123456789012345678>", "<@!1>", "<#42>", "<@&7>", "<:name:123>", "<a:name:123>", "<t:1700000000:R>",
    "</ask now:99>", "<id:guide>", "https://example.com/a/very/long/path?with=query&and=more_of_it#part",
    "<https://example.com/some/where>", "`a code span`", "``two ` ticks``",
    "[a label with words](https://example.com/x_(y))", '[label](<https://example.com/> "title")', "\\*",
    FAMILY, "🇩🇪", "👍🏽", "e\u0301\u0323", "क्षि", "각", "\r\n",
])
# fmt: on


@given(st.integers(1750, 1900), st.lists(ATOMS, min_size=1, max_size=8), st.sampled_from([" ", "a", "，"]))
def test_what_belongs_together_is_not_cut(before: int, atoms: list[str], glue: str) -> None:
    text = (WORD * 400)[:before].rstrip() + " " + "".join(f"{glue}{atom}" for atom in atoms) + " end " * 200
    ends = inner_ends(split(text))
    position = text.index(atoms[0], max(0, before - 8))
    for atom in atoms:
        position = text.index(atom, position)
        assert not [end for end in ends if position < end < position + len(atom)]
        position += len(atom)


@given(
    st.lists(
        st.sampled_from([FAMILY, "🇩🇪", "👍🏽", "e\u0301", "한", "ก็", "नि", "字", "\r\n", "x"]),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 12),
)
def test_no_character_is_cut(characters: list[str], before: int) -> None:
    # Repeated, so that cuts fall everywhere in them without as many choices.
    text = "x" * before + "".join(characters) * (900 // len(characters))
    borders = {match.end() for match in regex.finditer(r"\X", text)}
    assert borders.issuperset(inner_ends(split(text)))


@given(
    st.sampled_from(["```", "````", "~~~", "~~~~~"]),
    st.sampled_from(["", "py", "c++", "objective-c", "c#", "jinja2.html"]),
    st.sampled_from(["", "> ", ">>> ", "- ", "1. ", "   "]),
    st.integers(0, 1900),
    st.integers(1, 300),
)
def test_a_cut_block_is_closed_and_opened_again(
    mark: str, language: str, lead: str, before: int, lines: int
) -> None:
    quote = "> " if lead == "> " else ""
    code = [f"{quote}    step_{number} = '*_~|' [x]({number})" for number in range(lines)]
    closing = quote + mark
    text = "\n".join([(WORD * 400)[:before], "", f"{lead}{mark}{language}", *code, closing, "", "The end."])
    kept: list[str] = []
    for message in rendered(text):
        marks = [line for line in message.split("\n") if line.lstrip("> -1.").startswith(mark)]
        assert len(marks) % 2 == 0
        assert all(line.endswith(mark + language) for line in marks[::2])
        assert all(line.strip("> ") == mark for line in marks[1::2])
        kept += [line for line in message.split("\n") if "step_" in line]
    assert kept == code


MARKS = st.sampled_from(["*", "**", "***", "_", "__", "___", "~~", "||", "**_", "||**"])


@given(MARKS, st.integers(1300, 1830), st.integers(20, 240))
def test_emphasis_goes_on_in_the_next_message(mark: str, before: int, length: int) -> None:
    inside = (WORD * 100)[:length].strip()
    text = f"{(WORD * 400)[:before].strip()} {mark}{inside}{mark[::-1]} and {WORD * 300}"
    for message in rendered(text):
        found = re.findall(r"[*_~|]+", message)
        assert found in ([], [mark, mark[::-1]])
        if found:
            assert re.search(rf"{re.escape(mark)}\S[^*_~|]*(?<=\S){re.escape(mark[::-1])}", message)


@given(st.integers(0, 1700))
def test_what_is_not_closed_in_time_is_literal(before: int) -> None:
    text = f"{(WORD * 400)[:before]}**{WORD * 600}**"
    assert [piece.prefix + piece.suffix for piece in split(text)] == [""] * len(split(text))


@pytest.mark.parametrize(
    ("boundary", "weaker"),
    [("\n\n", "\n- "), ("\n- ", "\n"), ("\n", ". "), (". ", " "), ("。", "字"), ("！", "字"), (" ", "x")],
)
def test_the_strongest_boundary_wins(boundary: str, weaker: str) -> None:
    text = f"{'x' * 1500}{boundary}{'y' * 200}{weaker}{'z' * 600}"
    assert inner_ends(split(text)) == [1500 + len(boundary) - (2 if boundary == "\n- " else 0)]


def test_a_boundary_before_the_last_600_is_not_chosen() -> None:
    text = f"{'x' * 1000}\n\n{'y' * 600} {'z' * 900}"
    assert inner_ends(split(text)) == [1603]


def test_a_quote_goes_on_in_the_next_message() -> None:
    text = "> " + WORD * 500
    assert [message[:8] for message in rendered(text)] == ["> lorem "] * 2
    endless = ">>> " + "lorem ipsum\n" * 300
    assert [message[:9] for message in rendered(endless)] == [">>> lorem"] * 2


def test_a_line_of_a_quote_ends_with_it() -> None:
    text = "> " + WORD * 270 + "\n" + WORD * 100
    assert rendered(text)[1].startswith("lorem")


def test_quoted_emphasis_stays_quoted() -> None:
    text = WORD * 270 + "\n> **bold " + "words " * 20 + "\n> " + "more " * 12 + "and** plain " + WORD * 200
    first, second = rendered(text)[:2]
    assert first.endswith("words**")
    assert second.startswith("> **\u200b\n> more")


@pytest.mark.parametrize(
    ("line", "guard"),
    [("    indented", "\u200b"), ("\tindented", "\u200b"), ("  - nested", "\u200b\n"), ("plain", "")],
)
def test_indentation_survives_at_the_start(line: str, guard: str) -> None:
    text = "x" * 1500 + "\n\n" + line + " " + "y" * 600
    assert rendered(text)[1].startswith(guard + line)
    assert rendered(f"\n\n{line}") == [guard + line]


@pytest.mark.parametrize("start", ["# ", "-# ", "- ", "1. ", "> ", ">>> ", "```"])
def test_the_middle_of_a_line_does_not_become_a_block(start: str) -> None:
    text = f"{'x' * 1839} {start}{'y' * 600}"
    assert rendered(text)[1].startswith(f"\u200b{start}y")


def test_emphasis_and_list_on_the_next_line() -> None:
    text = WORD * 280 + "**bold " + "words " * 20 + "\n- item " + "more " * 12 + "and** plain " + WORD * 200
    assert rendered(text)[1].startswith("**\u200b\n- item")


def test_a_spoiler_around_code() -> None:
    text = WORD * 240 + "||\n```py\n" + "code\n" * 100 + "```|| end " + WORD * 100
    first, second = rendered(text)
    assert first.endswith("code\n```||")
    assert second.startswith("||```py\ncode")


def test_a_block_with_one_long_line() -> None:
    text = "> ```py\n> " + "x" * 4000 + "\n> ```\nend"
    messages = rendered(text)
    assert len(messages) == 3
    assert all(message.startswith("> ```py\n> x") for message in messages)
    assert all("x\n> ```" in message for message in messages)


def test_an_unended_block_is_closed() -> None:
    text = "```py\nprint(1)\n"
    assert rendered(text) == ["```py\nprint(1)\n```"]
    assert rendered("Look:\n```py") == ["Look:\n```py"]


def test_a_block_that_only_its_closing_makes_too_long() -> None:
    text = "```\n" + "x " * 937 + "\nyy"
    assert units(text) == ROOM + 1 or units(text) <= ROOM
    assert all(units(message) <= ROOM and message.count("```") == 2 for message in rendered(text))


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b\u200b", "\ufeff \u2060", " " * 9000])
def test_nothing_to_see_is_no_message(text: str) -> None:
    assert split(text) == []
    splitter = Splitter()
    for character in text:
        splitter.feed(character)
    assert splitter.growing() == []
    splitter.feed("x")
    assert len(splitter.growing()) == 1


def test_white_space_takes_no_room() -> None:
    text = "hello" + " " * 9000 + "\n" + "   world" + "\n" * 5000 + "\u200b" * 3000
    assert [message.strip("\u200b") for message in rendered(text)] == ["hello", "   world"]


def test_endless_white_space_streams() -> None:
    text = "hello" + " " * 6000 + "\n" + " " * 6000 + "world" + " " * 6000 + "\u200b!"
    splitter = Splitter()
    for start in range(0, len(text), 50):
        splitter.feed(text[start : start + 50])
    assert splitter.pieces() == split(text)
    assert rendered(text) == ["hello", "world", "\u200b!"]


def test_three_thousand_marks_on_one_letter() -> None:
    text = "a" + "\u0301" * 3000
    assert [units(message) for message in rendered(text)] == [1840, 1161]


def test_a_link_longer_than_a_message() -> None:
    text = "See https://example.com/" + "a" * 4000
    assert max(units(message) for message in rendered(text)) <= ROOM
    assert "".join(rendered(text)) == text


def test_a_link_that_just_fits_starts_a_message() -> None:
    text = f"{WORD * 200}https://example.com/{'a' * 1000} end"
    assert [message[:8] for message in rendered(text)] == ["lorem lo", "https://"]


@pytest.mark.parametrize(
    "text",
    [
        "`" * 10_000,
        "word" * 10_000,
        "[" * 5000,
        "<" * 5000,
        "*a" * 3000,
        FAMILY * 800,
        "🇩🇪" * 2000,
        "\0a" * 4000,
    ],
)
def test_hard_texts_hold(text: str) -> None:
    messages = rendered(text)
    assert len(messages) > 1
    assert "".join(messages).replace("\u200b", "") == text
    assert all(units(message) >= LEAST for message in messages[:-1])
    assert all(units(message) <= ROOM for message in messages)


def test_line_ends_of_windows() -> None:
    text = "word and more\r\n" * 400
    pieces = split(text)
    assert all(text[end - 2 : end] == "\r\n" for end in inner_ends(pieces))


def test_right_to_left_and_chinese() -> None:
    arabic = "مرحبا بالعالم. " * 300
    assert all(message.endswith(".") for message in rendered(arabic))
    chinese = "你好，世界。今天天气很好！" * 300
    assert all(message[-1] in "。！" for message in rendered(chinese))


def test_settling_waits_only_for_what_is_open() -> None:
    plain = Splitter()
    plain.feed("word " * 390)
    assert plain.settled == 1
    bold = Splitter()
    bold.feed("word " * 300 + "**bold " + "word " * 90)
    assert bold.settled == 0
    bold.feed("word " * 40)
    assert bold.settled == 1


def test_what_does_not_fit_is_held_back_until_settled() -> None:
    splitter = Splitter()
    splitter.feed("word " * 300 + "**bold " + "word " * 80)
    assert len(splitter.growing()) == 1
    assert len(splitter.pieces()) == 2


def test_a_head_takes_its_room() -> None:
    text = WORD * 600
    assert units(rendered(text, head=1000)[0]) <= ROOM - 1000
    with pytest.raises(ValueError, match="no room"):
        Splitter(head=1800)


@given(st.text(), st.integers(0, 40))
def test_units_are_counted_as_utf_16(text: str, count: int) -> None:
    index = index_of(text, 0, count)
    assert units(text) == sum(1 if ord(character) <= 0xFFFF else 2 for character in text)
    assert units(text[:index]) <= count
    assert index == len(text) or units(text[: index + 1]) > count
