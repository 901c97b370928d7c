"""Who may do what, whatever Discord shows to whom: what commands and components check themselves."""

from enum import Enum, auto
from typing import Any, ClassVar, Final

import discord

from bot.errors import Refused
from bot.i18n import N_
from cogs.requests import Asked

NOT_ADMIN = N_("Only people with the permission “Manage Server” can do this.")
NOT_YET = N_("I do not know this server yet: I have just been started. Please try again in a minute.")


class Audience(Enum):
    """Whom a button, menu or form is for, or a command."""

    EVERYONE = auto()
    """Whoever sees it."""
    ASKER = auto()
    """The one person whom it is about."""
    ASKER_OR_MODERATOR = auto()
    """The one who asked, and those who may manage messages there."""
    MANAGERS = auto()
    """Those who may manage the server."""


FOR_MANAGERS: Final = {"audience": Audience.MANAGERS}
"""The ``extras`` of a command for those who may manage the server, in a group that Discord shows to all."""


class Guarded:
    """A button or menu that lets a person in by the same door as commands. Comes first among the bases."""

    audience: ClassVar[Audience]

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """See who gets in with a press."""
        let_in: bool = await interaction.client.lets_in(interaction)
        return let_in


def require_manager(interaction: Asked) -> int:
    """See that the person may manage the server now; return the server's id.

    Raises:
        Refused: they may not, or this is no server.
    """
    if interaction.guild_id is None or not interaction.permissions.manage_guild:
        raise Refused(NOT_ADMIN)
    return interaction.guild_id


def managed_guild(interaction: Asked) -> discord.Guild:
    """See that the person may manage the server now; return it with its channels and roles.

    Raises:
        Refused: they may not, this is no server, or the bot does not know it yet.
    """
    require_manager(interaction)
    if interaction.guild is None:
        raise Refused(NOT_YET)
    return interaction.guild
