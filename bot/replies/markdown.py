"""What in a stretch of Discord's markdown belongs together.

`scan` reads one window of text and says where its code blocks lie, what must stay whole (mentions, links,
code spans, escapes) and which emphasis spans which stretch. It is asked again for every message, with a
window of little more than a message, so nothing here ever reads a text from its start.

Each kind is found by one pass of a compiled expression, and only where the window has its character at all.
What was found is masked before the next pass, so that the stars of a code block are not emphasis and the
underscores of a link neither. No expression can go back over more than a line's marks, so a window of nothing
but marks costs no more than any other.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import regex

from bot.replies.fences import CODE_RUN, Block, Fence, blocks, escaped

MASK = "."
"""Stands for what was found: no white space, no letter, and no mark of anything."""
LINK_UNITS = 1800
"""A longer link fits no message and is not kept whole."""

BLANK = r"\p{Cc}\p{Cf}\p{Z}\p{DI}\u2800"
"""What is not seen, as part of a set of characters."""
LEAD = regex.compile(rf"[{BLANK}>*+\-_~|#\[\d.)]*")
"""Blanks and the marks of quotes, lists, headings and emphasis: what may stand before small print."""
ESCAPE = re.compile(r"\\[!-/:-@\[-`{-~]")
ANGLE = re.compile(
    r"<(?:@[!&]?\d{1,20}|#\d{1,20}|a?:\w{1,32}:\d{1,20}|t:-?\d{1,17}(?::[A-Za-z])?|/[^<>\n:]{1,100}:\d{1,20}|id:\w{1,20}"
    rf"|(?:https?|discord)://[^\s<>]{{1,{LINK_UNITS}}}|mailto:[^\s<>]{{1,{LINK_UNITS}}}|\+?[\d-]{{5,20}})>"
)
UNFINISHED_ANGLE = re.compile(r"<[^<>\n]{0,130}\Z")
BRACKET = re.compile(r"\[|\]\(?")
TARGET = re.compile(
    r"\(\s*(?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
)
BARE_LINK = re.compile(r"(?:https?|discord)://[^\s<>\u3000-\u303f\uff00-\uffef]+")
PLAIN_LINK = re.compile(r"\[[^\[\]\n]*\]\((?:https?|discord)://[^\s()<>]+\)")
PLAIN_EMPHASIS = re.compile(r"([*_])(?<!\S.)(\1?)(?=[^\s*_])[^*_\n]*(?<=[^\s*_])\1\2(?![*_\w])", re.DOTALL)
EMPHASIS = re.compile(r"([*_~|])\1*")
MARKS = {
    "*": ("*",),
    "**": ("**",),
    "***": ("**", "*"),
    "_": ("_",),
    "__": ("__",),
    "___": ("__", "_"),
    "~~": ("~~",),
    "||": ("||",),
}
"""What a run of marks is made of; longer runs are literal."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """A pair of marks (``**``, ``_``, ``||`` ...) around ``window[body:body_end]``."""

    mark: str
    start: int
    body: int
    body_end: int
    end: int


@dataclass(slots=True)
class Scan:
    """What was found in a window; all offsets are into it."""

    blocks: list[Block] = field(default_factory=list)
    atoms: list[tuple[int, int]] = field(default_factory=list)
    """What must not be cut: mentions, links, code spans, escapes."""
    emphases: list[Emphasis] = field(default_factory=list)
    pending: int = 0
    """Where the first thing begins that more text could complete; the window's length where there is none."""


def masked(window: str, spans: list[tuple[int, int]]) -> str:
    """Return the window with the spans (in order, apart from each other) masked; its length stays."""
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += (window[position:start], MASK * (end - start))
        position = end
    parts.append(window[position:])
    return "".join(parts)


def code_spans(window: str) -> tuple[list[tuple[int, int]], int]:
    """Return the inline code spans, and where the first run of backticks stands that found no partner.

    A run is closed by the next run of the same length, over line ends too, as Discord does it.
    """
    runs = [match.span() for match in CODE_RUN.finditer(window)]
    by_length: dict[int, list[int]] = defaultdict(list)
    for start, end in runs:
        by_length[end - start].append(start)
    spans: list[tuple[int, int]] = []
    position, unclosed = 0, len(window)
    escapes = "\\" in window
    for first, end in runs:
        if first < position:
            continue
        start = first + 1 if escapes and escaped(window, first) else first
        length = end - start
        if length == 0:
            continue
        partners = by_length[length]
        index = bisect_right(partners, first)
        if index < len(partners):
            position = partners[index] + length
            spans.append((start, position))
        else:
            unclosed = min(unclosed, start)
    return spans, unclosed


def links(window: str) -> tuple[list[tuple[int, int]], int]:
    """Return the outermost spans of ``[label](target)``, and where the first lone bracket stands."""
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    pending = len(window)
    for match in BRACKET.finditer(window):
        if match[0] == "[":
            opened.append(match.start() - (window[match.start() - 1 : match.start()] == "!"))
        elif opened:
            start = opened.pop()
            target = TARGET.match(window, match.end() - 1) if match[0] == "](" else None
            if target is not None and target.end() - start <= LINK_UNITS:
                while spans and spans[-1][0] >= start:
                    spans.pop()
                spans.append((start, target.end()))
            elif match[0] == "](" or match.end() == len(window):
                pending = min(pending, start)
    return apart(spans), min([pending, *opened])


def apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans without those that begin inside an earlier one."""
    kept: list[tuple[int, int]] = []
    for span in sorted(spans):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


class Emphases:
    """Pairs the marks of emphasis: the nearest open mark of the same kind is the partner."""

    def __init__(self, carried: tuple[str, ...]) -> None:
        self.found: list[Emphasis] = []
        self.opened: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for mark in carried:
            self.opened[mark].append((0, 0))

    def close(self, marks: tuple[str, ...], start: int) -> list[str]:
        """Close what the marks, which begin at ``start``, can close; return those that are left."""
        opened = self.opened
        # Of three stars the inner pair comes first.
        left: list[str] = []
        for mark in sorted(marks, key=lambda mark: opened[mark][-1:], reverse=True):
            if opened[mark]:
                self.found.append(Emphasis(mark, *opened[mark].pop(), start, start + len(mark)))
                start += len(mark)
            else:
                left.append(mark)
        return left

    def read(self, window: str) -> int:
        """Read all marks of the window; return where the first stands that found no partner."""
        last = len(window)
        opened = self.opened
        for match in EMPHASIS.finditer(window):
            run = match[0]
            marks = MARKS.get(run)
            if marks is None:
                continue
            start, end = match.span()
            opens = closes = True
            if run[0] in "*_":
                before = window[start - 1] if start else "\n"
                after = window[end] if end < last else "\n"
                opens, closes = not after.isspace(), not before.isspace()
                if run[0] == "_":
                    opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
            if len(marks) > 1:
                left = self.close(marks, start) if closes else marks
            elif closes and opened[run]:
                self.found.append(Emphasis(run, *opened[run].pop(), start, end))
                continue
            else:
                left = marks
            if opens:
                self.open(left, end)
        starts = [begun[0] for stack in opened.values() for begun in stack]
        return min([last, *starts])

    def open(self, marks: Sequence[str], end: int) -> None:
        """Remember the marks, which end at ``end``, as ones that may be closed."""
        for mark in reversed(marks):
            self.opened[mark].append((end - len(mark), end))
            end -= len(mark)


def scan(window: str, fence: Fence | None, carried: tuple[str, ...], needed: int, *, mid_line: bool) -> Scan:
    """Return what belongs together in the window.

    Args:
        window: the text from the start of a message to as far as may be looked.
        fence: the code block the window begins in.
        carried: the emphasis that is open at its start.
        needed: what is whole before here need not be found.
        mid_line: whether the window begins within a line.
    """
    result = Scan(pending=len(window))
    result.blocks = blocks(window, fence, mid_line=mid_line)
    rest = masked(window, [(block.start, block.end) for block in result.blocks])
    if "`" in rest:
        spans, unclosed = code_spans(rest)
        rest = keep(result, rest, spans, unclosed)
    if "\\" in rest:
        rest = keep(result, rest, [match.span() for match in ESCAPE.finditer(rest)], len(window))
    if "<" in rest:
        unfinished = UNFINISHED_ANGLE.search(rest, max(0, len(rest) - 132))
        pending = unfinished.start() if unfinished else len(window)
        rest = keep(result, rest, [match.span() for match in ANGLE.finditer(rest)], pending)
    if "[" in rest:
        rest = skip(PLAIN_LINK, rest, needed)
        rest = keep(result, rest, *links(rest))
    if "://" in rest:
        rest = keep(result, rest, [match.span() for match in BARE_LINK.finditer(rest)], len(window))
    if carried or "*" in rest or "_" in rest or "~~" in rest or "||" in rest:
        rest = skip(PLAIN_EMPHASIS, rest, needed)
        emphases = Emphases(carried)
        result.pending = min(result.pending, emphases.read(rest))
        result.emphases = sorted(emphases.found, key=lambda emphasis: (emphasis.start, -emphasis.end))
    return result


def skip(plain: re.Pattern[str], rest: str, needed: int) -> str:
    """Return the rest with what is whole before ``needed`` masked; it pairs with nothing else."""
    return plain.sub(lambda match: MASK * len(match[0]), rest[:needed]) + rest[needed:]


def keep(result: Scan, rest: str, spans: list[tuple[int, int]], pending: int) -> str:
    """Note the spans as atoms and what is pending; return the rest without them."""
    result.pending = min(result.pending, pending)
    if not spans:
        return rest
    result.atoms += spans
    return masked(rest, spans)
