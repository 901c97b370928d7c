"""The database in trouble: people are served, every request is on record once, and the bot goes on."""

import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

import pytest

from bot.store import Store
from tests.support.databases import SqliteDatabase, on_postgres
from tests.support.postgres import Server
from tests.wire.conftest import CrowdOn
from tests.wire.crowd import IN_FULL, SIZE, Crowd, End

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

Trouble = Callable[[], AbstractAsyncContextManager[None]]


async def meets(crowd: Crowd, *troubles: Trouble) -> None:
    """A crowd asks in each trouble; after it all is on record, and the next ones are served."""
    for trouble in troubles:
        async with trouble():
            assert await crowd.ends(crowd.ask()) == {End.WHOLE: SIZE}
        await crowd.is_on_record()
        await crowd.is_whole_again()
    await crowd.is_on_record()
    await crowd.leave()
    said = [line["message"] for line in crowd.lines()]
    away = [line for line in said if line.startswith("the database cannot be written")]
    back = [line for line in said if line.startswith("the database can be written again")]
    assert len(away) == len(back) == len(troubles)


async def test_a_file_that_is_locked_or_cannot_grow(crowd: Crowd) -> None:
    database = crowd.database
    assert isinstance(database, SqliteDatabase)

    @asynccontextmanager
    async def full() -> AsyncIterator[None]:
        """The process may make no file longer than the database's log is, as on a full disk."""
        length = database.path.with_name(f"{database.path.name}-wal").stat().st_size
        before = resource.prlimit(crowd.bot.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(crowd.bot.process.pid, resource.RLIMIT_FSIZE, (length, before[1]))
        yield
        resource.prlimit(crowd.bot.process.pid, resource.RLIMIT_FSIZE, before)

    await meets(crowd, database.locked, full)


async def test_a_server_that_is_locked_read_only_full_or_gone(server: Server, crowd_on: CrowdOn) -> None:
    async with on_postgres(server)() as database, crowd_on(database) as crowd:
        nobodys = cast("Store", None)
        """A server is asked beside the bot's store."""

        @asynccontextmanager
        async def read_only() -> AsyncIterator[None]:
            await database.refuse_writes(nobodys)
            yield
            await database.accept_writes(nobodys)

        @asynccontextmanager
        async def full() -> AsyncIterator[None]:
            await database.run_full(nobodys)
            yield
            await database.make_room(nobodys)

        @asynccontextmanager
        async def gone() -> AsyncIterator[None]:
            server.stop()
            yield
            server.launch()
            assert await server.answers()

        # The first two are what the sample meets a file with.
        await meets(crowd, *((database.locked, full) if IN_FULL else ()), read_only, gone)
