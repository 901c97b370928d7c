"""A long life under mixed load leaves nothing behind: no task, no connection, no file, no memory.

``make soak`` lets it live for an hour; the sample does the same for a few seconds, without the memory, which
grows in any process that has just begun.
"""

import asyncio
import gc
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.memory import memory
from tests.support.patience import PATIENCE
from tests.wire.crowd import IN_FULL, WORDS, Asked, Crowd, End
from tests.wire.discord import DiscordStandIn, Impossible
from tests.wire.replicate import ReplicateStandIn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.soak,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no /proc to count in"),
]

SECONDS = 60.0 * float(os.environ.get("SOAK", "0.1"))
WARM_UP = min(300.0, SECONDS / 5)
"""Seconds after which everything has been used once."""
A_SECOND = 24.0
"""Requests, for which the bot makes a hundred to Discord: nearly thirty of those, the direct messages' own,
are counted together, and no more pass the bot's gate.
"""
KEPT_ALIVE = 40.0
"""Seconds after which no unused connection is kept."""
GROWTH = 1.10
IDLE = Counter(
    ["run", "Event.wait", "_listening", "Shard.worker", "_recovering", "Recovery.run", "Retention._keep"]
)
"""The tasks of a bot that does nothing: itself, what waits for its end, its connection to Discord, and what
looks after leases and old records.
"""
TIDY_EVERY = 500
"""Requests after which the stand-ins forget what was; only the bot's memory is measured."""


@dataclass(frozen=True)
class Census:
    """What a process has: its tasks by name, the files and the number of sockets it has open."""

    tasks: Counter[str]
    files: Counter[str]
    sockets: int


async def census(crowd: Crowd, path: Path) -> Census:
    """Count what the bot has right now."""
    crowd.bot.process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(PATIENCE):
        while (written := _taken(path)) is None:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.02)
    opened = _opened(crowd.bot.process.pid)
    return Census(
        Counter(written.splitlines()),
        Counter(name for name in opened if name.startswith("/")),
        sum(name.startswith("socket:") for name in opened),
    )


def _taken(path: Path) -> str | None:
    """What was written into a file, which is then taken away; None before it is there."""
    if not path.exists():
        return None
    written = path.read_text(encoding="utf-8")
    path.unlink()
    return written


def _opened(pid: int) -> list[str]:
    """What a process has open. Something may be closed between being listed and being read."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(link.readlink()))
    return found


def stopped(crowd: Crowd) -> Asked:
    """Somebody asks, and presses Stop as soon as there is one."""
    asked = crowd.command("story", premise="a fox")
    interaction = asked.interaction
    assert interaction is not None

    def press() -> None:
        if asked.end is not End.OPEN:
            return
        try:
            [message, *_] = interaction.messages
            crowd.discord.press(interaction.user, message, message.button("Stop"))
        except (ValueError, Impossible):
            loop.call_later(0.1, press)

    loop = asyncio.get_running_loop()
    loop.call_later(0.1, press)
    return asked


KINDS: tuple[Callable[[Crowd], Asked], ...] = (
    lambda crowd: crowd.command(),
    lambda crowd: crowd.write(),
    lambda crowd: crowd.command("translate", text="why?", to="French"),
    lambda crowd: crowd.command("summarize", text=WORDS * 9),
    lambda crowd: crowd.command(question="why?", private=True),
    lambda crowd: crowd.write(),
    stopped,
)


async def live(crowd: Crowd, replicate: ReplicateStandIn, seconds: float) -> Counter[End]:
    """Let people ask for so long; how they were left."""
    ends: Counter[End] = Counter()
    begun, open_ = time.perf_counter(), []
    for number, kind in enumerate(itertools.cycle(KINDS)):
        await asyncio.sleep(begun + number / A_SECOND - time.perf_counter())
        if time.perf_counter() - begun > seconds:
            break
        open_.append(kind(crowd))
        ends.update(one.end for one in open_ if one.end is not End.OPEN)
        open_ = [one for one in open_ if one.end is End.OPEN]
        if number % TIDY_EVERY == TIDY_EVERY - 1:
            tidy(crowd, replicate)
    return ends + await crowd.ends(open_)


def tidy(crowd: Crowd, replicate: ReplicateStandIn) -> None:
    """Let the stand-ins forget what is over, and look through none of what they keep.

    They keep every message of the hour: to look for garbage in all of that took them seconds at its end, in
    which they heard no first response.
    """
    crowd.discord.log.clear()
    replicate.creations.clear()
    # The newest may still be asked for.
    for run in [run for run in replicate.runs.values() if run.is_over][:-TIDY_EVERY]:
        del replicate.runs[run.id]
    gc.freeze()


@pytest.fixture
def garbage_as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("garbage_as_before")
@pytest.mark.timeout(SECONDS * 1.2 + 240)
async def test_nothing_is_left_over(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, tmp_path: Path
) -> None:
    pid = crowd.bot.process.pid
    await crowd.ends([kind(crowd) for kind in KINDS])
    before = await census(crowd, tmp_path / "census")
    ends = await live(crowd, replicate, WARM_UP)
    warm = memory(pid)
    ends += await live(crowd, replicate, SECONDS - WARM_UP)
    after = await settled(crowd, tmp_path / "census", before.sockets)
    late = memory(pid)
    print(f"{ends.total()} requests in {SECONDS:.0f} s: {dict(ends)}")
    print(f"memory: {warm.resident:.1f} MB after {WARM_UP:.0f} s, {late.resident:.1f} MB at the end")
    print(f"tasks {after.tasks.total()}, files {after.files.total()}, sockets {after.sockets}")
    assert set(ends) == {End.WHOLE, End.SENTENCE}
    assert ends[End.SENTENCE] <= ends.total() / len(KINDS) + 1
    assert after.tasks == IDLE
    assert after.files == before.files
    assert after.sockets <= before.sockets
    if IN_FULL:
        assert late.resident <= GROWTH * warm.resident
    await crowd.leave()


async def settled(crowd: Crowd, path: Path, sockets: int) -> Census:
    """Count what the bot has once it is idle with no more sockets than that, or could long have been."""
    until = time.perf_counter() + KEPT_ALIVE
    found = await census(crowd, path)
    while (found.tasks != IDLE or found.sockets > sockets) and time.perf_counter() < until:
        await asyncio.sleep(1.0)
        found = await census(crowd, path)
    return found
