"""Where a message may end, and what has to be closed there and opened again.

`cut` looks at one window, from the start of a message to at most `LOOKAHEAD` units past its limit, and picks
the strongest boundary in the last `CHOICE` units: paragraph, list item, line, sentence, word, and where there
is none of these, between two characters as readers count them. What `bot.replies.markdown` found is not cut
into as long as it fits a message.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import regex

from bot.replies.fences import Block, Fence
from bot.replies.markdown import BLANK, LEAD, Scan, scan
from bot.replies.units import index_of, units

LOOKAHEAD = 256
"""UTF-16 units past the limit in which a closing mark is looked for."""
CHOICE = 600
"""UTF-16 units before the limit in which the strongest boundary is chosen."""
LEAST = 1400
"""UTF-16 units that a message has at least, where the text allows."""
INDENT = 64
"""Characters of blank at the start of a line that are kept as its indentation; more is only white space."""
GUARD = "\u200b"
"""Stands before white space that Discord would trim, and before what would be read as a block's start."""
ENDLESS = ">>> "
"""Quotes everything to the end of the message."""
SURE = 64
"""UTF-16 units past the limit that boundaries themselves may look at."""

VISIBLE = regex.compile(f"[^{BLANK}]")
"""What is seen: a message without it is empty."""
BLOCK_START = regex.compile(rf"[{BLANK}]*(?:#{{1,3}} |-#|[-*+] |\d{{1,9}}[.)] |>>> |> |```|~~~)")
SMALL_PRINT = regex.compile(f"{LEAD.pattern}-#")
QUOTED_LINE = re.compile(r"[ \t]*(?:> ){1,4}")
ENDLESS_QUOTE = re.compile(r"^[ \t]*>>> ", re.MULTILINE)


def kept_from(gap: str, *, lost_line: bool, line_start: bool) -> int:
    """Return from where on the white space before a piece is the piece's own: the indentation of its first
    line.

    ``lost_line`` says that a line ended before the gap, further away than any indentation; ``line_start``
    that the gap itself begins a line.
    """
    line = gap.rfind("\n") + 1
    if line or line_start:
        kept = line
    else:
        kept = max((match.end() for match in BLANKS[Strength.WORD].finditer(gap)), default=0)
    return len(gap) if len(gap) - kept > INDENT or (lost_line and not line) else kept


class Strength(IntEnum):
    """How good a boundary is; the smallest is the strongest."""

    PARAGRAPH = 0
    LIST_ITEM = 1
    LINE = 2
    SENTENCE = 3
    WORD = 4


BLANKS = {
    Strength.PARAGRAPH: re.compile(r"\n[ \t\r]*\n"),
    Strength.LIST_ITEM: re.compile(r"\n(?=[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t])"),
    Strength.LINE: re.compile(r"\n"),
    Strength.WORD: re.compile(r"\s"),
}
SENTENCE = re.compile(r"[.!?…][\"'”’)\]*_]*(?=\s)|[。！？][”’」』）]*")
IN_CODE = frozenset({Strength.LINE, Strength.WORD})
PLAIN_BOUNDARY = regex.compile(r"[\p{GCB=XX}\p{GCB=CN}\n\r][^\p{GCB=EX}\p{GCB=ZWJ}\p{GCB=SM}]")
CLUSTER = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Seam:
    """What goes on from one message into the next."""

    mid_line: bool = False
    fence: Fence | None = None
    marks: tuple[str, ...] = ()
    quote: str = ""

    def after_gap(self, *, line_end: bool) -> "Seam":
        """Return what still goes on after the white space at the cut; a line's end there ends its quote."""
        if not line_end:
            return self
        return Seam(fence=self.fence, marks=self.marks, quote=self.quote if self.quote == ENDLESS else "")

    def opening(self, begin: str) -> str:
        """Return what the next message opens with; ``begin`` is the first part of its text."""
        marks = "".join(self.marks)
        if self.fence is not None:
            quote = ENDLESS if self.quote == ENDLESS else self.fence.quote
            again = self.fence.quote if self.mid_line else ""
            return f"{quote}{marks}{self.fence.mark}{self.fence.language}\n{again}"
        if SMALL_PRINT.match(begin):
            # Safe text has it in code only, and what is opened here is none.
            return f"{self.quote}{marks}{GUARD}"
        starts_block = BLOCK_START.match(begin) is not None
        if self.mid_line:
            joined = begin[:1] in "*_~|`#" if marks else starts_block
            return f"{self.quote}{marks}{GUARD if joined else ''}"
        if not marks:
            return f"{self.quote}{self._guard(begin, starts_block=starts_block)}"
        quoted = QUOTED_LINE.match(begin)
        if quoted or starts_block or begin[:1] in "*_~|":
            return f"{self.quote}{quoted[0].lstrip() if quoted else ''}{marks}{GUARD}\n"
        return f"{self.quote}{marks}{GUARD if begin[:1].isspace() else ''}"

    def _guard(self, begin: str, *, starts_block: bool) -> str:
        """Return what keeps the first line's indentation; a list item stays one only at a line's start."""
        if self.quote or not begin[:1].isspace():
            return ""
        return f"{GUARD}\n" if starts_block else GUARD


@dataclass(frozen=True, slots=True)
class Cut:
    """An end of a message: it shows ``window[:shown]`` and closes with ``suffix``."""

    shown: int
    suffix: str
    seam: Seam


def cut(window: str, seam: Seam, most: int, least: int, *, certain: bool) -> Cut | None:
    """Return where the message that starts with the window ends, or None where more text could change that.

    Args:
        window: from the start of the message to at most `LOOKAHEAD` units past ``most``.
        seam: what goes on at its start.
        most: the UTF-16 units the message may show.
        least: the UTF-16 units it should show.
        certain: whether no further text of the window is to come.
    """
    high = index_of(window, 0, most)
    low = max(index_of(window, 0, max(least, 1)), 1)
    found = scan(window, seam.fence, seam.marks, low, mid_line=seam.mid_line)
    if not (certain or settled(window, found, high)):
        return None
    end = choose(window, found, low, high)
    fence, marks = open_at(found, end)
    suffix = (fence.closing if fence else "") + "".join(reversed(marks))
    shown = len(window[:end].rstrip())
    quote = quote_at(window, found, seam, end)
    return Cut(shown, suffix, Seam(mid_line=True, fence=fence, marks=marks, quote=quote))


def settled(window: str, found: Scan, high: int) -> bool:
    """Return whether no text after the window can change what is known of it up to ``high``."""
    size, visible = len(window), len(window.rstrip(" \t\r"))
    if found.pending < high or units(window[high:]) < SURE:
        return False
    if found.blocks and not window[high:].strip("`~> \t\r\n"):
        return False
    if any(start < high and end >= visible for start, end in found.atoms):
        return False
    if any(
        block.start < high and (block.body == size or (block.closed and block.end == size))
        for block in found.blocks
    ):
        return False
    return all(emphasis.start >= high or emphasis.end < size for emphasis in found.emphases)


def choose(window: str, found: Scan, low: int, high: int) -> int:
    """Return the end of the strongest boundary between ``low`` and ``high``."""
    walls = Walls(window, found, low, high)
    for strength in Strength:
        for end in boundaries(window, found, strength, low, high):
            if not walls.around(end) and (strength in IN_CODE or not in_code(found, end)):
                return end
    clusters = Clusters(window)
    end = high
    while end >= low:
        wall = walls.around(end)
        if wall is None and clusters.divide(end):
            return end
        end = wall[0] if wall else end - 1
    wall = walls.around(low)
    if wall and wall[0] > 0 and wall[1] - wall[0] <= high and window[: wall[0]].strip():
        return wall[0]
    return forced(window, clusters, low, high)


def forced(window: str, clusters: "Clusters", low: int, high: int) -> int:
    """Return an end where the text allows no good one: something in it is longer than a message."""
    blank = [match.start() for match in BLANKS[Strength.WORD].finditer(window, low, high)]
    if blank:
        return blank[-1]
    return next((end for end in range(high, low - 1, -1) if clusters.divide(end)), high)


def boundaries(window: str, found: Scan, strength: Strength, low: int, high: int) -> Iterator[int]:
    """Yield the boundaries of that strength, the last first, each as the end of what is shown before it."""
    if strength is Strength.SENTENCE:
        ends = [match.end() for match in SENTENCE.finditer(window, low, min(len(window), high + SURE))]
    else:
        ends = [
            match.start() for match in BLANKS[strength].finditer(window, low, min(len(window), high + SURE))
        ]
    if strength is Strength.PARAGRAPH and found.blocks:
        ends = sorted(
            [*ends, *(block.start for block in found.blocks), *(block.end for block in found.blocks)]
        )
    for end in reversed(ends):
        shown = end
        while shown > low and window[shown - 1].isspace():
            shown -= 1
        if low <= shown <= high and not window[shown - 1].isspace():
            yield shown


class Walls:
    """The stretches between ``low`` and ``high`` in which no message may end."""

    def __init__(self, window: str, found: Scan, low: int, high: int) -> None:
        spans = [span for span in found.atoms if low < span[1] and span[0] < high]
        for block in found.blocks:
            if low < block.end and block.start < high:
                around = edges(window, block.start, block.body, block.body_end, block.end)
                spans += around if block.closed else around[:1]
        for emphasis in found.emphases:
            if low < emphasis.end and emphasis.start < high:
                spans += edges(window, emphasis.start, emphasis.body, emphasis.body_end, emphasis.end)
        self._spans: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if self._spans and start < self._spans[-1][1]:
                self._spans[-1] = (self._spans[-1][0], max(end, self._spans[-1][1]))
            else:
                self._spans.append((start, end))

    def around(self, end: int) -> tuple[int, int] | None:
        """Return the stretch that an end here would cut."""
        index = bisect_right(self._spans, (end, -1)) - 1
        if index >= 0 and self._spans[index][0] < end < self._spans[index][1]:
            return self._spans[index]
        return None


def edges(window: str, start: int, body: int, body_end: int, end: int) -> list[tuple[int, int]]:
    """Return the two ends of something with a body: cut there, one side would be an empty pair of marks."""
    text = window[body:body_end]
    first = body_end - len(text.lstrip())
    last = body + len(text.rstrip())
    return [(start, max(end, 1))] * 2 if last <= first else [(start, first + 1), (last - 1, end)]


class Clusters:
    """Where one character, as readers count them, ends and the next begins."""

    def __init__(self, window: str) -> None:
        self._window = window
        self._ends: frozenset[int] | None = None

    def divide(self, end: int) -> bool:
        """Return whether no character spans this place."""
        pair = self._window[end - 1 : end + 1]
        if pair != "\r\n" and (pair.isascii() or PLAIN_BOUNDARY.fullmatch(pair)):
            return True
        if self._ends is None:
            self._ends = frozenset(match.end() for match in CLUSTER.finditer(self._window))
        return end in self._ends


def block_at(found: Scan, end: int) -> Block | None:
    """Return the code block whose code goes on here."""
    return next(
        (block for block in found.blocks if block.body <= end <= block.body_end and end > block.start), None
    )


def in_code(found: Scan, end: int) -> bool:
    """Return whether the place is inside a code block."""
    return bool(found.blocks) and block_at(found, end) is not None


def open_at(found: Scan, end: int) -> tuple[Fence | None, tuple[str, ...]]:
    """Return the block and the emphasis that go on here, the outermost first, each mark once."""
    block = block_at(found, end)
    marks = [emphasis.mark for emphasis in found.emphases if emphasis.body <= end <= emphasis.body_end]
    return (block.fence if block else None), tuple(dict.fromkeys(marks))


def quote_at(window: str, found: Scan, seam: Seam, end: int) -> str:
    """Return the quote marks of the line that is cut, or those of a quote without end."""
    if seam.quote == ENDLESS:
        return ENDLESS
    if ">" not in window and not seam.quote:
        return ""
    endless = ENDLESS_QUOTE.finditer(window, 0, end) if ENDLESS in window else ()
    if any(not in_code(found, match.start()) for match in endless):
        return ENDLESS
    start = window.rfind("\n", 0, end) + 1
    if start == 0 and seam.mid_line:
        return seam.quote
    quoted = QUOTED_LINE.match(window, start, end)
    return quoted[0].lstrip() if quoted else ""
