"""A database for a test, of each kind there is, and what other users of it, or its machine, may do to it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from bot.seal import Seal
from bot.store import Store
from bot.store.postgres import WRITERS_LOCK
from bot.store.sqlite import SqliteDriver
from tests.support.patience import PATIENCE
from tests.support.postgres import Server

Rows = list[tuple[object, ...]]
SEAL = Seal("a token of the tests")

DISCONNECT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
FULL = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON usage EXECUTE FUNCTION refuse();
"""


class Database(Protocol):
    """A database that is empty, or not there, until a store is opened."""

    @property
    def url(self) -> str:
        """What DATABASE_URL is for it."""

    async def select(self, query: str) -> Rows:
        """Ask beside the store."""

    async def execute(self, statements: str) -> None:
        """Change something beside the store."""

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Hold up those that write, as another process would."""

    async def refuse_writes(self, store: Store) -> None:
        """Be read-only."""

    async def accept_writes(self, store: Store) -> None:
        """Be so no more."""

    async def run_full(self, store: Store) -> None:
        """Have room for a few rows more, or none."""

    async def make_room(self, store: Store) -> None:
        """Have room again."""


Databases = Callable[[], AbstractAsyncContextManager[Database]]
"""Makes another one."""


def sqlite_driver(store: Store) -> SqliteDriver:
    driver = store._driver
    assert isinstance(driver, SqliteDriver)
    return driver


async def until(database: Database, query: str, rows: Rows, seconds: float = PATIENCE) -> None:
    """Wait until a query finds these rows: a database tells nobody when it changes."""
    async with asyncio.timeout(seconds):
        while await database.select(query) != rows:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0.1)


@dataclass
class SqliteDatabase:
    """A file."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    async def select(self, query: str) -> Rows:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(query).fetchall()

    async def execute(self, statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(statements)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    async def refuse_writes(self, store: Store) -> None:
        await self._pragma(store, "query_only = ON")

    async def accept_writes(self, store: Store) -> None:
        await self._pragma(store, "query_only = OFF")

    async def run_full(self, store: Store) -> None:
        ((pages,),) = await self.select("PRAGMA page_count")
        await self._pragma(store, f"max_page_count = {pages}")

    async def make_room(self, store: Store) -> None:
        await self._pragma(store, "max_page_count = 100000")

    async def _pragma(self, store: Store, statement: str) -> None:
        await sqlite_driver(store).writer.execute(f"PRAGMA {statement}")


@dataclass
class PostgresDatabase:
    """One of a server's."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    async def select(self, query: str) -> Rows:
        connection = await self.server.connect(self.name)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def execute(self, statements: str) -> None:
        connection = await self.server.connect(self.name)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        other = await self.server.connect(self.name)
        try:
            await other.execute(f"SELECT pg_advisory_lock({WRITERS_LOCK})")
            yield
        finally:
            await other.close()

    async def refuse_writes(self, store: Store) -> None:
        await self.execute(f"ALTER DATABASE {self.name} SET default_transaction_read_only = on")
        await self.disconnect()

    async def accept_writes(self, store: Store) -> None:
        connection = await self.server.connect()
        try:
            await connection.execute(f"ALTER DATABASE {self.name} RESET default_transaction_read_only")
        finally:
            await connection.close()

    async def run_full(self, store: Store) -> None:
        await self.execute(FULL)

    async def make_room(self, store: Store) -> None:
        await self.execute("DROP TRIGGER full_disk ON usage")

    async def disconnect(self) -> None:
        """End every connection, and wait until it is."""
        await self.select(DISCONNECT)


def on_sqlite(folder: Path) -> Databases:
    """Make files in a folder."""
    numbers = count(1)

    @asynccontextmanager
    async def another() -> AsyncIterator[Database]:
        yield SqliteDatabase(folder / f"parlance{next(numbers)}.db")

    return another


def on_postgres(server: Server) -> Databases:
    """Make databases on a server, and remove them."""

    @asynccontextmanager
    async def another() -> AsyncIterator[Database]:
        name = await server.create()
        try:
            yield PostgresDatabase(server, name)
        finally:
            await asyncio.shield(server.drop(name))

    return another
