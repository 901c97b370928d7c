"""What the places and roles of limits are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import discord

from bot.domain import Limit, Place, Subject
from bot.i18n import N_, Language
from bot.replies.inert import inert


@dataclass(frozen=True, slots=True)
class Directory:
    """The channels, categories and roles that a server has, by their ids; others are deleted."""

    channels: Mapping[int, str]
    """Categories, too; one that the reader does not see is called by its id."""
    roles: Mapping[int, str]

    @classmethod
    def of(cls, guild: discord.Guild, reader: discord.Member | None = None) -> Self:
        """Read a server as Discord shows it to one of its members; without one, all of it."""

        def called(channel: discord.abc.GuildChannel) -> str:
            is_seen = reader is None or channel.permissions_for(reader).view_channel
            return channel.name if is_seen else str(channel.id)

        return cls(
            {channel.id: called(channel) for channel in guild.channels},
            {role.id: role.name for role in guild.roles},
        )

    def has(self, limit: Limit) -> bool:
        """Whether a limit's place and role are still there."""
        in_channel = limit.place in {Place.CHANNEL, Place.CATEGORY}
        return (not in_channel or limit.place_id in self.channels) and (
            limit.subject is not Subject.ROLE or limit.role_id in self.roles
        )

    def place(self, language: Language, place: Place, place_id: int, *, mention: bool = True) -> str:
        """Return what a channel or category is called: a mention of it, or where none works, its name."""
        name = self.channels.get(place_id)
        if place is Place.CATEGORY:
            if name is None:
                return language.say(N_("a deleted category"))
            shown = inert(name) if mention else name
            return language.say(N_("the category “{name}”"), name=shown)
        if name is None:
            return language.say(N_("a deleted channel"))
        return f"<#{place_id}>" if mention else f"#{name}"

    def role(self, language: Language, role_id: int, *, mention: bool = True) -> str:
        """Return what a role is called: a mention of it, or where none works, its name."""
        if role_id not in self.roles:
            return language.say(N_("a deleted role"))
        return f"<@&{role_id}>" if mention else f"@{self.roles[role_id]}"
