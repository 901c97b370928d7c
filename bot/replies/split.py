"""Turns growing text into Discord messages.

Why this is hard. A message holds 2,000 characters and an answer does not care. Cut anywhere, half a mention
pings nobody, half an emoji is a box, a code block runs out into prose and the bold of one message is the
asterisks of the next. And the text still grows while people read it: a message that was left behind must not
change any more, or the channel flickers.

What holds.

- A message is a `Piece`: what opens again, a slice of the text, what closes. The slices joined are the text.
  White space at a cut belongs to the piece before it and is not sent: Discord trims it anyway, and so it
  never takes room or makes an empty message. Only a text with nothing to see at all has no pieces.
- Where a piece ends depends on nothing but the text from its start to `LOOKAHEAD` units past its limit. A
  mark that is not closed by then is literal. So splitting while the text grows and splitting it whole agree,
  and the cost of a piece does not depend on how many came before: the work is linear.
- A piece is settled when no further text can move its end: as soon as nothing is left open before the limit,
  otherwise when all of the look-ahead is there. Until then `growing` holds back what does not fit, rather
  than showing it in a message that may have to take it back. `pieces` says how the text would be split if it
  ended now.
- Everything is counted in UTF-16 units and never above `room`: `FOOTER_UNITS` stay free in every piece, since
  any may turn out to be the last.

Where the text allows no good end (a link longer than a message, three thousand accents on one letter) the
limit wins.
"""

from dataclasses import dataclass, field, replace

from bot.replies.cuts import CHOICE, LEAST, LOOKAHEAD, VISIBLE, Seam, cut, kept_from
from bot.replies.fences import blocks
from bot.replies.units import index_of, units

MESSAGE_UNITS = 2000
"""UTF-16 units of one message (Discord: Create Message, content)."""
FOOTER_UNITS = 120
"""UTF-16 units kept free for the footer."""
ROOM = MESSAGE_UNITS - FOOTER_UNITS
CLOSING_UNITS = 40
"""UTF-16 units kept free for what closes at a cut: a quoted fence of sixteen and all emphasis take 29."""
LEAST_ROOM = 200
"""UTF-16 units without which a message could hold little more than its own marks."""
BEGIN = 48
"""Characters that tell how the first line of a piece begins."""
GAP = 4096
"""Characters of white space that are held while nothing visible has come; the last ``GAP_KEPT`` would do."""
GAP_KEPT = 128


@dataclass(frozen=True, slots=True)
class Piece:
    """One message: what opens again, a slice of the text, what closes.

    ``source[start:end]`` is the slice; of it ``source[shown_start:shown_end]`` is sent, the rest is white
    space that Discord would trim.
    """

    prefix: str
    start: int
    end: int
    suffix: str
    shown_start: int
    shown_end: int

    def until(self, end: int) -> "Piece":
        """Return the piece with a slice that goes on to ``end``; no more of it is sent."""
        return Piece(self.prefix, self.start, end, self.suffix, self.shown_start, self.shown_end)

    def render(self, source: str) -> str:
        """Return the message's text."""
        return f"{self.prefix}{source[self.shown_start : self.shown_end]}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Place:
    """How far splitting has come: in a piece that begins at ``offset``, or in the white space before one."""

    offset: int = 0
    """An index into the text held."""
    start: int = 0
    """Where the piece's slice starts in the source."""
    seam: Seam = field(default_factory=Seam)
    left: Piece | None = None
    """The piece before the white space; its slice goes on to the end of it."""
    in_gap: bool = True
    line_end: bool = False
    """Whether a line ended in white space that is no longer held."""
    first: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """A place further on, and the piece that was completed on the way."""

    place: Place
    piece: Piece | None = None


class Splitter:
    """Splits a text that grows.

    Args:
        head: UTF-16 units already taken in the first message, for a quoted question.
        room: UTF-16 units a message may take, without the footer.

    Raises:
        ValueError: the head leaves fewer than `LEAST_ROOM` units.
    """

    def __init__(self, head: int = 0, room: int = ROOM) -> None:
        if room - head < LEAST_ROOM:
            raise ValueError(f"{room} units with a head of {head} leave no room for text")
        self._head = head
        self._room = room
        self._chunks: list[str] = []
        self._held = ""
        self._base = 0
        self._place = Place()
        self._pieces: list[Piece] = []

    @property
    def source(self) -> str:
        """The text so far."""
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return "".join(self._chunks)

    @property
    def settled(self) -> int:
        """How many of the first pieces show what no further text can change."""
        return len(self._pieces) + (self._place.left is not None)

    def feed(self, text: str) -> None:
        """Take in more text. The cost follows the length of this text, not of all."""
        self._chunks.append(text)
        self._held += text
        while (step := self._step(self._held, self._place, final=False)) is not None:
            self._place = step.place
            if step.piece is not None:
                self._pieces.append(step.piece)
        self._forget()

    def pieces(self, tail: str = "") -> list[Piece]:
        """Return the pieces as they are if the text ends here, or after ``tail``."""
        return [*self._pieces, *self._rest(tail)]

    def growing(self, tail: str = "") -> list[Piece]:
        """Return the pieces to show while the text grows: the settled ones and the one after them.

        ``tail`` is shown as if it followed, without being fed: render with ``source + tail``. What does not
        fit the last piece is held back until that piece is settled. The cost follows the length of the last
        piece and the tail.
        """
        return [*self._pieces, *self._rest(tail)[: 1 if self._place.left is None else 2]]

    def _rest(self, tail: str) -> list[Piece]:
        """Return the pieces after those that are complete, if the text ended after ``tail``."""
        held, place = self._held + tail, self._place
        found: list[Piece] = []
        while (step := self._step(held, place, final=True)) is not None:
            place = step.place
            if step.piece is not None:
                found.append(step.piece)
        return found

    def _forget(self) -> None:
        """Let go of the text that no later piece needs."""
        place = self._place
        offset = place.offset
        if place.in_gap and len(self._held) - offset > GAP:
            offset = len(self._held) - GAP_KEPT
            dropped = self._held[place.offset : offset]
            place = replace(place, line_end=place.line_end or "\n" in dropped or place.first)
        if offset:
            self._held = self._held[offset:]
            self._base += offset
            self._place = replace(place, offset=0)

    def _step(self, held: str, place: Place, *, final: bool) -> Step | None:
        """Return the next step, or None where more text is needed; ``final`` says that none will come."""
        return (
            self._leave_gap(held, place, final=final)
            if place.in_gap
            else self._end_piece(held, place, final=final)
        )

    def _leave_gap(self, held: str, place: Place, *, final: bool) -> Step | None:
        visible = VISIBLE.search(held, place.offset)
        if visible is None:
            if not final or place.left is None:
                return None
            left = place.left.until(self._base + len(held))
            return Step(replace(place, offset=len(held), left=None), left)
        gap = held[place.offset : visible.start()]
        line_end = place.line_end or "\n" in gap
        begin = place.offset + kept_from(gap, lost_line=place.line_end, line_start=place.first)
        start = 0 if place.first else self._base + begin
        here = Place(begin, start, place.seam.after_gap(line_end=line_end), in_gap=False, first=place.first)
        return Step(here, place.left.until(start) if place.left else None)

    def _end_piece(self, held: str, place: Place, *, final: bool) -> Step | None:
        offset, rest = place.offset, len(held) - place.offset
        head = self._head if place.first else 0
        if not final and 2 * rest < self._room - head - LEAST_ROOM:
            return None
        prefix = place.seam.opening(held[offset : offset + BEGIN])
        room = self._room - head - units(prefix)
        most = room - CLOSING_UNITS
        window = held[offset : offset + most + LOOKAHEAD]
        window = window[: index_of(window, 0, most + LOOKAHEAD)]
        if rest == len(window) and units(window) <= room:
            if not final:
                return None
            last = self._last(window, prefix, room, place)
            if last is not None:
                return last
        least = LEAST - head if LEAST - head < most else most - CHOICE
        end = cut(window, place.seam, most, max(least, most - CHOICE), certain=final or rest > len(window))
        if end is None:
            return None
        begin = self._base + offset
        piece = Piece(prefix, place.start, begin + end.shown, end.suffix, begin, begin + end.shown)
        return Step(Place(offset + end.shown, seam=end.seam, left=piece, first=False))

    def _last(self, window: str, prefix: str, room: int, place: Place) -> Step | None:
        """Return the step to the end of the text, or None where what closes its last block does not fit."""
        shown = window.rstrip()
        opened = blocks(window, place.seam.fence, mid_line=place.seam.mid_line)[-1:]
        suffix = "".join(
            block.fence.closing for block in opened if not block.closed and window[block.body :].strip()
        )
        if units(shown) + len(suffix) > room:
            return None
        begin, size = self._base + place.offset, len(window)
        piece = Piece(prefix, place.start, begin + size, suffix, begin, begin + len(shown))
        return Step(Place(place.offset + size, first=False), piece)


def split(text: str, head: int = 0, room: int = ROOM) -> list[Piece]:
    """Return the pieces of a whole text. Arguments and errors are those of `Splitter`."""
    splitter = Splitter(head, room)
    splitter.feed(text)
    return splitter.pieces()
