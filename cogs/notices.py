"""Notices to admins, written into the channel they chose."""

import asyncio
import logging

import discord
from discord.ext import commands

from bot.app import Parlance
from bot.limits_desk import Directory, Server, Teller
from bot.replies.channel import translated
from bot.replies.transport import Lost
from bot.store.notices import CLAIM

log = logging.getLogger(__name__)


class Noticeboard:
    """The servers of this process, and their channels that people write in."""

    def __init__(self, bot: Parlance) -> None:
        self._bot = bot

    def server(self, guild_id: int) -> Server | None:
        """Return a server whose channels are known here."""
        guild = self._bot.get_guild(guild_id)
        if guild is None or guild.unavailable:
            return None
        return Server(str(guild.preferred_locale), Directory.of(guild))

    async def send(self, channel_id: int, text: str, nonce: str) -> None:
        """Write into a channel, where the bot may."""
        channel = self._bot.get_channel(channel_id)
        if not isinstance(channel, discord.TextChannel):
            raise Lost("it is no text channel any more")
        allowed = channel.permissions_for(channel.guild.me)
        if not (allowed.view_channel and allowed.send_messages):
            raise Lost("the bot may not write in that channel")
        async with translated():
            await channel.send(text, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())


class Notices(commands.Cog):
    """Tells what is due: at once, after a start, and again where something was left to tell."""

    def __init__(self, bot: Parlance) -> None:
        self._bot = bot
        self._telling: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._has_ended = False

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Begin, now that the servers are known; first with what a process left that died."""
        self._bot.answers.services.ledger.on_notice = self.soon
        self.soon()

    async def cog_unload(self) -> None:
        """End; what is being told is told to its end."""
        self._has_ended = True
        if self._telling:
            await asyncio.wait(self._telling)
        if self._again is not None:
            self._again.cancel()

    def soon(self) -> None:
        """Tell what is due, in a task of its own."""
        if self._has_ended:
            return
        task = asyncio.create_task(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        bot = self._bot
        try:
            is_left = await Teller(bot.store, bot.answers.services.policies, Noticeboard(bot)).tell()
        except Exception:
            log.exception("notices to admins could not be told")
            return
        if is_left:
            if self._again is not None:
                self._again.cancel()
            self._again = asyncio.get_running_loop().call_later(CLAIM.total_seconds(), self.soon)


async def setup(bot: Parlance) -> None:
    """Add what tells notices."""
    await bot.add_cog(Notices(bot))
