"""Splitting of code as models write it, against what Discord takes for code."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies.split import Splitter, split
from tests.support.discord_code import code_in

WORD = re.compile(r"w\d+_")
COUNTS = st.sampled_from([1, 3, 8, 40, 150])
LANGUAGES = st.sampled_from(["", "py", "c++", "bash"])
FORMS = st.sampled_from(
    [
        "W.\n\n",
        "- W\n- W\n\n",
        "**W** W\n",
        "W `S` W ```S``` W\n",
        "```L\nC\n```\n",
        "```L\nC```\nW\n",
        "```L\nC\n``` W\n",
        "1. S: ```L\nC\n```\nW\n",
        "- S `S` S: ```L\nC```\n- W\n",
        "1. W\n   ```L\n   C\n   ```\n2. W\n",
        "> W\n> ```L\n> C\n> ```\n\n",
        "W\n```markdown\nC\n```L\nC\n```\nC\n```\nW\n",
    ]
)


@st.composite
def answers(draw: st.DrawFn) -> str:
    """Return an answer in which no word comes twice."""
    number = 0
    parts: list[str] = []
    for form in draw(st.lists(FORMS, min_size=1, max_size=9)):
        for mark in form:
            if mark == "L":
                parts.append(draw(LANGUAGES))
            elif mark in "WCS":
                count = 3 if mark == "S" else draw(COUNTS)
                joint = "\n    " if mark == "C" and not form.startswith(">") else " "
                parts.append(joint.join(f"w{number + step}_" for step in range(count)))
                number += count
            else:
                parts.append(mark)
    return "".join(parts)


@given(answers())
def test_what_is_code_stays_code_and_nothing_else_becomes_it(text: str) -> None:
    messages = [piece.render(text) for piece in split(text)]
    shown = [word for message in messages for code in code_in(message) for word in WORD.findall(code)]
    assert shown == [word for code in code_in(text) for word in WORD.findall(code)]
    assert not [message for message in messages if message.count("```") % 2]


@pytest.mark.parametrize(
    "text",
    [
        "1. List the files: ```bash\nls -l\n```\n2. Done.",
        "```py\nprint(1)```\nThat is it.",
        "```x = 1\ny = 2```\nThat is it.",
        "```py\nx\n``` and then **more**",
        "```markdown\n# A\n```python\nx\n```\nb\n```\nThe end.",
        "Use ```ls -l``` here, and `x` there: ```\ncd ..\n```",
        "Three backticks (```) fence code.\n\n```py\nx\n```\nThe end.",
    ],
)
def test_a_block_that_begins_or_ends_within_a_line_gets_no_further_fence(text: str) -> None:
    assert [piece.render(text) for piece in split(text)] == [text]


def test_a_block_that_begins_within_a_line_is_closed_and_opened_again() -> None:
    code = "\n".join(f"    x{number} = {number}" for number in range(200))
    text = f"> 1. Write: ```c++\n{code}```\nThe end."
    first, second = [piece.render(text) for piece in split(text)]
    assert first.startswith("> 1. Write: ```c++\n    x0")
    assert first.endswith("\n> ```")
    assert second.startswith("> ```c++\n    x")
    assert second.endswith("x199 = 199```\nThe end.")


def test_what_is_no_language_is_not_said_again() -> None:
    text = "```{r, echo=FALSE}\n" + "x <- 1\n" * 400 + "```"
    assert split(text)[1].render(text).startswith("```\nx <- 1\n")


@pytest.mark.parametrize("end", ["x y\n", "py\n", "\n", "`\n"])
@pytest.mark.parametrize("blank", ["", " ", " \t\t"])
def test_backticks_that_may_yet_be_a_block_or_end_a_span_are_waited_for(blank: str, end: str) -> None:
    first = f"{'lorem ' * 300} use ``` then {'dolor. ' * 30}\n```{blank}"
    text = first + end + "and more words " * 100
    splitter = Splitter()
    splitter.feed(first)
    settled = [piece.render(first) for piece in splitter.pieces()[: splitter.settled]]
    splitter.feed(text[len(first) :])
    assert splitter.pieces() == split(text)
    assert [piece.render(text) for piece in splitter.pieces()[: len(settled)]] == settled
