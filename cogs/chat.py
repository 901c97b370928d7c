"""Plain direct messages, and messages that mention the bot: answered as /ask would."""

import re

import discord
from discord.ext import commands

from bot.app import Parlance
from bot.domain import AskOptions, Request
from bot.limits.gate import Entry
from bot.plans import Ask
from bot.replies.channel import ChannelTransport
from cogs.attachments import downloads
from cogs.requests import request_of_message


class Chat(commands.Cog):
    """Questions without a command."""

    def __init__(self, bot: Parlance) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a person who speaks to the bot."""
        me = self.bot.user
        if me is None or not is_question(message, me) or isinstance(message.channel, discord.GroupChannel):
            return
        if self.bot.gate.enter(message.author.id) is not Entry.OPEN:
            return
        words = re.sub(rf"<@!?{me.id}>", "", message.content).strip()
        request = request_of_message(self.bot, message, words, AskOptions())
        channel = message.channel

        def opening(request: Request) -> ChannelTransport:
            return ChannelTransport(channel, request, self.bot.application_id or me.id, message)

        self.bot.answers.start(request, opening, Ask(downloads(self.bot), len(message.attachments)))


def is_question(message: discord.Message, me: discord.ClientUser) -> bool:
    """Whether a person wrote this to the bot: alone with it, or mentioning it. @everyone is none."""
    if message.author.bot or message.webhook_id is not None or message.is_system():
        return False
    return message.guild is None or me in message.mentions


async def setup(bot: Parlance) -> None:
    """Add the listener."""
    await bot.add_cog(Chat(bot))
