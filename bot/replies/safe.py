r"""Makes what a model wrote safe to show, and leaves what is code as it is.

Two things are changed outside code, each by one character, so that the text stays what it is for its reader:

- a line that begins as the footer does (``-#``, whatever blanks and marks stand before it) gets a backslash:
  ``\-#``. How long they are does not matter, since one bit says whether a line has had anything else so far;
- ``[label](target)`` whose label looks like another address becomes ``[label] (target)``. Discord then links
  nothing behind the label and shows the target as it is. Breaking the link between its brackets needs no
  agreement with Discord on where a label begins or a target ends, and nothing that was shown already has to
  change.

Mentions stay as they are: that nothing pings is decided where messages are sent. What cannot be sent at all
(null, halves of surrogate pairs) becomes U+FFFD, in code too; two halves that meet are one character.

What is code is decided as Discord decides it, and where that is uncertain the text is made safe:

- Inline code needs its closing run of backticks within `LOOKAHEAD` units; without it the run is literal. A
  longer span may still be code on the screen, or be cut by the splitter, so from a literal run on it is in
  doubt which backticks pair. The doubt ends with the longest message that could hold the run.
- Only three backticks fence code on Discord. A block of tildes is text there; one of more backticks ends, for
  Discord, at the first three inside it. Both are read as text from where Discord would show text.
- An opening bracket or a mark of emphasis before the code may swallow its first backtick.
"""

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field

from bot.replies.addresses import LINKED, deceptive, suspicious
from bot.replies.cuts import LOOKAHEAD
from bot.replies.fences import (
    CODE_RUN,
    FENCE,
    FENCE_MARK,
    LONGEST_LEAD,
    OPENING,
    closing_at,
    escaped,
    opening_at,
)
from bot.replies.markdown import LEAD, Emphases
from bot.replies.units import index_of

MEMORY = 2048
"""Characters remembered of what is decided: a label, a line's start, a message's marks."""
MESSAGE = 2000
"""Characters of the longest message: as far as a doubt reaches."""
LONGEST_RUN = 64
"""A longer run of backticks is literal at once."""
LONGEST_OPENING = LONGEST_LEAD + 100
"""Characters of a line that opens a block: what stands before the marks, and its language."""
LONGEST_CLOSING = 160
"""Characters of a line that may still close a block."""
LONGEST_TARGET = 440
"""Characters of the part of a target that is looked at: white space and a host."""
LONGEST_HOST = 300
"""Characters of a target that are waited for; a host has at most 253 (RFC 1035)."""

ENDLESS = 1 << 62
"""A place that no text reaches: from a block of tildes on, nothing is taken for code."""

UNSENDABLE = re.compile("[\0\ud800-\udfff]")
CODE_MARK = re.compile(r"\\[!-/:-@\[-`{-~]|``*|~~~+")
EMPTY_BLOCK = re.compile(r"(?:[a-z0-9_+\-.#]+\n)?\s*", re.IGNORECASE)
"""For Discord a block without code is not closed."""
DANGER = re.compile(r"-#|\](?=\()")
TARGET = re.compile(
    rf"\(\s{{0,64}}+(?:<\s{{0,64}}+)?(?:(?=\s)|(?={LINKED.pattern})([^\s<>)]{{0,{LONGEST_HOST}}}))",
    LINKED.flags,
)
"""A link's target; without its group, one behind more blanks than are waited for."""
MAY_CLOSE = re.compile(r"[ \t>]*`*[ \t\r]*\|?\Z")
TARGET_OPENING = re.compile(r"(?<=\])\(")
MAY_BE_TARGET = re.compile(
    rf"\(\s{{0,64}}+(?:<\s{{0,64}}+)?(?:(?={LINKED.pattern})[^\s<>)]{{0,{LONGEST_HOST}}}|[a-z][a-z0-9+.-]{{0,40}}|/)?\Z",
    LINKED.flags,
)
DOUBLE_MARKS = ("**", "__", "~~", "||")
"""Discord pairs these whatever stands around them."""


@dataclass(slots=True)
class State:
    """How far the text is decided. Places are offsets in all of the text."""

    text: str = ""
    """What is remembered, then what is held."""
    start: int = 0
    """The place of the first character of ``text``."""
    done: int = 0
    """How much of ``text`` is decided."""
    fence: str = ""
    """The backticks that opened the block in which the text is."""
    code: int = 0
    """Where the code that is read begins."""
    body: int = 0
    """Where the code of the block begins."""
    exposed: int = 0
    """Up to here Discord may show what is code as text."""
    doubts: dict[int, int] = field(default_factory=dict)
    """By the length of a literal run of backticks: the place up to which it may pair."""
    leading: bool = True
    """Whether nothing but blanks and marks stands on the line so far."""


class Safe:
    """Makes a text safe while it grows."""

    def __init__(self) -> None:
        self._state = State()
        self._half = ""

    def feed(self, text: str) -> str:
        """Take in more text; return the further safe text that no later text changes."""
        state = self._state
        state.text += self._sendable(text)
        safe_text = Pass(state, final=False).run()
        surplus = state.done - MEMORY
        if surplus > 0:
            # Only an even number of backslashes may be forgotten: what they escape depends on it.
            surplus -= escaped(state.text, surplus)
            state.text = state.text[surplus:]
            state.start += surplus
            state.done -= surplus
        return safe_text

    def tail(self) -> str:
        """Return the safe form of what is still undecided, as if the text ended here."""
        state = copy(self._state)
        state.doubts = dict(state.doubts)
        if self._half:
            state.text += "\ufffd"
        return Pass(state, final=True).run()

    def _sendable(self, text: str) -> str:
        """Return the text without what cannot be sent; the first half of a pair waits for the second."""
        text = self._half + text
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        if UNSENDABLE.search(text) is None:
            return text
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return paired.replace("\0", "\ufffd")


class Pass:
    """One pass over the undecided text, as far as it goes; ``final`` says that no more will come."""

    def __init__(self, state: State, *, final: bool) -> None:
        self._state = state
        self._text = state.text
        self._final = final
        self._parts: list[str] = []

    def run(self) -> str:
        """Decide what can be decided; return it made safe."""
        decided = -1
        while decided < self._state.done < len(self._text):
            decided = self._state.done
            if self._state.fence:
                self._read_block()
            else:
                self._read_text()
        return "".join(self._parts)

    def _read_text(self) -> None:
        """Read on through the next code, or to where more text is needed."""
        position = self._state.done
        while (mark := CODE_MARK.search(self._text, position)) is not None:
            start, position = mark.span()
            if mark[0].startswith("~"):
                line = self._line_start(start)
                if line is not None and not self._text[line:start].strip(" \t>"):
                    self._state.exposed = ENDLESS
            elif mark[0].startswith("`"):
                end = self._code_end(start, position)
                if end is None:
                    self._emit_text(start)
                    return
                if end > position:
                    self._emit_text(start)
                    self._state.code = self._state.start + start
                    if self._state.fence:
                        self._emit_text(end)
                    else:
                        self._emit(position, self._is_uncertain)
                        self._emit_code(end - (position - start))
                        self._emit(end, self._is_uncertain)
                    return
                self._doubt(start, position - start)
        self._emit_text(self._sure_end())

    def _code_end(self, start: int, end: int) -> int | None:
        """Return where the code ends that the run of backticks opens.

        That is the run's own end if it is literal, and None while it is undecided.
        """
        text, length = self._text, end - start
        continued = start > 0 and text[start - 1] == "`" and not escaped(text, start - 1)
        if continued or length > LONGEST_RUN:
            return end
        if end == len(text) and not self._final:
            return None
        if length >= len(FENCE):
            opening = opening_at(text, start)
            if opening is not None:
                if opening.end() == len(text) and not self._final:
                    return None
                self._state.fence = opening["mark"]
                self._state.body = self._state.start + opening.end() + 1
                if length > 2 * len(FENCE):
                    self._expose(start)
                return min(opening.end() + 1, len(text))
        return self._partner_end(start, end)

    def _partner_end(self, start: int, end: int) -> int | None:
        """Return the end of inline code as `_code_end` does; the first line of a block ends the search."""
        text, length = self._text, end - start
        limit = index_of(text, end, LOOKAHEAD)
        reach = min(len(text), limit + LONGEST_OPENING)
        block = OPENING.search(text, end, reach) if FENCE_MARK.search(text, end, reach) else None
        search_end = min(limit, block.start()) if block else limit
        for run in CODE_RUN.finditer(text, end, search_end):
            if run.end() == len(text) and not self._final:
                return None
            if run.end() - run.start() == length:
                if not self._final and reach == len(text) and self._may_yet_open(end, run.end()):
                    return None
                empty = length == len(FENCE) and EMPTY_BLOCK.fullmatch(text, end, run.start())
                if (
                    length > len(FENCE)
                    or empty
                    or self._state.doubts.get(length, 0) > self._state.start + start
                ):
                    self._expose(start)
                return run.end()
        decided = self._final or reach < len(text) or (block is not None and block.end() < reach)
        return end if decided else None

    def _may_yet_open(self, start: int, end: int) -> bool:
        """Return whether the line at ``end`` is not that at ``start`` and may still open a block."""
        return "\n" in self._text[start:end] and "\n" not in self._text[end:]

    def _read_block(self) -> None:
        """Read on through the block's code, to its end or as far as no closing line can begin."""
        state, text = self._state, self._text
        closing = closing_at(text, state.fence, state.done)
        if closing is not None and (self._final or closing[1] < len(text)):
            start, end = closing
            self._emit_code(max(state.done, start))
            self._emit(end, self._is_uncertain)
            body = text[max(0, state.body - state.start, start - MESSAGE) : start]
            marks = text[start : end + 1].strip(" \t\r\n>|")
            if (
                not marks.startswith(FENCE)
                or marks.startswith(f"{FENCE}`")
                or EMPTY_BLOCK.fullmatch(body.replace(">", ""))
            ):
                self._expose(end)
            state.fence = ""
            return
        end = len(text)
        if not self._final:
            line = text.rfind("\n") + 1
            may_close = end - line <= LONGEST_CLOSING and MAY_CLOSE.match(text, line)
            end = min(line if may_close else len(text.rstrip("`")), self._sure_end())
        self._emit_code(max(end, state.done))

    def _note_run(self, run: re.Match[str]) -> None:
        """Look whether Discord may pair backticks inside code with others than we do."""
        length = run.end() - run.start()
        if length >= len(FENCE) or self._state.doubts.get(length, 0) > self._state.start + run.start():
            self._expose(run.start())

    def _doubt(self, start: int, length: int) -> None:
        """Note a literal run of backticks."""
        # Discord tries fewer backticks of the run too, when not all of them find a partner.
        for shorter in range(1, min(length, len(FENCE)) + 1):
            self._state.doubts[shorter] = self._state.start + start + MESSAGE
        if length >= len(FENCE):
            self._expose(start)

    def _expose(self, index: int) -> None:
        """Note that from here on, as far as a message may go, what is code may be shown as text."""
        self._state.exposed = max(self._state.exposed, self._state.start + index + MESSAGE)

    def _sure_end(self) -> int:
        """Return up to where the text can be decided: what may become a danger with more text waits."""
        text, done = self._text, self._state.done
        if self._final:
            return len(text)
        if text.endswith("-") and leads(text[done:-1], leading=self._state.leading):
            return max(done, len(text) - 1)
        for opening in TARGET_OPENING.finditer(text, max(done, len(text) - LONGEST_TARGET)):
            undecided = MAY_BE_TARGET.match(text, opening.start()) is not None
            if undecided and suspicious(label_before(text, opening.start() - 1)):
                return opening.start()
        if text.endswith("~") and not text.endswith("~~~"):
            return max(done, len(text.rstrip("~")))
        return len(text) - (text.endswith("\\") and not escaped(text, len(text) - 1))

    def _line_start(self, index: int) -> int | None:
        """Return where the line begins, or None if that is further away than a lead may be long."""
        first = max(0, index - LONGEST_LEAD)
        line = self._text.rfind("\n", first, index)
        return None if line < 0 < first else line + 1

    def _emit_text(self, end: int) -> None:
        """Give out the text up to ``end``, made safe."""
        self._emit(end, lambda _: True)

    def _emit_code(self, end: int) -> None:
        """Give out the code up to ``end`` as it is, but for dangers that Discord may not show as code."""
        for run in CODE_RUN.finditer(self._text, self._state.done, end):
            self._emit(run.start(), self._is_uncertain)
            self._note_run(run)
        self._emit(end, self._is_uncertain)

    def _emit(self, end: int, to_mend: Callable[[int], bool]) -> None:
        """Give out all up to ``end``; mend the dangers at the places for which it is asked."""
        state, text = self._state, self._text
        position = read = state.done
        leading = state.leading
        for danger in DANGER.finditer(text, max(0, position - len("]")), end + 1):
            is_footer = danger[0] != "]"
            index = danger.start() if is_footer else danger.end()
            if not position <= index < end:
                continue
            if is_footer:
                leading, read = leads(text[read:index], leading=leading), index
            if (leading if is_footer else self._deceives(index)) and to_mend(index):
                self._parts += (text[position:index], "\\" if is_footer else " ")
                position = index
                leading = leading and not is_footer
        self._parts.append(text[position:end])
        state.leading = leads(text[read:end], leading=leading)
        state.done = end

    def _deceives(self, opening: int) -> bool:
        """Return whether the label before this parenthesis looks like another address than what it opens."""
        target = TARGET.match(self._text, opening)
        if target is None:
            return False
        label = label_before(self._text, opening - 1)
        return suspicious(label) if target[1] is None else deceptive(label, target[1])

    def _is_uncertain(self, index: int) -> bool:
        """Return whether something before this place in code may keep Discord from showing it as code."""
        state = self._state
        if state.start + index < state.exposed:
            return True
        first = max(0, index - MESSAGE)
        begin = max(first, state.code - state.start)
        before, code = self._text[first:begin], self._text[begin:index]
        if "[" in before and closes_earlier_bracket(code):
            return True
        return any(mark in code for mark in open_marks(before))


def leads(text: str, *, leading: bool) -> bool:
    """Return whether nothing but blanks and marks stands on the text's last line.

    ``leading`` says so of what stands before the text.
    """
    *ended, line = f"{text}.".splitlines()
    return (leading or bool(ended)) and LEAD.fullmatch(line, 0, len(line) - 1) is not None


def closes_earlier_bracket(code: str) -> bool:
    """Return whether a bracket of the code may belong to one before it."""
    depth = 0
    for bracket in re.finditer(r"[\[\]]", code):
        depth += 1 if bracket[0] == "[" else -1
        if depth < 0:
            return True
    return False


def open_marks(text: str) -> list[str]:
    """Return the marks of emphasis that may still be open at the text's end."""
    emphases = Emphases(())
    emphases.read(text)
    single = [mark for mark in "*_" if emphases.opened[mark]]
    return single + [mark for mark in DOUBLE_MARKS if text.count(mark) % 2]


def label_before(text: str, end: int) -> str:
    """Return the label that the bracket at ``end`` closes; unmatched, the longest possible."""
    text = text[max(0, end - MESSAGE) : end]
    position, closed = len(text), 0
    while (opened := text.rfind("[", 0, position)) >= 0:
        closed += text.count("]", opened, position)
        if closed == 0:
            return text[opened + 1 :]
        closed, position = closed - 1, opened
    if "[" in text:
        return text[text.index("[") + 1 :]
    return text if len(text) == MESSAGE else ""


def safe(text: str) -> str:
    """Return a whole text made safe."""
    whole = Safe()
    return whole.feed(text) + whole.tail()
