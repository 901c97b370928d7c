"""Messages of a channel as text that a model reads. Pure.

Each message is one item: a line with its time, author and what it answers, then its words. Every further line
of a message is indented, so that nobody can write a line that looks like somebody else's message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Said:
    """One message: who said what, when (UTC), and to whom.

    ``extras`` are what it carries besides words, such as the names of files.
    """

    author: str
    at: datetime
    text: str
    replies_to: str = ""
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A rendered run of messages, oldest first; each begins at one of the offsets ``joints`` in ``text``."""

    text: str
    joints: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many messages it holds."""
        return len(self.joints)


def transcript(messages: Sequence[Said]) -> Transcript:
    """Render messages, oldest first."""
    items = [item(message) for message in messages]
    joints: list[int] = []
    offset = 0
    for rendered in items:
        joints.append(offset)
        offset += len(rendered)
    return Transcript("".join(items), tuple(joints))


def item(message: Said) -> str:
    """One message as text, ending with a line end."""
    to = f" (to {_name(message.replies_to)})" if message.replies_to else ""
    head = f"[{message.at:%Y-%m-%d %H:%M}] {_name(message.author)}{to}:"
    lines = message.text.splitlines()
    lines += [f"[{' '.join(extra.split())}]" for extra in message.extras]
    return f"{head} " + "\n  ".join(lines) + "\n"


def _name(name: str) -> str:
    """A name on one line, without the signs that frame it here."""
    return " ".join(name.translate({ord(sign): " " for sign in "[]():"}).split()) or "?"
