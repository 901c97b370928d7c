"""A small discord.py bot, only there to prove the stand-in: it uses each thing that Parlance will."""

import asyncio
import os
import re
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands


class Stop(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"stop:(?P<number>\d+)"):
    """A button that outlives its process."""

    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(label="Stop", custom_id=f"stop:{number}"))

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        return cls(int(match["number"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content="stopped", view=None)


class Form(discord.ui.Modal, title="Again"):
    """One line to fill in."""

    words: discord.ui.TextInput[discord.ui.View] = discord.ui.TextInput(label="Words", custom_id="words")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"you wrote {self.words.value}", ephemeral=True)


class MinimalBot(commands.AutoShardedBot):
    """Answers /echo, /form, a message menu, direct messages and mentions; notes what it saw."""

    def __init__(self) -> None:
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(
            commands.when_mentioned,
            intents=intents,
            guild_ready_timeout=0.05,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            help_command=None,
        )
        self.heard: list[discord.Message] = []
        self.failures: asyncio.Queue[Exception] = asyncio.Queue()

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Stop)
        self.tree.add_command(echo)
        self.tree.add_command(form)
        self.tree.add_command(shout)
        self.tree.add_command(whisper)
        self.tree.error(self._note)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Identify at once: the library would wait five seconds before every identification but the first."""

    async def on_message(self, message: discord.Message) -> None:
        """Answer a direct message plainly and a mention with a reply."""
        self.heard.append(message)
        assert self.user is not None
        if message.author == self.user:
            return
        if message.guild is None:
            async with message.channel.typing():
                await message.channel.send(f"you said {message.content}")
        elif self.user in message.mentions:
            answer = await message.reply("one moment")
            await answer.edit(content=f"here: {message.content}")

    async def _note(self, interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
        self.failures.put_nowait(error)


@app_commands.command(description="Say it back")
@app_commands.describe(text="What to say", file="A text file", times="How often", private="Only for you")
@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
async def echo(
    interaction: discord.Interaction,
    text: str,
    file: discord.Attachment | None = None,
    times: app_commands.Range[int, 1, 20] = 1,
    *,
    private: bool = False,
) -> None:
    """Defer, grow the answer by edits, and follow up with a file's text."""
    await interaction.response.defer(ephemeral=private)
    shown = ""
    for _ in range(times):
        shown += f"{text} "
        view = discord.ui.View(timeout=None)
        view.add_item(Stop(interaction.id % 1000))
        await interaction.edit_original_response(content=shown, view=view)
    if file is not None:
        read = (await file.read()).decode()
        await interaction.followup.send(read, file=discord.File(__file__, "bot.txt"), ephemeral=private)


@echo.autocomplete("text")
async def _complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=f"{current}{end}", value=f"{current}{end}") for end in ("!", "?")]


@app_commands.command(description="Try to become private too late")
async def whisper(interaction: discord.Interaction, to: discord.Member, where: discord.TextChannel) -> None:
    """Defer publicly, then send privately: the first is public all the same."""
    await interaction.response.defer()
    await interaction.followup.send(f"first to {to.name} in {where.name}", ephemeral=True)
    await interaction.followup.send("second", ephemeral=True)


@app_commands.command(description="Show a form")
async def form(interaction: discord.Interaction) -> None:
    """Answer with a form."""
    await interaction.response.send_modal(Form())


@app_commands.context_menu(name="Shout")
async def shout(interaction: discord.Interaction, message: discord.Message) -> None:
    """Answer with a message's text in capitals."""
    await interaction.response.send_message(message.content.upper())


def main(arguments: list[str]) -> int:
    """Run until the process is told to end."""
    asyncio.run(_run())
    return 0


async def _run() -> None:
    async with MinimalBot() as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])
