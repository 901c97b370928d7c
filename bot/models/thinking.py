"""Reasoning aloud, told apart from the answer while both stream in.

Models that reason write it between ``<think>`` and ``</think>`` before they answer. Only such blocks at the
very beginning of the output, with nothing but white space before and between them, are reasoning: a
``<think>`` further on is part of the answer (a person may have asked about that tag). A block that is never
closed is reasoning to its end.
"""

from enum import Enum, auto

OPENING = "<think>"
CLOSING = "</think>"
LONGEST_SPACE = 1_000
"""Characters of white space after which no block is awaited any more."""


class _State(Enum):
    UNDECIDED = auto()
    THINKING = auto()
    ANSWERING = auto()


class Thinking:
    """A filter that takes output as it comes and gives back the answer's text.

    The white space around reasoning goes with it; an answer without any reasoning keeps its own.
    """

    def __init__(self) -> None:
        self._state = _State.UNDECIDED
        self._held = ""
        self._thought = False

    @property
    def active(self) -> bool:
        """Whether the model is reasoning at this moment."""
        return self._state is _State.THINKING

    def feed(self, text: str) -> str:
        """Take the next piece of output and return what of the answer is certain by now, often nothing."""
        if self._state is _State.ANSWERING:
            return text
        self._held += text
        while True:
            match self._state:
                case _State.UNDECIDED:
                    if not self._decide():
                        return ""
                case _State.THINKING:
                    if not self._close():
                        return ""
                case _State.ANSWERING:
                    return self._release()

    def finish(self) -> str:
        """The output has ended: return what was held back of the answer."""
        if self._state is _State.THINKING:
            return ""
        self._state = _State.ANSWERING
        return self._release()

    def _decide(self) -> bool:
        """Leave UNDECIDED if what is held allows it; say whether it did."""
        start = self._held.lstrip()
        if start.startswith(OPENING) and len(self._held) - len(start) <= LONGEST_SPACE:
            self._held = start.removeprefix(OPENING)
            self._state = _State.THINKING
            self._thought = True
            return True
        if OPENING.startswith(start) and len(self._held) - len(start) <= LONGEST_SPACE:
            return False
        self._state = _State.ANSWERING
        return True

    def _close(self) -> bool:
        """Leave THINKING if the block is closed; keep only what may be the beginning of its end."""
        _, closing, rest = self._held.partition(CLOSING)
        if not closing:
            self._held = self._held[-(len(CLOSING) - 1) :]
            return False
        self._held = rest
        self._state = _State.UNDECIDED
        return True

    def _release(self) -> str:
        text, self._held = self._held, ""
        return text.lstrip() if self._thought else text


def without_thinking(full: str) -> str:
    """The answer in a whole output: the same text that ``Thinking`` gives piece by piece."""
    thinking = Thinking()
    return thinking.feed(full) + thinking.finish()
