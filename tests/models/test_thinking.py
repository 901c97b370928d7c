import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.models.thinking import LONGEST_SPACE, Thinking, without_thinking

PARTS = ["<think>", "</think>", "<thi", "nk>", "</", "think", " ", "\n", "answer", "<", ">", "x"]
outputs = st.lists(st.sampled_from(PARTS)).map("".join)


@pytest.mark.parametrize(
    ("output", "answer"),
    [
        ("Hello", "Hello"),
        ("  Hello ", "  Hello "),
        ("", ""),
        ("<think>I wonder</think>Hello", "Hello"),
        ("\n<think>\nI wonder\n</think>\n\nHello\n", "Hello\n"),
        ("<think>one</think> <think>two</think>Hello", "Hello"),
        ("<think></think>", ""),
        ("<think>I wonder", ""),
        ("<think>a <think> b</think>Hello", "Hello"),
        ("Use <think>like this</think>.", "Use <think>like this</think>."),
        ("<think>x</think>See <think>this</think>", "See <think>this</think>"),
        ("<thinking>x</thinking>", "<thinking>x</thinking>"),
        ("<thi", "<thi"),
        ("<think>x</think><thi", "<thi"),
        ("<think>x</think>  ", ""),
        ("<think>x</thin", ""),
    ],
)
def test_what_is_answer(output: str, answer: str) -> None:
    assert without_thinking(output) == answer


@given(outputs, st.lists(st.integers(0, 40)))
@example("<think>x</think>y", [1] * 40)
def test_pieces_give_what_the_whole_gives(output: str, cuts: list[int]) -> None:
    thinking, shown, start = Thinking(), "", 0
    for cut in cuts:
        shown += thinking.feed(output[start : start + cut])
        start += cut
    shown += thinking.feed(output[start:])
    shown += thinking.finish()
    assert shown == without_thinking(output)


def test_it_says_whether_the_model_is_thinking() -> None:
    thinking = Thinking()
    states = []
    for piece in ["\n<th", "ink>", "hm", "</thi", "nk>", "Hel", "lo <think>"]:
        thinking.feed(piece)
        states.append(thinking.active)
    assert states == [False, True, True, True, False, False, False]


def test_an_answer_is_shown_at_once() -> None:
    thinking = Thinking()
    assert thinking.feed("H") == "H"
    assert thinking.feed("<think>") == "<think>"


@pytest.mark.parametrize("step", [1, 100, 10_000])
def test_white_space_is_not_held_for_ever(step: int) -> None:
    output = " " * (LONGEST_SPACE * 3) + "<think>x</think>"
    thinking = Thinking()
    pieces = [thinking.feed(output[start : start + step]) for start in range(0, len(output), step)]
    assert "".join(pieces) == without_thinking(output) == output
