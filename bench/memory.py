"""Memory of a bot that is online and idle, the bot's against the bare bot's: in one small server, and in very
many.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from bench.driving import Bench, Contender, driven
from bench.processor import processor_seconds
from bench.table import Row
from tests.wire.discord import ChannelKind, DiscordStandIn

SETTLED = 5.0
"""Seconds after READY and the registration of commands."""
SERVERS, CHANNELS = 2_000, 50
QUIET = 0.02
"""Processor seconds in one second, below which a process has nothing left to read."""
PATIENCE = 120.0
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


async def crowded(contender: Contender) -> Memory:
    """Memory of a bot that has heard of all servers and channels."""
    async with driven(contender, invite) as bench:
        await asyncio.sleep(SETTLED)
        await quiet(bench)
        return memory(bench.process.pid)


def invite(discord: DiscordStandIn) -> None:
    """Let the bot be in many servers, each of another owner."""
    for number in range(SERVERS):
        server = discord.world.add_guild(f"server {number}", discord.world.add_user(f"owner{number}"))
        for place in range(CHANNELS):
            discord.world.add_channel(f"channel-{place}", ChannelKind.TEXT, server)
        discord.world.join(server, discord.bot)


async def quiet(bench: Bench) -> None:
    """Wait until a bot has nothing left to do."""
    ends = time.perf_counter() + PATIENCE
    used, before = 1.0, 0.0
    while used > QUIET:
        assert time.perf_counter() < ends, "it does not come to rest"
        before = processor_seconds(bench.process.pid)
        await asyncio.sleep(1)
        used = processor_seconds(bench.process.pid) - before


def compared(name: str, ours: Memory, bare: Memory, most: float | None = None) -> list[Row]:
    """The rows of both and of how they compare; ``most`` is the bar of the bot's own, in MB."""
    return [
        Row(f"{name}: the bot", ours.resident, "MB", most, note=f"{ours.private:.0f} MB its own"),
        Row(f"{name}: the bare bot", bare.resident, "MB", None, note=f"{bare.private:.0f} MB its own"),
        Row(f"{name}, times the bare bot's", ours.resident / bare.resident, "times", 1.8),
    ]


async def rows() -> list[Row]:
    """Measure one after the other."""
    ours, bare = await idle(Contender.PARLANCE), await idle(Contender.BARE)
    table = compared("memory at idle", ours, bare, most=110)
    ours, bare = await crowded(Contender.PARLANCE), await crowded(Contender.BARE)
    return table + compared(f"memory in {SERVERS:,} servers of {CHANNELS} channels", ours, bare)
