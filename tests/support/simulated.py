"""The real bot in a simulated Discord, with a server, two people in it, and a scripted model."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import discord
import simcord

from bot.app import Parlance, opened
from bot.config import Settings
from bot.domain import ProviderName
from bot.errors import ParlanceError
from bot.store.rows import UsageRow
from tests.support.canaries import DISCORD
from tests.support.scripted import ScriptedProvider

SETTLING = 45.0
"""Seconds that SimCord waits for the bot's tasks on a busy machine.

It waits for timers too that are due by then, so these are fewer than those after which notices are looked for
again.
"""
GENEROUS: dict[str, Any] = {
    "user_requests_per_minute": None,
    "user_dollars_per_month": None,
    "server_requests_per_minute": None,
    "server_dollars_per_month": None,
    "bot_requests_per_minute": None,
    "bot_dollars_per_month": None,
}
"""No ceilings, for tests of something else."""


@dataclass
class World:
    """A bot online, and whom it meets: Ana and Ben are members of one server with one text channel."""

    env: simcord.Env
    bot: Parlance
    model: ScriptedProvider
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    ana: simcord.MemberActor
    ben: simcord.MemberActor

    def manager(self, name: str = "mia") -> simcord.MemberActor:
        """Another member, who may manage the server by a role of their own."""
        role = self.guild.create_role(name, permissions=discord.Permissions(manage_guild=True))
        return self.guild.add_member(self.env.create_user(name), roles=[role])

    async def lose_roles(self, member: simcord.MemberActor) -> None:
        """Take every role from a member."""
        for role in [*self.env.backend.get_member(self.guild.id, member.id).role_ids]:
            self.env.backend.remove_member_role(self.guild.id, member.id, role)
        await self.env.settle()

    async def usage(self) -> list[UsageRow]:
        """Every usage row, in the order of asking."""
        path = self.bot.answers.services.settings.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as database:
            ids = [row[0] for row in database.execute("SELECT id FROM usage ORDER BY id")]
        found = [await self.bot.answers.services.ledger.lookup.details(id_) for id_ in ids]
        return [details.usage for details in found if details is not None]

    def texts(self, channel: simcord.ChannelHandle | None = None) -> list[str]:
        """What the bot wrote in a channel for everybody to see."""
        history = (channel or self.channel).history()
        return [
            message.content
            for message in history
            if message.author.id == self.bot_id and not message.flags.ephemeral
        ]

    @property
    def bot_id(self) -> int:
        assert self.bot.user is not None
        return self.bot.user.id


def settings_for(folder: Path, **changes: Any) -> Settings:
    """Settings with a database in this folder."""
    values = {
        "discord_token": DISCORD,
        "database_url": f"sqlite:///{folder / 'parlance.db'}",
        **GENEROUS,
        **changes,
    }
    return Settings.model_validate(values)


class Leaping:
    """A clock that moves ten seconds each time it is read: no bucket is ever full."""

    def __init__(self) -> None:
        self._ticks = count(0, 10)

    def __call__(self) -> float:
        return float(next(self._ticks))


@asynccontextmanager
async def simulated(settings: Settings, *, message_content: bool = True) -> AsyncIterator[World]:
    """The bot online; without ``message_content`` Discord grants it no such intent."""
    approved = discord.Intents.all()
    approved.message_content = message_content
    model = ScriptedProvider()
    providers = {ProviderName.REPLICATE: model}
    async with opened(settings, providers, message_content=message_content) as bot:
        # SimCord waits for the bot's tasks, and does not see what a lane waits for: so no lane ever waits.
        bot.answers.services.lanes._clock = Leaping()
        # Nobody waits between two commands here.
        bot.gate._clock = Leaping()
        # Not simcord.run(...): a fixture is left in another context than it was entered in.
        env = simcord.Env(
            bot, approved_intents=approved, shard_count=1, check_errors=False, settle_timeout=SETTLING
        )
        await env.start()
        try:
            guild = env.create_guild("Book club")
            channel = guild.create_text_channel("general")
            ana = guild.add_member(env.create_user("ana", global_name="Ana"))
            ben = guild.add_member(env.create_user("ben", global_name="Ben"))
            yield World(env, bot, model, guild, channel, ana, ben)
        finally:
            await env.shutdown()
        broken = [
            error for error in env.errors if not isinstance(getattr(error, "original", error), ParlanceError)
        ]
        if broken:
            raise BaseExceptionGroup("the bot raised", broken)
