"""Where code blocks begin and end.

Code blocks are what writers of markdown mean: a line that begins with three or more backticks or tildes,
perhaps inside a list or a quote, up to a line of at least as many. Discord itself knows only three backticks;
a block of tildes or of four backticks is still closed and opened again with its own marks, since the text is
also read elsewhere and stays well formed.

A block of three backticks is read as Discord reads it. Models open one behind words (``1. Run this: ```sh``)
and close it behind its last line of code; to take its closing marks for the opening of another would turn
code into text and text into code from there on. So such a line opens a block too, and the next three
backticks close it, wherever they stand.

Splitting and making safe both ask here, and whether a line opens a block depends on that line alone: so they
never differ in what is code.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

FENCE = "```"
"""The only marks that fence code on Discord."""
LANGUAGE = re.compile(r"[\w+\-.#]{0,24}")
"""What stands behind the marks of a block and is said again in the next message; Discord would show another
word as code.
"""
LONGEST_LEAD = 400
"""Characters on the line before the marks that open a block."""
WORDS = (
    rf"(?:(?:[^`\\\n]|\\-#|`[^`\n]+`|```[^`\n]+```){{1,{LONGEST_LEAD}}}?"
    rf"(?=```(?!`){LANGUAGE.pattern}[ \t\r]*$))?"
)
"""Words before a block: with whole code spans, and with nothing that could change what its marks are. That
`bot.replies.safe` escapes a footer changes nothing.
"""
OPENING = re.compile(
    rf"^(?P<lead>(?:[ \t]{{0,12}}(?:>>> |> ?|[-*+] |\d{{1,9}}[.)] ))*+[ \t]*+){WORDS}"
    r"(?P<mark>`{3,16}(?!`)|~{3,16}(?!~))(?P<info>(?:(?!\]\()[^`\n]){0,80})$",
    re.MULTILINE,
)
# Each begins with a character, not with a repeat: so the search for it runs over the rest at the speed of C.
FENCE_MARK = re.compile(r"```|~~~")
CODE_RUN = re.compile(r"``*")


@dataclass(frozen=True, slots=True)
class Fence:
    """The marks of a code block: what closes it and opens it again."""

    mark: str
    language: str
    quote: str
    """``"> "`` when every line of the block stands in a quote."""

    @property
    def opening(self) -> str:
        """The line that opens the block again at the start of a message."""
        return f"{self.quote}{self.mark}{self.language}\n"

    @property
    def closing(self) -> str:
        """What closes the block after its last line."""
        return f"\n{self.quote}{self.mark}"


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its code is ``window[body:body_end]``, its closing line ends at ``end``."""

    start: int
    body: int
    body_end: int
    end: int
    fence: Fence
    closed: bool


@lru_cache(maxsize=64)
def closing_line(mark: str) -> re.Pattern[str]:
    """Return the expression for a line that closes a block; the end of a spoiler may follow."""
    return re.compile(
        rf"^[ \t>]{{0,32}}{re.escape(mark[0])}{{{len(mark)},}}[ \t\r]{{0,32}}(?:$|(?=\|\|))", re.MULTILINE
    )


@lru_cache(maxsize=64)
def fence_of(lead: str, mark: str, info: str) -> Fence:
    """Return the marks of the block that a line opens, by the parts of the line."""
    language = info.split(maxsplit=1)[0] if info.strip() else ""
    kept = language if LANGUAGE.fullmatch(language) else ""
    return Fence(mark, kept, "> " if ">" in lead and ">>> " not in lead else "")


def opening_at(text: str, index: int) -> re.Match[str] | None:
    """Return the line that opens a block with the marks at ``index``; None where they open none."""
    start = text.rfind("\n", max(0, index - LONGEST_LEAD), index) + 1
    line = OPENING.match(text, start) if index - start < LONGEST_LEAD else None
    return line if line is not None and line.start("mark") == index else None


def closing_at(text: str, mark: str, first: int, *, mid_line: bool = False) -> tuple[int, int] | None:
    """Return the span of what closes a block that ``mark`` opened and whose code begins at ``first``.

    That is a line of its own or, for three backticks, the next three. ``mid_line`` says that no line starts
    where the text does.
    """
    line = closing_line(mark)
    least = max(first, 1 if mid_line else 0)
    position = first
    while (found := FENCE_MARK.search(text, position)) is not None:
        start = text.rfind("\n", 0, found.start()) + 1
        own = line.match(text, start) if start >= least else None
        if own is not None:
            return own.span()
        if mark == found[0] == FENCE:
            return found.span()
        position = found.end() if mark == FENCE else text.find("\n", found.end())
        if position < 0:
            return None
    return None


def blocks(window: str, fence: Fence | None, *, mid_line: bool) -> list[Block]:
    """Return the code blocks of the window.

    ``fence`` is the block it begins in; ``mid_line`` says that no line starts where it does.
    """
    if fence is None and "```" not in window and "~~~" not in window:
        return []
    found: list[Block] = []
    position = start = body = 0
    while True:
        if fence is None:
            line = next_opening(window, position, mid_line=mid_line)
            if line is None:
                return found
            start, body = line.start(), min(len(window), line.end() + 1)
            fence = fence_of(*line.group("lead", "mark", "info"))
        closing = closing_at(window, fence.mark, body, mid_line=mid_line)
        if closing is None:
            found.append(Block(start, body, len(window), len(window), fence, closed=False))
            return found
        found.append(Block(start, body, *closing, fence, closed=True))
        position, fence = closing[1], None


def next_opening(window: str, position: int, *, mid_line: bool) -> re.Match[str] | None:
    """Return the line that opens the next block."""
    least = max(position, 1 if mid_line else 0)
    while (mark := FENCE_MARK.search(window, position)) is not None:
        start = window.rfind("\n", 0, mark.start()) + 1
        line = OPENING.match(window, start) if start >= least else None
        if line is not None and line.start("mark") - start < LONGEST_LEAD:
            return line
        position = window.find("\n", mark.end())
        if position < 0:
            return None
    return None


def escaped(text: str, position: int) -> bool:
    """Return whether an odd number of backslashes stands before the position."""
    start = position
    while start > 0 and text[start - 1] == "\\":
        start -= 1
    return (position - start) % 2 == 1
