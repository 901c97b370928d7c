"""A thousand commands from one member within a second, and ten other people who ask meanwhile."""

import asyncio
import time

from bench.driving import ANSWER, crowded
from bench.table import Row
from bot.limits.gate import LEAST_BURST, PER_SECOND
from tests.wire.discord import Acknowledged, DiscordStandIn, Interaction

FLOOD, STEPS = 1000, 10
PER_MINUTE = 6
"""Requests a minute that a person may make, the setting's own default."""


async def rows() -> list[Row]:
    """Measure it with a process that has its usual ceilings."""
    async with crowded({"USER_REQUESTS_PER_MINUTE": str(PER_MINUTE)}) as (discord, replicate):
        flood, others, seconds = await _flooded(discord)
    return _rows(flood, others, seconds, len(replicate.creations) - len(others))


async def _flooded(discord: DiscordStandIn) -> tuple[list[Interaction], list[Interaction], float]:
    """Let them all ask; how long it took until everybody else had their answer."""
    flood: list[Interaction] = []
    others: list[Interaction] = []
    people = [discord.add_user(f"person{number}", discord.guild) for number in range(STEPS)]
    begun = time.perf_counter()
    for step, person in enumerate(people):
        for number in range(FLOOD // STEPS):
            options = {"question": f"Question {step}.{number}?"}
            flood.append(discord.slash(discord.member, discord.channel, "ask", options))
        others.append(discord.slash(person, discord.channel, "ask", {"question": "And I?"}))
        await asyncio.sleep(max(0.0, begun + (step + 1) / STEPS - time.perf_counter()))
    await discord.wait_for(lambda: all(ANSWER in other.text for other in others), timeout=60)
    return flood, others, time.perf_counter() - begun


def _rows(flood: list[Interaction], others: list[Interaction], seconds: float, calls: int) -> list[Row]:
    name = f"{FLOOD} commands of one member in a second"
    waits = [(other.acknowledged_at or float("inf")) - other.created for other in others]
    answered = sum(each.acknowledged is not Acknowledged.NOT for each in flood)
    return [
        Row(f"{name}: others acknowledged after", max(waits), "s", 1),
        Row(f"{name}: answered at all", answered, "commands", LEAST_BURST + 1 + PER_SECOND * seconds),
        Row(
            f"{name}: model calls", calls, "calls", 2 * PER_MINUTE, note="twice where a minute ends meanwhile"
        ),
    ]
