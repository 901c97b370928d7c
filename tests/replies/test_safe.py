"""Made safe outside code, byte-equal inside it: properties, with golden examples beside them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies.addresses import deceptive
from bot.replies.safe import Safe, safe
from bot.replies.split import split
from tests.support.discord_code import DISCORD_CODE

FOOTER = "-# llama · 3 tokens · $0.01"
BAIT = "[https://bank.example](https://evil.example/login)"
MENDED = "[https://bank.example] (https://evil.example/login)"
# fmt: off
FRAGMENTS = [
    "word ", "it`s ", "`", "``", "```", "````", "`code`", "\n", "\n\n", "\n```py\n", "\n```\n", "\n````\n",
    "\n~~~\n", "> ", "- ", "1. ", FOOTER, "-#", " ", "\n-# small\n", BAIT, "[docs](https://docs.example)",
    " run: ```sh\n", "`npm`: ```\n", "code```\n", "\n``` x",
    "[", "]", "(", ")", "](", "\\", "\\`", "**", "*", "||", "_", "bank.example", "https://", "你好", "👨‍👩‍👧",
    "\u202e", "\0", "\ud83d", "\ude00", "@everyone <@1> <@&2>", "x" * 90, "word " * 70,
]
# fmt: on
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=40).map("".join)
plain = st.text(st.characters(exclude_characters="`~[]\\*_|\0", exclude_categories=["Cs"]), max_size=120)


def streamed(text: str, sizes: list[int]) -> str:
    """Return the safe text of what is fed in pieces of these sizes, over and over."""
    whole, given_out, position, turn = Safe(), "", 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        given_out += whole.feed(text[position : position + size])
        position, turn = position + size, turn + 1
    return given_out + whole.tail()


@given(texts, st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_streaming_makes_the_same_safe_text(text: str, sizes: list[int]) -> None:
    assert streamed(text, sizes) == safe(text)


@given(texts)
def test_only_a_backslash_or_a_space_is_added(text: str) -> None:
    sendable = (
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")
    )
    rest = iter(safe(text))
    for character in sendable:
        while (found := next(rest)) != character:
            assert found in "\\ "
    assert not list(rest)


@given(texts)
def test_safe_text_stays_as_it_is(text: str) -> None:
    once = safe(text)
    assert safe(once) == once


@given(plain)
def test_mentions_and_plain_text_are_not_touched(text: str) -> None:
    words = f"{text} @everyone @here <@1> <@&2> <#3>".replace("-#", "")
    assert safe(words) == words


@given(
    plain,
    st.sampled_from(["", "> ", ">>> ", "- ", "  ", "1. ", "> - "]),
    st.sampled_from(["\n", "\n\n", "`code`\n", "```\nx\n```\n"]),
)
def test_a_footer_of_ones_own_is_escaped(before: str, lead: str, line_end: str) -> None:
    text = f"{before}{line_end}{lead}{FOOTER}"
    assert safe(text).endswith(f"{line_end}{lead}\\{FOOTER}")


@given(
    st.sampled_from(["", "py", "c++"]),
    st.lists(st.sampled_from([FOOTER, BAIT, "> -# x", "plain", "", "  *a*"]), max_size=30),
    plain,
)
def test_a_block_is_byte_equal(language: str, lines: list[str], before: str) -> None:
    before = before.replace("-#", "")
    block = "\n".join([f"```{language}", *lines, "```"])
    assert safe(f"{before}\n{block}\n{before}") == f"{before}\n{block}\n{before}"
    unended = "\n".join([f"```{language}", *lines])
    assert safe(unended) == unended


@pytest.mark.parametrize("lines", [1, 500])
@pytest.mark.parametrize(
    "form",
    [
        "1. Run: ```md\n{}\n```\n",
        "Run `x` and ```y```: ```md\n{}```\n",
        "```md\n{}```\n",
        "> Run: ```\n{}\n> ```\n",
    ],
)
def test_a_block_that_begins_or_ends_within_a_line_is_byte_equal_and_ends_there(
    form: str, lines: int
) -> None:
    block = form.format(f"-# x\n{BAIT}\n" * lines)
    assert safe(f"{block}{BAIT} {FOOTER}") == f"{block}{MENDED} {FOOTER}"
    assert safe(f"{block}{FOOTER}") == f"{block}\\{FOOTER}"


def test_a_span_that_may_end_on_a_line_that_opens_a_block_is_waited_for() -> None:
    text = f"it`s {BAIT}\n`npm` do: ```sh\n{BAIT}\n```"
    assert streamed(text, [1]) == safe(text) == text.replace(BAIT, MENDED)


def test_what_is_mended_changes_nothing_about_the_block_behind_it() -> None:
    text = f"{FOOTER} {BAIT}: ```md\n{BAIT}\n```"
    assert safe(text) == f"\\{FOOTER} {MENDED}: ```md\n{BAIT}\n```"
    assert safe(safe(text)) == safe(text)


@given(
    st.sampled_from(["`", "``", "```"]),
    st.sampled_from([f"x\n{FOOTER} ", f" {BAIT} ", f"a {BAIT}\n{FOOTER} "]),
    plain,
)
def test_a_code_span_is_byte_equal(ticks: str, code: str, before: str) -> None:
    text = f"{before.replace('-#', '')} {ticks}{code}{ticks} end"
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (BAIT, MENDED),
        ("[bank.example](https://evil.example)", "[bank.example] (https://evil.example)"),
        ("[www.bank.example](https://bank.example/x)", None),
        ("[bank.example](https://www.bank.example/x)", None),
        ("[BANK.example/a](https://bank.example/b)", None),
        ("[docs.bank.example](https://bank.example)", "[docs.bank.example] (https://bank.example)"),
        ("[go to bank.example now](https://evil.example)", "[go to bank.example now] (https://evil.example)"),
        (
            "[**bank.example**](<https://evil.example> 'title')",
            "[**bank.example**] (<https://evil.example> 'title')",
        ),
        ('[bank.example]( https://evil.example "t")', '[bank.example] ( https://evil.example "t")'),
        ("[ba\u200bnk.example](https://evil.example)", "[ba\u200bnk.example] (https://evil.example)"),
        ("[ｂａｎｋ．example](https://evil.example)", "[ｂａｎｋ．example] (https://evil.example)"),
        ("[bank。example](https://evil.example)", "[bank。example] (https://evil.example)"),
        ("[请访问bank.example吧](https://evil.example)", "[请访问bank.example吧] (https://evil.example)"),
        ("[elpmaxe\u202eknab](https://evil.example)", "[elpmaxe\u202eknab] (https://evil.example)"),
        ("[1.2.3.4](https://evil.example)", "[1.2.3.4] (https://evil.example)"),
        ("[https://localhost/](https://evil.example)", "[https://localhost/] (https://evil.example)"),
        (
            "[bank.example@evil.example](https://evil.example)",
            "[bank.example@evil.example] (https://evil.example)",
        ),
        (
            "[bank.example](https://bank.example@evil.example)",
            "[bank.example] (https://bank.example@evil.example)",
        ),
        (
            "[bank.example](https://bank.example\\@evil.example)",
            "[bank.example] (https://bank.example\\@evil.example)",
        ),
        ("[[1] bank.example](https://evil.example)", "[[1] bank.example] (https://evil.example)"),
        ("[bank.example] x](https://evil.example)", "[bank.example] x] (https://evil.example)"),
        ("[`bank.example`](https://evil.example)", "[`bank.example`] (https://evil.example)"),
        ("[bank.example\\](https://evil.example)", "[bank.example\\] (https://evil.example)"),
        ("![bank.example](https://evil.example)", "![bank.example] (https://evil.example)"),
        (
            f"[bank.example{' x' * 900}](https://evil.example)",
            f"[bank.example{' x' * 900}] (https://evil.example)",
        ),
        (
            f"[{' x' * 1200}bank.example](https://evil.example)",
            f"[{' x' * 1200}bank.example] (https://evil.example)",
        ),
        ("[bank.example](https://evil.example", "[bank.example] (https://evil.example"),
        (f"[bank.example](https://{'a' * 400})", f"[bank.example] (https://{'a' * 400})"),
        ("[docs](https://docs.example)", None),
        ("[Node.js](https://nodejs.org)", None),
        ("[setup.cfg](https://github.com/x)", None),
        ("[e.g. this](https://docs.example)", None),
        ("[bank.example](relative/path)", None),
        ("bank.example](https://evil.example)", None),
        ("[bank.example] (https://evil.example)", None),
        ("a[0](x.y)", None),
    ],
)
def test_a_label_that_looks_like_another_address(text: str, shown: str | None) -> None:
    assert safe(text) == (shown or text)
    assert streamed(text, [1]) == (shown or text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (FOOTER, f"\\{FOOTER}"),
        (f"a {FOOTER}", None),
        ("-#tag", "\\-#tag"),
        ("-#", "\\-#"),
        ("five -#", None),
        ("- -# x", "- \\-# x"),
        (">\t-# x", ">\t\\-# x"),
        ("\\-# x", None),
        ("```\n-# x\n```\n-# y", "```\n-# x\n```\n\\-# y"),
    ],
)
def test_what_imitates_the_footer(text: str, shown: str | None) -> None:
    assert safe(text) == (shown or text)
    assert streamed(text, [1]) == (shown or text)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("it`s " + "x " * 150 + "`", id="a stray backtick that Discord pairs with the next"),
        pytest.param("it`s " + "x " * 150 + "\n```\n` ", id="a stray backtick that ends inside a block"),
        pytest.param("````x```` `", id="four backticks, of which Discord reads three"),
        pytest.param("````\nx\n````\n`", id="a block of four, which leaves a backtick over"),
        pytest.param("````\n```\n", id="three backticks inside a block of four"),
        pytest.param("```\na ``` b\n", id="three backticks within a line of a block"),
        pytest.param("~~~\n", id="tildes, which Discord shows as they are"),
        pytest.param("**a `b** ", id="a mark that closes inside the code"),
        pytest.param("*a `b* ", id="a single mark that closes inside the code"),
        pytest.param("`" * 80 + " `", id="a run too long to be a delimiter"),
    ],
)
def test_what_may_not_be_code_on_the_screen_is_made_safe(before: str) -> None:
    text = f"{before}{BAIT}` and on"
    assert safe(text) == text.replace(BAIT, MENDED)
    assert streamed(text, [3]) == safe(text)


def test_a_bracket_before_the_code() -> None:
    text = "[bank.example `](https://evil.example)` and on"
    assert safe(text) == text.replace("](", "] (")


def test_code_is_in_doubt_no_longer_than_a_message() -> None:
    text = "it`s " + "x " * 1100 + f"`{BAIT}`"
    assert safe(text) == text


def test_escaped_backticks_open_no_code() -> None:
    assert safe(f"\\`{BAIT}\\`") == f"\\`{MENDED}\\`"
    assert safe(f"\\\\`{BAIT}`") == f"\\\\`{BAIT}`"


def test_what_cannot_be_sent_is_replaced() -> None:
    assert safe("a\0b") == "a\ufffdb"
    assert safe("a\ud800b\udc00c") == "a\ufffdb\ufffdc"
    assert safe("`\0`") == "`\ufffd`"
    assert safe("a\ud83d") == "a\ufffd"


def test_halves_of_a_pair_that_come_apart_are_joined() -> None:
    assert streamed("a\ud83d\ude00b", [1]) == "a😀b"


def test_what_is_sure_is_given_out_at_once() -> None:
    text = Safe()
    assert text.feed("Hello *wor") == "Hello *wor"
    assert text.feed("ld* `co") == "ld* "
    assert text.tail() == "`co"
    assert text.tail() == "`co"
    assert text.feed("de` and [bank.example](https://") == "`code` and [bank.example]"
    assert text.feed("evil.example) ") == " (https://evil.example) "
    assert text.feed("\n-") == "\n"
    assert text.feed("# x") == "\\-# x"
    assert text.feed("[docs](https://") == "[docs](https://"


def test_a_tail_changes_nothing() -> None:
    text = Safe()
    text.feed("a `b ")
    text.tail()
    text.tail()
    assert (
        text.feed("[bank.example](https://evil.example)` c") == "`b [bank.example](https://evil.example)` c"
    )


@pytest.mark.parametrize(
    "text", ["`" * 10_000, "[" * 10_000, "](" * 5000, "~" * 5000, "@everyone <@1> " * 500, "x" * 40_000]
)
def test_hard_texts_stay_as_they_are(text: str) -> None:
    assert safe(text) == text
    assert streamed(text, [7]) == text


@given(texts, st.integers(1, 8))
def test_no_message_shows_a_danger_outside_what_discord_takes_for_code(text: str, times: int) -> None:
    whole = safe(text * times)
    for piece in split(whole):
        message = piece.render(whole)
        outside = DISCORD_CODE.sub(lambda code: code[0] if code[0].startswith("\\") else "code", message)
        assert not re.search(r"^[ \t>]*-#[ \t]", outside, re.MULTILINE)
        assert BAIT not in outside


@pytest.mark.parametrize(
    ("label", "target", "expected"),
    [
        ("bank.example:443", "https://bank.example", False),
        ("bank.example.", "https://bank.example./", False),
        ("http://bank.example", "HTTPS://BANK.example", False),
        ("bank.example", "mailto:me@bank.example", True),
        ("bank.example", "//bank.example", False),
        ("bank.example", "www.evil.example", True),
        ("xn--bnk-7qa.example", "https://bank.example", True),
        ("nothing", "https://bank.example", False),
    ],
)
def test_labels_against_targets(label: str, target: str, *, expected: bool) -> None:
    assert deceptive(label, target) is expected
