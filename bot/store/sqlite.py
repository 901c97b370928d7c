"""SQLite through aiosqlite: one connection that writes, and one that only reads.

A transaction's queries all run in one turn of its connection's thread: going there and back for each of them
costs more than the query, and nothing can come between them. So work on a transaction may wait for nothing
but its queries, and a caller who is cancelled, or out of patience, leaves it neither open nor half done.
Transactions that write begin immediately, so that they never fail half-way because another process wrote
first. A long read would hold up those that write, hence the second connection.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiosqlite
from aiosql.adapters.aiosqlite import AioSQLiteAdapter

from bot.store.attempts import Attempts
from bot.store.connection import (
    BUSY_SECONDS,
    Connection,
    DatabaseFile,
    code_of,
    connected,
    unavailable,
    without_making,
)
from bot.store.driver import Row, StoreUnavailable, T, Transaction, Work, named_queries

CHECKPOINT_EVERY = 200
"""Transactions after which the write-ahead log is copied into the database, by the connection that reads."""
BACKSTOP_PAGES = 20_000
"""Length of the write-ahead log, 80 MB, at which the writer copies it itself."""
OWNER_ONLY = 0o600
"""The mode of a database that is made."""
TURN_SECONDS = 0.002
"""How often a transaction asks whether another process's is over. SQLite's own waiting sleeps up to 0.1 s in
between, and so a process may starve among others that write without a pause."""


class _Adapter(AioSQLiteAdapter):
    """Runs aiosql's queries where they are: on the raw connection, in its own thread."""

    async def select(
        self,
        conn: sqlite3.Connection,
        _query_name: str,
        sql: str,
        parameters: Mapping[str, object],
        _record_class: None = None,
    ) -> AsyncIterator[Row]:
        for row in conn.execute(sql, parameters).fetchall():
            yield row

    async def select_one(
        self,
        conn: sqlite3.Connection,
        _query_name: str,
        sql: str,
        parameters: Mapping[str, object],
        _record_class: None = None,
    ) -> Row | None:
        row: Row | None = next(iter(conn.execute(sql, parameters).fetchall()), None)
        return row

    async def insert_update_delete(
        self, conn: sqlite3.Connection, _query_name: str, sql: str, parameters: Mapping[str, object]
    ) -> None:
        conn.execute(sql, parameters)


class _Effort:
    """One transaction's attempt. Once given up it must not commit."""

    __slots__ = ("given_up",)

    def __init__(self) -> None:
        self.given_up = False

    def give_up(self) -> None:
        self.given_up = True

    def check(self) -> None:
        if self.given_up:
            raise StoreUnavailable


class SqliteDriver:
    """A SQLite database file."""

    def __init__(self, path: Path, writer: Connection, reader: Connection) -> None:
        self.path = path
        self.writer = writer
        self._reader = reader
        self._queries = named_queries(_Adapter)
        self._attempts = Attempts()
        self._commits = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["SqliteDriver"]:
        """Open the file, and make it and its folder when they are not there.

        Raises:
            StoreUnavailable: it is no database, or cannot be opened.
        """
        with unavailable():
            with suppress(FileExistsError):  # a file in the folder's place is told of by the next line
                path.parent.mkdir(parents=True)
            # Says at once what is wrong with the file; a connection that fails leaves its thread behind for a
            # while.
            # Others on the machine do not read it; the files that SQLite keeps beside it take its mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY))
        file = DatabaseFile(path)
        async with connected(file, _prepare_writer) as writer, connected(file, _prepare_reader) as reader:
            driver = cls(path, writer, reader)
            try:
                yield driver
            finally:
                await driver.close()

    async def write(self, work: Work[T], patience: float) -> T:
        """See `Driver.write`."""
        effort = _Effort()
        task = self._attempts.start(self.writer.turn(partial(self._commit, work, effort)))
        result = await self._attempts.outcome(task, patience, effort.give_up)
        self._copy_now_and_then()
        return result

    async def read(self, work: Work[T]) -> T:
        """See `Driver.read`."""
        return await asyncio.shield(self._attempts.start(self._reader.turn(partial(self._look, work))))

    async def safeguard(self) -> Path | None:
        """See `Driver.safeguard`: a backup, unless no table but that of the migrations has rows."""
        names = await self.writer.execute_fetchall(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migrations'"
        )
        for (name,) in names:
            if list(await self.writer.execute_fetchall(f'SELECT 1 FROM "{name}" LIMIT 1')):  # noqa: S608 - the schema's own
                return await self.backup(None)
        return None

    async def backup(self, path: Path | None) -> Path:
        """See `Driver.backup`; without a path, a file beside the database with the time in its name."""
        target = path or beside(self.path, datetime.now(UTC))
        if target.exists():
            raise FileExistsError(target)
        if not target.parent.is_dir():
            raise FileNotFoundError(target.parent)
        partial = target.with_name(target.name + ".partial")
        partial.unlink(missing_ok=True)
        try:
            with unavailable():
                os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
                async with (
                    aiosqlite.connect(without_making(self.path), uri=True) as source,
                    aiosqlite.connect(partial) as copy,
                ):
                    await source.backup(copy)
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
        return target

    async def close(self) -> None:
        """Wait for the transactions under way."""
        await self._attempts.ended()

    def _copy_now_and_then(self) -> None:
        self._commits += 1
        if self._commits % CHECKPOINT_EVERY == 0:
            self._attempts.start(self._checkpoint())

    def _commit(self, work: Work[T], effort: _Effort, connection: sqlite3.Connection) -> T:
        with unavailable():
            self._begin(effort, connection)
            try:
                result = self._done(work, connection)
                effort.check()
                connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already.
                with suppress(sqlite3.OperationalError):
                    connection.execute("ROLLBACK")
                raise
        # Only now is it sure that what was committed is in the file that others find.
        self.writer.check()
        self._attempts.progress()
        return result

    def _begin(self, effort: _Effort, connection: sqlite3.Connection) -> None:
        """Begin when no other process writes, unless it is given up before."""
        while True:
            effort.check()
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if code_of(error) != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(TURN_SECONDS)
            else:
                self._attempts.progress()
                return

    def _look(self, work: Work[T], connection: sqlite3.Connection) -> T:
        with unavailable():
            connection.execute("BEGIN")
            try:
                return self._done(work, connection)
            finally:
                connection.execute("ROLLBACK")

    def _done(self, work: Work[T], connection: sqlite3.Connection) -> T:
        return _finished(work(Transaction(self._queries, connection, partial(_script, connection))))

    async def _checkpoint(self) -> None:
        with unavailable():
            await self._reader.turn(_copy_log)


async def _script(connection: sqlite3.Connection, statements: str) -> None:
    for statement in split_statements(statements):
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            # The database is not what the statement was written for.
            raise StoreUnavailable from error


def _finished(work: Awaitable[T]) -> T:
    """Run what never has to wait, since every query answers at once."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("a transaction waited for something other than its queries")


def split_statements(script: str) -> list[str]:
    """Split a script into its statements; a semicolon inside a text or trigger does not end one.

    >>> split_statements("CREATE TABLE a (b TEXT DEFAULT ';');  DROP TABLE a;")
    ["CREATE TABLE a (b TEXT DEFAULT ';');", 'DROP TABLE a;']
    """
    statements, pending = [], ""
    for part in script.split(";")[:-1]:
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    return statements


def beside(path: Path, now: datetime) -> Path:
    """Return where a backup of the database goes that is made now.

    >>> str(beside(Path("data/parlance.db"), datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)))
    'data/parlance.20260102T030405.678Z.backup.db'
    """
    stamp = now.strftime("%Y%m%dT%H%M%S.") + f"{now.microsecond // 1000:03}Z"
    return path.with_name(f"{path.stem}.{stamp}.backup{path.suffix}")


def _prepare_writer(connection: sqlite3.Connection) -> None:
    _write_ahead(connection)
    # Others may open it at the same time: the first that is read waits for them, as nothing does later.
    _read(connection)
    # In WAL a killed process loses nothing; only a power cut may take the last commits, never the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 0")
    connection.execute(f"PRAGMA wal_autocheckpoint = {BACKSTOP_PAGES}")


def _prepare_reader(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA query_only = ON")
    _read(connection)


def _read(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()


def _copy_log(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; of two that do so at once SQLite refuses one without any waiting."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(TURN_SECONDS)
        else:
            return
