"""A way to a server that can be held up: everything is connected, and nothing arrives any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 65_536


class Stalling:
    """Passes bytes on to another port of 127.0.0.1, while it is open."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.open = asyncio.Event()
        self.open.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", self.target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self.pass_on(reader, ours))
                group.create_task(self.pass_on(theirs, writer))
        except* OSError:
            pass

    async def pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(CHUNK):
                await self.open.wait()
                target.write(chunk)
                await target.drain()
        finally:
            target.close()


@asynccontextmanager
async def stalling(target: int) -> AsyncIterator[Stalling]:
    """Listen until the end; connections that are left then are dropped."""
    way = Stalling(target)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(way.connected(reader, writer))
        tasks.add(task)
        await asyncio.wait({task})

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    async with server:
        yield way
        way.open.set()
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
