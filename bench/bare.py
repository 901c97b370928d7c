"""The bare bot that figures are compared with: what one writes in half an hour with the same libraries.

/ask defers, creates a prediction, reads its stream and edits the answer once a second. No store, no limits,
no rate-limit care, no splitting beyond slices of 2,000 characters, no check of the final output.

``python -m bench.bare`` reads DISCORD_TOKEN, REPLICATE_API_TOKEN and REPLICATE_BASE_URL, and where they are
set DISCORD_API and DISCORD_GATEWAY; from a bench, ``await launch.start(environment, module="bench.bare")``.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import discord
from discord import app_commands
from httpx_sse._decoders import SSEDecoder

from bot.models.lean import without

# As the bot does, so that memory is compared and not what happens to be installed.
with without("numpy"):
    from replicate import AsyncReplicate

MODEL = ("meta", "meta-llama-3-70b-instruct")


async def tokens(session: aiohttp.ClientSession, url: str) -> AsyncIterator[str]:
    """The pieces of a prediction's stream."""
    decoder = SSEDecoder()
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    async with session.get(url, headers=headers) as response:
        async for line in response.content:
            event = decoder.decode(line.decode().rstrip("\r\n"))
            if event is not None and event.event == "output":
                yield event.data
            elif event is not None and event.event in {"done", "error"}:
                return


class BareBot(discord.AutoShardedClient):
    """One command and a session for streams."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default())
        self.tree = app_commands.CommandTree(self)
        self.replicate = AsyncReplicate()

    async def setup_hook(self) -> None:
        self.session = aiohttp.ClientSession()
        self.tree.command(name="ask", description="Ask a question")(self.ask)
        await self.tree.sync()

    async def ask(self, interaction: discord.Interaction, question: str) -> None:
        """Answer with what the model streams."""
        await interaction.response.defer()
        owner, name = MODEL
        prediction = await self.replicate.models.predictions.create(
            model_owner=owner, model_name=name, input={"prompt": question}
        )
        text, edited = "", 0.0
        async for token in tokens(self.session, str(prediction.urls.stream)):
            text += token
            if text.strip() and time.monotonic() - edited >= 1:
                await interaction.edit_original_response(content=text[:2000])
                edited = time.monotonic()
        await interaction.edit_original_response(content=text[:2000])
        for start in range(2000, len(text), 2000):
            await interaction.followup.send(text[start : start + 2000])


async def run() -> None:
    """Serve until the process is told to end."""
    async with BareBot() as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])


def main(arguments: list[str]) -> int:  # noqa: ARG001 - the launcher calls every main alike
    """Run the bot; it takes no arguments."""
    asyncio.run(run())
    return 0


if __name__ == "__main__":
    if "DISCORD_API" in os.environ:
        from tests.wire import launch

        launch.point(os.environ)
    sys.exit(main(sys.argv[1:]))
