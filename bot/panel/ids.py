"""What the ids of the panel's buttons, menus and forms carry: all there is to know, so nothing is kept."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from bot.domain import Place, Setting

PANEL_ID: Final = (
    r"panel:(?P<channel>\d{1,19}):(?P<part>[a-z_]{1,20}):(?P<turn>on|off|):(?P<seen>[0-9a-f]{8}|)"
)


class Part(StrEnum):
    """What a press is for, where it is no setting."""

    LOOK = "look"
    """Show the settings of a channel, or of the server."""
    RESET = "reset"
    """Take choices back; each value names a setting and what was seen of it."""


@dataclass(frozen=True, slots=True)
class Where:
    """The place whose settings a panel shows: a channel, or the whole server."""

    guild_id: int
    channel_id: int | None = None

    @property
    def place(self) -> Place:
        """Its kind."""
        return Place.GUILD if self.channel_id is None else Place.CHANNEL

    @property
    def place_id(self) -> int:
        """Its id."""
        return self.guild_id if self.channel_id is None else self.channel_id


@dataclass(frozen=True, slots=True)
class Press:
    """A button, menu or form of the panel: where, what for, and what was seen there (see `audit.stamp`).

    ``turn`` says what a switch turns its setting to.
    """

    where: Where
    part: Part | Setting
    turn: bool | None = None
    seen: str = ""

    @property
    def custom_id(self) -> str:
        """The id that carries it, at most 100 characters; the server comes with the press itself.

        >>> Press(Where(7, 9), Setting.PRIVATE, True, "0123abcd").custom_id
        'panel:9:private:on:0123abcd'
        """
        turn = {True: "on", False: "off", None: ""}[self.turn]
        return f"panel:{self.where.channel_id or 0}:{self.part.value}:{turn}:{self.seen}"

    @classmethod
    def of(cls, guild_id: int, custom_id: str) -> Self | None:
        """Read an id, pressed in a server; None where it is not the panel's."""
        found = re.fullmatch(PANEL_ID, custom_id)
        if found is None:
            return None
        name = found["part"]
        try:
            part = Part(name) if name in set(Part) else Setting(name)
        except ValueError:
            return None
        turn = {"on": True, "off": False, "": None}[found["turn"]]
        return cls(Where(guild_id, int(found["channel"]) or None), part, turn, found["seen"])
