"""The database in trouble: people are served, every request is on record once, and the bot goes on."""

import resource
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from typing import cast

import pytest

from bot.store import Store
from tests.support.databases import SqliteDatabase, on_postgres
from tests.support.postgres import Server
from tests.wire.conftest import CrowdOn
from tests.wire.crowd import IN_FULL, SIZE, Crowd, End

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

ROOM = 128 * 1024
"""Bytes that a few requests fill, with some pages for each step of theirs."""

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
        """The process may make no file much longer than its own log is, as on a full disk; the database's
        begins anew, so that it soon would be.
        """
        with closing(sqlite3.connect(database.path)) as outside:
            ((is_busy, _, _),) = outside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert not is_busy
        length = crowd.log.stat().st_size + ROOM
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
