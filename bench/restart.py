"""Answers whose process is killed in their middle: how soon after another one is online they go on.

The model writes on while nobody listens. The new process is online when the gateway has made it READY; what
it then waits for is the dead one's lease. An answer goes on with the next change that can be seen of it, be
it text or the line that says so.
"""

import asyncio
import statistics
import time

from bench.driving import Asked, Bench, Contender, driven
from bench.table import Row
from bot.limits.inflight import LEASE_SECONDS

ANSWERS = 20
TOKENS, RATE = 600, 10.0
"""Of each: a minute, so that all are still being written when they are gone on with."""
KILLED_AFTER = 5.0
"""Seconds after every model has begun to write."""
PATIENCE = 180.0
"""Seconds after which an answer counts as never completed."""


def went_on_at(asked: Asked, since: float) -> float:
    """When something of an answer changed first after that; infinity where nothing did."""
    changes = (version.time for message in asked.messages for version in message.versions)
    return min((at for at in changes if at >= since), default=float("inf"))


async def killed_in_the_middle(bench: Bench) -> float:
    """Kill the process while all its answers are being written, and start another; when that was online."""
    bench.rate = RATE
    asked = bench.slash(ANSWERS, lambda _: TOKENS)
    await bench.listening(asked)
    await asyncio.sleep(KILLED_AFTER)
    assert not any(one.is_complete() for one in asked)
    await bench.start_again()
    return time.perf_counter()


async def rows() -> list[Row]:
    """Measure it with the bot's own settings."""
    async with driven(Contender.PARLANCE) as bench:
        online_at = await killed_in_the_middle(bench)
        late = await bench.over(bench.asked, PATIENCE)
        waits = [went_on_at(one, online_at) - online_at for one in bench.asked]
        whole = [one for one in bench.asked if one not in late and one.completed_at is not None]
    name = f"kill -9 in the middle of {ANSWERS} answers"
    note = f"after READY; the dead process holds them for {LEASE_SECONDS:.0f} s"
    return [
        Row(f"{name}: the median goes on after", statistics.median(waits), "s", None, note=note),
        Row(f"{name}: the last goes on after", max(waits), "s", None, note=note),
        Row(f"{name}: whole in the end", len(whole), "answers", ANSWERS, at_most=False),
    ]
