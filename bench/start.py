"""How long a process takes from its start until it is online, the bot's against the bare bot's.

Each start is the first one of its kind: with a new database, and commands that Discord does not know yet. It
is over when the gateway has made the bot READY and its commands are registered. The two take turns.
"""

import statistics

from bench.driving import Contender, driven
from bench.table import Row

STARTS = 5
"""Of each that count. One before them, which also compiles what was never imported here, does not."""


async def started(contender: Contender) -> float:
    """Seconds of one start."""
    async with driven(contender) as bench:
        return bench.online_after


async def rows() -> list[Row]:
    """Let the two take turns and compare their medians."""
    seconds: dict[Contender, list[float]] = {contender: [] for contender in Contender}
    for number in range(STARTS + 1):
        for contender in Contender:
            taken = await started(contender)
            if number:
                seconds[contender].append(taken)
    ours, bare = (statistics.median(seconds[contender]) for contender in Contender)
    note = f"median of {STARTS} first starts, commands registered"
    return [
        Row("start to READY: the bot", ours, "s", None, note=note),
        Row("start to READY: the bare bot", bare, "s", None, note=note),
        Row("start to READY, times the bare bot's", ours / bare, "times", None),
    ]
