"""Three files of a megabyte that one member has summarized at once, and other people who ask meanwhile."""

import asyncio
import random
import string
import tempfile
from pathlib import Path

from bench.table import Row
from tests.wire import launch
from tests.wire.discord import DiscordStandIn, Interaction, Upload
from tests.wire.replicate import standing_in
from tests.wire.replicate_script import Script

FILES, SIZE = 3, 1024 * 1024
ASKERS, PAUSE = 60, 0.1
"""How many ask meanwhile, and the seconds between two of them."""
PATIENCE = 90.0
MODELS = {"whole": "google/gemini-2.5-flash", "in parts": "meta/meta-llama-3-70b-instruct"}
"""One that reads such a file whole, and one that reads some pages."""
UNBOUNDED = ("USER", "SERVER", "BOT")
"""Whose ceilings are off: the files are to come through."""


def text() -> bytes:
    """Words that occur once each: nothing that is remembered of one helps with the next."""
    chosen = random.Random(SIZE)
    words = ("".join(chosen.choices(string.ascii_lowercase, k=chosen.randint(3, 31))) for _ in range(70_000))
    return " ".join(words).encode()[:SIZE]


async def slowest(model: str, upload: Upload) -> float:
    """The longest that anybody waited for an acknowledgement, in seconds."""
    with tempfile.TemporaryDirectory() as directory:
        async with DiscordStandIn() as discord, standing_in() as replicate:
            discord.rules.clear()
            replicate.respond = lambda _: Script(tokens=["Because."])
            environment = discord.environment() | {
                "REPLICATE_API_TOKEN": replicate.token,
                "REPLICATE_BASE_URL": replicate.base_url,
                "DATABASE_URL": f"sqlite:///{Path(directory) / 'bench.db'}",
                "DEFAULT_MODEL": model,
                "LOG_LEVEL": "ERROR",
            }
            environment |= {f"{who}_REQUESTS_PER_MINUTE": "none" for who in UNBOUNDED}
            environment |= {f"{who}_DOLLARS_PER_MONTH": "none" for who in UNBOUNDED}
            process = await launch.start(environment, "run")
            try:
                await discord.online()
                return await _meanwhile(discord, upload)
            finally:
                process.kill()
                await process.wait()


async def _meanwhile(discord: DiscordStandIn, upload: Upload) -> float:
    # The first of all waits for what is loaded with it.
    first = discord.slash(discord.owner, discord.channel, "ask", {"question": "Is it up?"})
    await discord.wait_for(lambda: "Because." in first.text, timeout=PATIENCE)
    files = [
        discord.slash(discord.member, discord.channel, "summarize", {"file": upload}) for _ in range(FILES)
    ]
    others: list[Interaction] = []
    for number in range(ASKERS):
        others.append(discord.slash(discord.other, discord.channel, "ask", {"question": f"And I? {number}"}))
        await asyncio.sleep(PAUSE)
    await discord.wait_for(lambda: all("Because." in each.text for each in others + files), timeout=PATIENCE)
    return max((other.acknowledged_at or float("inf")) - other.created for other in others)


async def rows() -> list[Row]:
    """Measure both models, each with a process of its own."""
    upload = Upload("long.txt", text())
    name = f"{FILES} files of 1 MiB summarized"
    return [
        Row(f"{name} {how}: others acknowledged after", await slowest(model, upload), "s", 0.5)
        for how, model in MODELS.items()
    ]
