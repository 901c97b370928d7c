"""How many commands a second a bot acknowledges within a second, when they keep coming.

Each step lets commands come evenly at one rate, each of another person with a short answer of its own, and
holds while the slowest acknowledgement takes at most a second. The next step begins when all answers of the
one before are complete. The stand-ins share the machine with the bot.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench.driving import LOOKS, Asked, Bench, Contender, driven
from bench.search import highest
from bench.table import Row

SECONDS = 3
"""Of a step: a bot that falls behind by a third of them is too slow."""
TOKENS = 10
FIRST, CEILING = 40, 1280
"""Commands a second."""
STEPS = 2
"""Tries between the highest doubling that held and the first that did not."""
ACKNOWLEDGED = 1.0
"""Seconds that the slowest acknowledgement may take."""
DISCORD_WAITS = 3.5
"""Seconds after which Discord takes no acknowledgement any more, and a little."""
PATIENCE = 60.0


async def come(bench: Bench, rate: int) -> list[Asked]:
    """Let commands come evenly for a step."""
    begun = time.perf_counter()
    asked: list[Asked] = []
    for number in range(rate * SECONDS):
        await asyncio.sleep(begun + number / rate - time.perf_counter())
        asked += bench.slash(1, lambda _: TOKENS)
    return asked


async def acknowledged(asked: list[Asked]) -> bool:
    """Wait until Discord has every acknowledgement, or takes none any more; whether each came in time."""
    ends = time.perf_counter() + DISCORD_WAITS
    waiting = asked
    while waiting and time.perf_counter() < ends:
        await asyncio.sleep(LOOKS)
        waiting = [one for one in waiting if one.acknowledged_at is None]
    waits = (None if one.acknowledged_at is None else one.acknowledged_at - one.at for one in asked)
    return all(wait is not None and wait <= ACKNOWLEDGED for wait in waits)


def holding(bench: Bench) -> Callable[[int], Awaitable[bool]]:
    """Return what tries a rate."""

    async def holds(rate: int) -> bool:
        asked = await come(bench, rate)
        held = await acknowledged(asked)
        late = await bench.over([one for one in asked if one.acknowledged_at is not None], PATIENCE)
        assert not late, f"{len(late)} of {len(asked)} answers did not end"
        return held

    return holds


async def rows() -> list[Row]:
    """Find the highest rate of each."""
    table = []
    for contender in Contender:
        async with driven(contender) as bench:
            rate = await highest(holding(bench), FIRST, CEILING, STEPS)
        name = f"commands a second until one waits longer than a second: {contender.value}"
        note = f"{SECONDS} s each" if rate < CEILING else "as many as were tried"
        table.append(Row(name, rate, "commands/s", None, note=note))
    return table
