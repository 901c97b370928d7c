"""Starts a bot with discord.py pointed at the stand-in, so that the bot itself needs no test hooks.

As a command, ``python -m tests.wire.launch [--module MODULE] ARGUMENTS``: reads DISCORD_API and
DISCORD_GATEWAY and calls ``main(ARGUMENTS)`` of MODULE, by default ``bot.__main__``. DISCORD_SILENCE is how
many seconds of a silent gateway are too many, in place of discord.py's sixty. Where CENSUS names a file,
SIGUSR1 makes the process write into it which tasks it has.
"""

import asyncio
import contextlib
import functools
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.state import AutoShardedConnectionState

REPOSITORY = Path(__file__).parents[2]
BOT = "bot.__main__"


def point(environment: Mapping[str, str]) -> None:
    """Make discord.py speak to the addresses in DISCORD_API and DISCORD_GATEWAY."""
    Route.BASE = environment["DISCORD_API"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(environment["DISCORD_GATEWAY"])
    if "DISCORD_SILENCE" in environment:
        silence = float(environment["DISCORD_SILENCE"])
        made = functools.partialmethod(AutoShardedConnectionState.__init__, heartbeat_timeout=silence)
        AutoShardedConnectionState.__init__ = made  # type: ignore[assignment,method-assign] # another default


def census(path: Path) -> None:
    """Write the names of all tasks of the running event loop, one a line."""
    names = sorted(str(getattr(task.get_coro(), "__qualname__", "")) for task in asyncio.all_tasks())
    path.with_suffix(".new").write_text("\n".join(names), encoding="utf-8")
    path.with_suffix(".new").replace(path)


def hasten(environment: Mapping[str, str]) -> None:
    """Let leases be renewed and run out sooner: LEASE_SECONDS, a third of it between two renewals."""
    if seconds := environment.get("LEASE_SECONDS"):
        vars(importlib.import_module("bot.limits.inflight"))["LEASE_SECONDS"] = float(seconds)
        vars(importlib.import_module("bot.recovery"))["RENEW_SECONDS"] = float(seconds) / 3


@contextlib.contextmanager
def pointed(environment: Mapping[str, str]) -> Iterator[None]:
    """The same for a while, for a client in this process."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    point(environment)
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


async def start(
    environment: Mapping[str, str], *arguments: str, module: str = BOT, output: int | None = None
) -> asyncio.subprocess.Process:
    """A bot's process. ``environment`` is added to this process's own; ``output`` goes to both of its
    streams.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.wire.launch",
        "--module",
        module,
        *arguments,
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=output,
        stderr=output,
    )


def main(arguments: list[str]) -> int | None:
    """Point discord.py at the stand-in and run a module's ``main``; what that returns."""
    module = BOT
    if arguments[:1] == ["--module"]:
        module, arguments = arguments[1], arguments[2:]
    point(os.environ)
    if "CENSUS" in os.environ:
        signal.signal(signal.SIGUSR1, lambda *_: census(Path(os.environ["CENSUS"])))
    hasten(os.environ)
    code: int | None = importlib.import_module(module).main(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
