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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiosqlite
from aiosql.adapters.aiosqlite import AioSQLiteAdapter

from bot.store.attempts import Attempts
from bot.store.driver import Row, StoreUnavailable, T, Transaction, Work, named_queries

CHECKPOINT_EVERY = 200
"""Transactions after which the write-ahead log is copied into the database, by the connection that reads."""
BACKSTOP_PAGES = 20_000
"""Length of the write-ahead log, 80 MB, at which the writer copies it itself."""
OWNER_ONLY = 0o600
"""The mode of a database that is made."""
BUSY_SECONDS = 1.8
"""How long a statement waits for another process, outside of transactions that write."""
TURN_SECONDS = 0.002
"""How often a transaction asks whether another process's is over. SQLite's own waiting sleeps up to 0.1 s in
between, and so a process may starve among others that write without a pause."""

ITERATED_ROWS = 64
"""Rows aiosqlite's own cursors fetch at once, its default; queries here fetch all."""


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


class _Connection(aiosqlite.Connection):
    """A connection whose thread also runs functions of ours."""

    async def turn(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the connection's thread, in its turn."""
        result: T = await self._execute(  # type: ignore[no-untyped-call] # aiosqlite types only its own calls
            copy_context().run, function, self._conn
        )
        return result


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

    def __init__(self, path: Path, writer: _Connection, reader: _Connection) -> None:
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
        with _unavailable():
            with suppress(FileExistsError):  # a file in the folder's place is told of by the next line
                path.parent.mkdir(parents=True)
            # Says at once what is wrong with the file; a connection that fails leaves its thread behind for a
            # while.
            # Others on the machine do not read it; the files that SQLite keeps beside it take its mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY))
        async with _connect(path) as writer:
            with _unavailable():
                await _write_ahead(writer)
                # In WAL a killed process loses nothing; only a power cut may take the last commits, never the
                # file.
                await writer.execute_fetchall("PRAGMA synchronous = NORMAL")
                await writer.execute_fetchall("PRAGMA foreign_keys = ON")
                await writer.execute_fetchall("PRAGMA busy_timeout = 0")
                await writer.execute_fetchall(f"PRAGMA wal_autocheckpoint = {BACKSTOP_PAGES}")
            async with _connect(path) as reader:
                with _unavailable():
                    await reader.execute_fetchall("PRAGMA query_only = ON")
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
        partial = target.with_name(target.name + ".partial")
        partial.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _unavailable():
                os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))
                async with aiosqlite.connect(self.path) as source, aiosqlite.connect(partial) as copy:
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
        with _unavailable():
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
        self._attempts.progress()
        return result

    def _begin(self, effort: _Effort, connection: sqlite3.Connection) -> None:
        """Begin when no other process writes, unless it is given up before."""
        while True:
            effort.check()
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(TURN_SECONDS)
            else:
                self._attempts.progress()
                return

    def _look(self, work: Work[T], connection: sqlite3.Connection) -> T:
        with _unavailable():
            connection.execute("BEGIN")
            try:
                return self._done(work, connection)
            finally:
                connection.execute("ROLLBACK")

    def _done(self, work: Work[T], connection: sqlite3.Connection) -> T:
        return _finished(work(Transaction(self._queries, connection, partial(_script, connection))))

    async def _checkpoint(self) -> None:
        with _unavailable():
            await self._reader.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")


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


@asynccontextmanager
async def _connect(path: Path) -> AsyncIterator[_Connection]:
    # isolation_level None: transactions begin where we say so.
    connector = partial(sqlite3.connect, path, isolation_level=None, timeout=BUSY_SECONDS)
    connection = _Connection(connector, iter_chunk_size=ITERATED_ROWS)
    with _unavailable():
        await connection
    try:
        connection.row_factory = sqlite3.Row
        yield connection
    finally:
        await connection.close()


async def _write_ahead(connection: aiosqlite.Connection) -> None:
    """Switch to the write-ahead log; of two that do so at once SQLite refuses one without any waiting."""
    time = asyncio.get_running_loop().time
    until = time() + BUSY_SECONDS
    while True:
        try:
            await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time() >= until:
                raise
            await asyncio.sleep(TURN_SECONDS)
        else:
            return


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code, which says what happened; the rest of the number says where."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


class _unavailable:  # noqa: N801 - reads as the statement it is
    """Turn SQLite's refusals into the store's own error; a mistake in a query stays what it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            away = _code(error) != sqlite3.SQLITE_ERROR
        else:
            away = isinstance(error, OSError) or type(error) is sqlite3.DatabaseError
        if away:
            raise StoreUnavailable from error
