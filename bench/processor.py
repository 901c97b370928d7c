"""Processor time of one stream, the bot's against the bare bot's.

Both are processes under the same load at the same time, so that what else the machine does meets both alike:
a turn after a turn of the other was up to a third dearer for no reason of its own. Everything a process
does while its answers come counts, from the command to the footer: store and limits, splitting, pacing. A
first turn, which also fills caches, is not counted.
"""

import asyncio
import statistics
import time

from bench.driving import RATE, Bench, Contender, driven
from bench.table import Row

STREAMS = 10
TOKENS = 320
"""Tokens of an answer: about ten seconds."""
TURNS = 7
SETTLED = 1.0
"""Seconds after a turn, for what runs on."""
CLOCK_OF_PROCESS = 2
"""Asks for all of a process's threads, to the nanosecond (Linux: posix-timers.h, CPUCLOCK_SCHED)."""


def processor_seconds(pid: int) -> float:
    """Seconds of processor time a process has used, for itself and in the kernel."""
    return time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)


async def turn(bench: Bench) -> float:
    """Let all streams come; return the processor seconds that the process had used before."""
    before = processor_seconds(bench.process.pid)
    asked = bench.slash(STREAMS, lambda _: TOKENS)
    late = await bench.over(asked, timeout=TOKENS / RATE + 40)
    assert not late
    return before


async def rows() -> list[Row]:
    """Let both take their turns and compare them; the ratio is the median of those of each turn."""
    used: list[tuple[float, float]] = []
    async with driven(Contender.PARLANCE) as ours, driven(Contender.BARE) as bare:
        for _ in range(TURNS + 1):
            before = await asyncio.gather(turn(ours), turn(bare))
            await asyncio.sleep(SETTLED)
            now = [processor_seconds(bench.process.pid) for bench in (ours, bare)]
            used.append((now[0] - before[0], now[1] - before[1]))
    counted = used[1:]
    parlance, beside = (1000 * statistics.median(column) / STREAMS for column in zip(*counted, strict=True))
    ratios = sorted(one / other for one, other in counted)
    note = f"median of {TURNS} turns of {STREAMS} streams, {TOKENS} tokens each, both at once"
    return [
        Row("processor time a stream: the bot", parlance, "ms", None, note=note),
        Row("processor time a stream: the bare bot", beside, "ms", None, note=note),
        Row(
            "processor time a stream, times the bare bot's",
            statistics.median(ratios),
            "times",
            1.15,
            note=f"{ratios[0]:.3g} to {ratios[-1]:.3g} in single turns",
        ),
    ]
