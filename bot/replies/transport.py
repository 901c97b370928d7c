"""The seam between a reply and Discord: what one message shows, and how it gets there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import NamedTuple, Protocol

from bot.anchor import Anchor
from bot.replies.lanes import Key


class Buttons(Flag):
    """The buttons under a message."""

    NONE = 0
    STOP = auto()
    DETAILS = auto()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file the bot sends: its name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Screen:
    """What one message shows. ``content`` is at most 2,000 UTF-16 units."""

    text: str
    buttons: Buttons = Buttons.NONE
    attachment: Attachment | None = None
    below: str = ""
    """What stands below the text and is not part of it: the footer, or what is said of the rest."""
    is_private: bool = False
    """Whether this message is for the person alone, though the reply is public."""

    @property
    def content(self) -> str:
        """All of the message."""
        return (self.text + self.below).lstrip("\n")


class Lost(Exception):
    """The message, its channel or the right to write there is gone: nothing more can be shown."""


class Removed(Lost):
    """Its messages were taken away, and something can still be said beside them."""


class Unsent(Exception):
    """Discord did not take this change now (5xx, connection): it may take it later."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message as it stands. ``content`` is empty while it says nothing, or where it cannot be read."""

    message_id: int
    content: str


class OtherChannel(NamedTuple):
    """A channel of the same server in which the person may see what is written, and write."""

    id: int
    category_id: int | None


@dataclass(frozen=True, slots=True)
class HandOver:
    """Where a reply goes on when its transport can carry it no further."""

    transport: "Transport"
    keeps_messages: bool
    """Whether the messages already shown can go on growing there; otherwise the answer is shown again from
    its start.
    """


class Transport(Protocol):
    """One way to show a reply. Message handles are Discord's message ids.

    Every method that sends raises ``Lost`` or ``Unsent``; none may be cancelled while a request is under way.
    """

    @property
    def quote(self) -> str:
        """What the person asked, to be shown above the answer; empty where Discord shows it already."""

    @property
    def expires_at(self) -> float | None:
        """When the reply has to be handed over, by the reply's clock; None for never."""

    @property
    def anchor(self) -> Anchor:
        """What it takes to find the reply's messages again in another process."""

    @property
    def takes_files(self) -> bool:
        """Whether a message may carry a file here."""

    @property
    def knows_again(self) -> bool:
        """Whether a message that may have been taken stands there once when it is sent again as it was."""

    @property
    def whispers(self) -> bool:
        """Whether it can show a message to the person alone beside a public reply."""

    def others(self) -> Iterator[OtherChannel]:
        """The server's channels in which the person who asked could ask as well, in Discord's order."""

    def key(self, message_id: int | None) -> Key:
        """The bucket that an edit of this message, or a new message (None), is counted in."""

    async def open(self, screen: Screen) -> int | None:
        """Make the first sign, perhaps a refusal; returns its message id, or None where the first sign is an
        ordinary post.

        Raises:
            Lost: Discord did not accept it.
        """

    async def defer(self) -> int | None:
        """Acknowledge without words yet, with the reply's visibility; returns the message id that the first
        text will fill.
        """

    async def look(self, message_id: int | None) -> Found:
        """Read a message again; None is for the first response of an interaction."""

    async def strays(self) -> Sequence[int]:
        """Look for further messages that Discord took while nobody heard, oldest first; none where it knows
        them again, or where the bot may not look.
        """

    async def post(self, screen: Screen) -> int:
        """Send a further message."""

    async def edit(self, message_id: int, screen: Screen, before: Screen | None) -> None:
        """Change a message that showed ``before``, where that is known, to show this."""

    async def delete(self, message_id: int) -> None:
        """Take a message away."""

    async def hand_over(self) -> HandOver | None:
        """The transport to go on with, or None when there is none."""
