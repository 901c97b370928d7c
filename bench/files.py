"""Three files of a megabyte that one member has summarized at once, and other people who ask meanwhile."""

import asyncio
import random
import string

from bench.driving import ANSWER, ceilings, crowded
from bench.table import Row
from tests.wire.discord import DiscordStandIn, Interaction, Upload

FILES, SIZE = 3, 1024 * 1024
ASKERS, PAUSE = 60, 0.1
"""How many ask meanwhile, and the seconds between two of them."""
PATIENCE = 90.0
MODELS = {"whole": "google/gemini-2.5-flash", "in parts": "meta/meta-llama-3-70b-instruct"}
"""One that reads such a file whole, and one that reads some pages."""


def text() -> bytes:
    """Words that occur once each: nothing that is remembered of one helps with the next."""
    chosen = random.Random(SIZE)
    words = ("".join(chosen.choices(string.ascii_lowercase, k=chosen.randint(3, 31))) for _ in range(70_000))
    return " ".join(words).encode()[:SIZE]


async def slowest(model: str, upload: Upload) -> float:
    """The longest that anybody waited for an acknowledgement, in seconds."""
    # No ceilings: the files are to come through.
    async with crowded({"DEFAULT_MODEL": model, **ceilings("none")}) as (discord, _):
        return await _meanwhile(discord, upload)


async def _meanwhile(discord: DiscordStandIn, upload: Upload) -> float:
    # The first of all waits for what is loaded with it.
    first = discord.slash(discord.owner, discord.channel, "ask", {"question": "Is it up?"})
    await discord.wait_for(lambda: ANSWER in first.text, timeout=PATIENCE)
    files = [
        discord.slash(discord.member, discord.channel, "summarize", {"file": upload}) for _ in range(FILES)
    ]
    others: list[Interaction] = []
    for number in range(ASKERS):
        person = discord.add_user(f"person{number}", discord.guild)
        others.append(discord.slash(person, discord.channel, "ask", {"question": f"And I? {number}"}))
        await asyncio.sleep(PAUSE)
    await discord.wait_for(lambda: all(ANSWER in each.text for each in others + files), timeout=PATIENCE)
    return max((other.acknowledged_at or float("inf")) - other.created for other in others)


async def rows() -> list[Row]:
    """Measure both models, each with a process of its own."""
    upload = Upload("long.txt", text())
    name = f"{FILES} files of 1 MiB summarized"
    return [
        Row(f"{name} {how}: others acknowledged after", await slowest(model, upload), "s", 0.5)
        for how, model in MODELS.items()
    ]
