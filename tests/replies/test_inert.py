"""What people wrote shows as they typed it: no mark of it is live, and no character of it is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies.inert import inert

ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
PLAIN_ADDRESS = re.compile(r"https?://[^\s<>\[\]]+")
LIVE = re.compile(r"[\[\]*_~|`\\]|^\s*[#>+-]", re.MULTILINE)
# fmt: off
FRAGMENTS = [
    "word ", " ", "\n", "[", "]", "(", ")", "](", "\\", "<", ">", "*", "**", "_", "__", "~~", "||", "`",
    "```", "#", "# ", "-", "-# ", "- ", "> ", "1. ", "https://", "http://a", "https://a_b.example/_c_",
    "[docs](https://docs.example)", "discord.com", ":/", "<@1>", "你好", "\u202e",
]
# fmt: on
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=40).map("".join)


@given(texts)
def test_nothing_but_backslashes_is_added_and_no_mark_is_live(text: str) -> None:
    shown = inert(text)
    assert ESCAPED.sub(r"\1", shown) == text
    assert not LIVE.search(PLAIN_ADDRESS.sub("x", ESCAPED.sub("x", shown)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "[1] Is [discord.com](https://evil.example) down?",
            r"\[1\] Is \[discord.com\](https://evil.example) down?",
        ),
        ("https://a[discord.com](https://evil.example)", r"https://a\[discord.com\](https://evil.example)"),
        ("<a:/[discord.com](https://evil.example)>", r"<a:/\[discord.com\](https://evil.example)>"),
        (r"\[a](https://evil.example)", r"\\\[a\](https://evil.example)"),
        ("[**bold**](x) ||hidden||", r"\[\*\*bold\*\*\](x) \|\|hidden\|\|"),
        ("https://example.org/a_b_(c) and a_b", r"https://example.org/a_b_(c) and a\_b"),
        ("-# small\n  # large", "\\-# small\n  \\# large"),
    ],
)
def test_golden(text: str, shown: str) -> None:
    assert inert(text) == shown
