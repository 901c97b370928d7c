"""The bot as a process of its own, between the two stand-ins."""

import asyncio
import signal
import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.support.canaries import spilled


@dataclass
class Running:
    """A bot's process and its database."""

    process: asyncio.subprocess.Process
    database: Path

    def usage(self) -> list[tuple[str, str]]:
        """Command and ending of every request on record."""
        return self.select("SELECT command, ending FROM usage ORDER BY id")

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds in the database."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return list(connection.execute(query))

    def change(self, *statements: str) -> None:
        """Change something in the database with each of these."""
        with closing(sqlite3.connect(self.database)) as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount > 0, statement
            connection.commit()

    async def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        await self.process.wait()

    async def says(self, words: str) -> None:
        """Wait for a line of the log."""
        log = self.process.stderr
        assert log is not None
        while words not in (line := clean((await log.readline()).decode())):
            assert line, f"the log ended without {words!r}"

    async def log(self) -> str:
        """The rest of the log of a process that ends."""
        assert self.process.stderr is not None
        return clean((await self.process.stderr.read()).decode())

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; returns the exit code."""
        self.process.send_signal(number)
        return await self.process.wait()


def clean(written: str) -> str:
    """What a process wrote, in which there is no secret."""
    assert not spilled(written), written
    return written


class Start(Protocol):
    """Starts the bot; a test may start it again after it ended."""

    def __call__(
        self,
        *arguments: str,
        online: bool = True,
        output: int = asyncio.subprocess.PIPE,
        **environment: str,
    ) -> Awaitable[Running]:
        """Run it with further arguments and settings, until it is online unless a test waits otherwise.

        ``output`` is where its log goes; the methods that read the log read a pipe.
        """
