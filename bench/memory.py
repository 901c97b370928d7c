"""Memory of a bot that is online and idle, the bot's against the bare bot's."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bench.driving import Contender, driven
from bench.table import Row

SETTLED = 5.0
"""Seconds after READY and the registration of commands."""
KIB_IN_MB = 1024 / 1e6


@dataclass(frozen=True, slots=True)
class Memory:
    """A process's memory in MB: all that is resident, and of it what no other process shares."""

    resident: float
    private: float


def memory(pid: int) -> Memory:
    """Read a process's memory (proc(5), smaps_rollup)."""
    kib: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, value, _ = line.split()
        kib[name.rstrip(":")] = int(value)
    return Memory(kib["Rss"] * KIB_IN_MB, (kib["Private_Clean"] + kib["Private_Dirty"]) * KIB_IN_MB)


async def idle(contender: Contender) -> Memory:
    """Memory of a bot some seconds after it came online."""
    async with driven(contender) as bench:
        await asyncio.sleep(SETTLED)
        return memory(bench.process.pid)


async def rows() -> list[Row]:
    """Measure one after the other."""
    ours, bare = await idle(Contender.PARLANCE), await idle(Contender.BARE)
    return [
        Row("memory at idle: the bot", ours.resident, "MB", 110, note=f"{ours.private:.0f} MB its own"),
        Row("memory at idle: the bare bot", bare.resident, "MB", None, note=f"{bare.private:.0f} MB its own"),
        Row("memory at idle, times the bare bot's", ours.resident / bare.resident, "times", 1.8),
    ]
