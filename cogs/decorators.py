"""What all commands share: where they can be used and who can install them."""

from collections.abc import Callable
from typing import TypeVar

from discord import app_commands

T = TypeVar("T")


def everywhere(command: T) -> T:
    """In servers, in direct messages to the bot and between people, installed by a server or by a person."""
    placed: Callable[[T], T] = app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    installed: Callable[[T], T] = app_commands.allowed_installs(guilds=True, users=True)
    return placed(installed(command))


def for_admins(cog: T) -> T:
    """In servers that installed the bot, and shown to those who may manage them (see cogs/permissions.py)."""
    placed: Callable[[T], T] = app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    installed: Callable[[T], T] = app_commands.allowed_installs(guilds=True, users=False)
    permitted: Callable[[T], T] = app_commands.default_permissions(manage_guild=True)
    return placed(installed(permitted(cog)))
