"""Processor time of one stream, the bot's against the bare bot's.

Both are processes under the same load, and take turns at it within one go, so that what else the machine does
meets both alike. Everything a process does while its answers come counts, from the command to the footer:
store and limits, splitting, pacing. A first turn of each, which also fills caches, is not counted.
"""

import asyncio
import statistics
import time

from bench.driving import RATE, Bench, Contender, driven
from bench.table import Row

STREAMS = 10
TOKENS = 320
"""Tokens of an answer: about ten seconds."""
TURNS = 3
SETTLED = 1.0
"""Seconds before and after a turn, for what runs on."""
CLOCK_OF_PROCESS = 2
"""Asks for all of a process's threads, to the nanosecond (Linux: posix-timers.h, CPUCLOCK_SCHED)."""


def processor_seconds(pid: int) -> float:
    """Seconds of processor time a process has used, for itself and in the kernel."""
    return time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)


async def turn(bench: Bench) -> float:
    """Processor seconds a stream of one turn."""
    before = processor_seconds(bench.process.pid)
    asked = bench.slash(STREAMS, lambda _: TOKENS)
    late = await bench.over(asked, timeout=TOKENS / RATE + 40)
    assert not late
    await asyncio.sleep(SETTLED)
    return (processor_seconds(bench.process.pid) - before) / STREAMS


async def rows() -> list[Row]:
    """Let the two take turns and compare their medians."""
    seconds: dict[Contender, list[float]] = {contender: [] for contender in Contender}
    async with driven(Contender.PARLANCE) as ours, driven(Contender.BARE) as bare:
        for number in range(TURNS + 1):
            for bench in (ours, bare):
                used = await turn(bench)
                if number:
                    seconds[bench.contender].append(used)
    parlance = statistics.median(seconds[Contender.PARLANCE])
    beside = statistics.median(seconds[Contender.BARE])
    note = f"median of {TURNS} turns of {STREAMS} streams, {TOKENS} tokens each"
    return [
        Row("processor time a stream: the bot", 1000 * parlance, "ms", None, note=note),
        Row("processor time a stream: the bare bot", 1000 * beside, "ms", None, note=note),
        Row("processor time a stream, times the bare bot's", parlance / beside, "times", 1.15),
    ]
