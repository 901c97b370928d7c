"""Which servers the bot is in: what belongs to one that it left is erased after a while."""

import logging
from collections.abc import Awaitable, Callable

import discord
from discord.ext import commands

from bot.app import Parlance
from bot.store import StoreUnavailable

log = logging.getLogger(__name__)


class Servers(commands.Cog):
    """Listens to the bot coming and going."""

    def __init__(self, bot: Parlance) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Note that the bot left; an outage is no leaving, and is not told so."""
        await self._noted(lambda: self.bot.retention.left(guild.id))

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Keep what is still there of a server that the bot comes back to."""
        await self._noted(lambda: self.bot.retention.joined(guild.id))

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Find out what happened while the bot was away; it may come again after a reconnect."""
        present = [guild.id for guild in self.bot.guilds]
        await self._noted(lambda: self.bot.retention.compare(present, self._is_ours))

    def _is_ours(self, guild_id: int) -> bool:
        """Whether a connection of this process would tell of a server (Discord: Sharding)."""
        count = self.bot.shard_count or 1
        return (guild_id >> 22) % count in self.bot.shards

    async def _noted(self, note: Callable[[], Awaitable[None]]) -> None:
        try:
            await note()
        except StoreUnavailable as error:
            log.warning("the servers that the bot is in could not be noted: %s", error.reason)


async def setup(bot: Parlance) -> None:
    """Begin to listen."""
    await bot.add_cog(Servers(bot))
