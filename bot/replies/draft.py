"""What the messages of one answer should show by now. Pure: who shows it, and when, is the reply's business.

An answer has at most ``MESSAGES`` messages of text. A longer one keeps growing in them until they are full
and ends with the whole text as a file. What does not fit below the last of them stands in a message of its
own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from bot.replies.cuts import VISIBLE
from bot.replies.footer import SMALL
from bot.replies.safe import Safe
from bot.replies.split import MESSAGE_UNITS, Splitter
from bot.replies.transport import Attachment, Buttons, Screen
from bot.replies.units import units

MESSAGES = 5
"""Messages of one answer: more of them would bury a channel, and a user-installed app has five follow-ups."""
FILE_NAME = "answer.md"


class Phase(Enum):
    """How far an answer is."""

    GROWS = auto()
    COMPLETE = auto()
    """The text is whole; what comes below it is not known yet."""
    FINISHED = auto()


@dataclass(frozen=True, slots=True)
class ReplyWords:
    """The sentences a reply says of itself, in the reader's language."""

    rest_in_file: str
    whole_in_file: str
    no_file: str
    """Below a long answer where the bot may attach no file."""
    moved: str
    """Left behind in a private answer that goes on in direct messages."""
    stuck: str
    """Ends an answer that Discord lets nobody write to any more."""
    broken: str
    """Ends an answer that a fault of the bot's own ended."""


class Draft:
    """The text of one answer, what stands around it, and the screens that they make.

    Args:
        quote: stands above the answer; may be empty.
        words: what is said of a long answer.
        takes_files: whether a long answer can end as a file.
        standing: the texts of its messages that another process has shown, if one has: they stay until there
            is more than that, or the answer ends with a text of its own.
    """

    def __init__(
        self, quote: str, words: ReplyWords, *, takes_files: bool, standing: Sequence[str] = ()
    ) -> None:
        self.phase = Phase.GROWS
        self._has_text = False
        self._standing = list(standing) if any(standing) else []
        self._takes_files = takes_files
        self._words = words
        self._head = f"{quote}\n\n" if quote else ""
        self._status = ""
        self._footer = ""
        self._buttons = Buttons.STOP
        self._aside: list[Screen] = []
        self._refusal: list[Screen] = []
        self._screens: list[Screen] | None = None
        self._start_text()

    @property
    def has_text(self) -> bool:
        """Whether any text that can be seen has come, or stands there already."""
        return self._has_text or bool(self._standing)

    @property
    def size(self) -> int:
        """How long the answer is, in characters."""
        return len(self._splitter.source)

    def screens(self) -> list[Screen]:
        """What each message should show now, made once for each change."""
        if self._screens is None:
            self._screens = self._refusal or [*self._made(), *self._aside]
        return self._screens

    def status(self, sentence: str) -> None:
        """What is being waited for, until text comes."""
        self._status = sentence
        self._screens = None

    def append(self, text: str) -> None:
        """More text of the answer."""
        self._raw.append(text)
        self._has_text = self._has_text or VISIBLE.search(text) is not None
        self._screens = None

    def replace(self, text: str) -> None:
        """What the text is in truth; where it goes on from what there is it only grows."""
        known = "".join(self._raw)
        if text.startswith(known):
            text = text[len(known) :]
        else:
            self._start_text()
        self.append(text)

    def complete(self) -> None:
        """The text is whole."""
        if self.phase is Phase.GROWS:
            self.phase = Phase.COMPLETE
            self._screens = None

    def finish(self, footer: str, buttons: Buttons, aside: str = "") -> None:
        """Nothing more will come but this footer, these buttons, and what is said to the person alone."""
        self._footer = footer
        self._buttons = buttons
        self._aside = [Screen(aside, is_private=True)] if aside else []
        self.end()

    def refuse(self, screens: list[Screen]) -> None:
        """These are shown instead of an answer."""
        self._refusal = screens
        self.end()

    def end(self) -> None:
        """Nothing more will come."""
        self.phase = Phase.FINISHED
        self._screens = None

    def move(self, *, takes_files: bool) -> None:
        """The answer goes on elsewhere, where a long one can or cannot end as a file."""
        self._takes_files = takes_files
        self._screens = None

    def _start_text(self) -> None:
        self._raw: list[str] = []
        self._taken = 0
        self._has_text = False
        self._safe = Safe()
        self._splitter = Splitter(head=units(self._head))

    def _take_in(self) -> None:
        """Make safe and split what came since the last look.

        Tokens come far more often than the screen changes, and a token costs nearly as much as all that came
        meanwhile.
        """
        if self._taken < len(self._raw):
            self._splitter.feed(self._safe.feed("".join(self._raw[self._taken :])))
            self._taken = len(self._raw)

    def _made(self) -> list[Screen]:
        self._take_in()
        texts, goes_on = self._texts()
        if not texts:
            status = f"{SMALL}{self._status}".lstrip("\n") if self._status else ""
            return [Screen(self._head + status, self._buttons, below=self._footer)]
        texts[0] = self._head + texts[0]
        below, attachment = self._footer, None
        if len(texts) > MESSAGES:
            del texts[MESSAGES:]
            below = f"{SMALL}{self._about_the_rest()}{below}"
            if self._takes_files and self.phase is Phase.FINISHED:
                attachment = Attachment(FILE_NAME, "".join(self._raw).encode())
            goes_on = False
        buttons = Buttons.NONE if goes_on else self._buttons
        *before, last = texts
        screens = [*map(Screen, before), Screen(last, buttons, attachment, below)]
        if units(screens[-1].content) > MESSAGE_UNITS:
            screens = [*map(Screen, texts), Screen("", buttons, attachment, below)]
        return screens

    def _about_the_rest(self) -> str:
        if not self._takes_files:
            return self._words.no_file
        return self._words.whole_in_file if self.phase is Phase.FINISHED else self._words.rest_in_file

    def _texts(self) -> tuple[list[str], bool]:
        """The messages' texts, and whether it is certain by now that the text goes on in a further one.

        The last loses its Stop button with the change that fills it: to take it away later would cost a
        change of its own, and the next message would wait for it.
        """
        tail = self._safe.tail()
        source = self._splitter.source + tail
        if self.phase is not Phase.GROWS:
            whole = [piece.render(source) for piece in self._splitter.pieces(tail)]
            return whole or self._standing.copy(), False
        pieces = self._splitter.growing(tail)
        if len(source) < sum(map(len, self._standing)):
            return self._standing.copy(), False
        return [piece.render(source) for piece in pieces], bool(pieces) and pieces[-1].end < len(source)
