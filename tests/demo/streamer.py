"""A bot of a few lines that answers step by step, each step let through by the test."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

Asked = discord.Interaction["Streamer"]


class Tree(app_commands.CommandTree["Streamer"]):
    """Says one sentence for any error."""

    async def on_error(self, interaction: Asked, error: app_commands.AppCommandError) -> None:
        await interaction.response.send_message("That went wrong.", ephemeral=True)


class StopView(discord.ui.View):
    """The Stop button of one answer."""

    def __init__(self, stopped: asyncio.Event) -> None:
        super().__init__(timeout=None)
        self._stopped = stopped

    @discord.ui.button(label="Stop")
    async def stop_answer(self, interaction: Asked, button: discord.ui.Button["StopView"]) -> None:
        self._stopped.set()
        await interaction.response.defer()


class Streamer(commands.AutoShardedBot):
    """Answers /ask with the question and one more word a step, until the steps end or Stop is pressed."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            intents=discord.Intents.default(),
            help_command=None,
            tree_cls=Tree,
        )
        self.spawn = spawn
        self.steps: asyncio.Queue[str | None] = asyncio.Queue()
        self.stopped = asyncio.Event()
        self.files: list[bytes] = []

    async def setup_hook(self) -> None:
        self.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=self.ask))
        self.tree.add_command(app_commands.Command(name="read", description="Read", callback=self.read))
        self.tree.add_command(app_commands.Command(name="fail", description="Fail", callback=self.fail))
        await self.tree.sync()

    async def ask(self, interaction: Asked, question: str, private: bool = False) -> None:
        await interaction.response.send_message(question, view=StopView(self.stopped), ephemeral=private)
        self.spawn(self._answer(interaction, question))

    async def _answer(self, interaction: Asked, text: str) -> None:
        while (word := await self.steps.get()) is not None:
            text = f"{text} {word}"
            await interaction.edit_original_response(content=text)
        await interaction.edit_original_response(content=f"{text} (end)", view=None)

    async def read(self, interaction: Asked, file: discord.Attachment) -> None:
        self.files.append(await file.read())
        await interaction.response.send_message("read")

    async def fail(self, interaction: Asked) -> None:
        raise RuntimeError("on purpose")
