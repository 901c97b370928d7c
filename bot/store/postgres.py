"""PostgreSQL through asyncpg: one connection that writes, and a few that only read.

Transactions that write run one after the other, in all processes that share the database: each begins by
taking the same advisory lock, which ends with it. So a transaction sees all that was committed before it, as
on SQLite, and no two can undo or outrun each other: not where counters are taken from, not where a limit
that is new begins from what was used, not where two processes migrate. Little is lost by it, because almost
every request takes from the counters of the whole bot, whose rows only one transaction can hold at a time.

How long a statement may take, and how long a transaction may stand still, is told to the server with each
transaction: a process that stops in the middle loses its own, and holds up the others only for a moment.
Losing the server is no reason to start again: the next transaction connects anew.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter
from asyncpg.pool import PoolConnectionProxy

from bot.address import PostgresAddress
from bot.errors import ConfigError
from bot.store.attempts import Attempts
from bot.store.driver import Row, StoreUnavailable, T, Transaction, Work, named_queries

READERS: Final = 3
"""Most connections that read; there is one more, which writes."""
CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 30.0
"""Longest that a statement which only reads may take."""
CLOSE_SECONDS: Final = 2.0
WRITERS_LOCK: Final = 0x7061726C616E6365
"""The advisory lock of transactions that write: "parlance"."""

AWAY_CLASSES: Final = frozenset({"08", "28", "3D", "53", "55", "57", "58", "XX"})
AWAY: Final = frozenset({"25006", "25P03", "25P04", "42501"})
"""What PostgreSQL says (SQLSTATE, by class or whole) when it cannot be used as it is now: no connection, no
access, no such database, no room, locked, stopped, broken; read-only, stood still too long, not permitted.
"""
AGAIN: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
"""Undone through no fault of its own: something else that uses the database came in between, or changed a
table.
"""

BROKEN: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What can come of a connection that is lost. Where the server ends one just as a query begins, asyncpg takes
it for a fault of its own.
"""

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class _Adapter(AsyncPGAdapter):
    """Runs aiosql's queries on the transaction's connection."""

    async def select(
        self, conn: Connection, query_name: str, sql: str, parameters: object, _record_class: None = None
    ) -> AsyncIterator[Row]:
        for row in await conn.fetch(sql, *self.maybe_order_params(query_name, parameters)):
            yield row

    async def select_one(
        self, conn: Connection, query_name: str, sql: str, parameters: object, _record_class: None = None
    ) -> Row | None:
        row: Row | None = await conn.fetchrow(sql, *self.maybe_order_params(query_name, parameters))
        return row

    async def insert_update_delete(
        self, conn: Connection, query_name: str, sql: str, parameters: object
    ) -> None:
        await conn.execute(sql, *self.maybe_order_params(query_name, parameters))

    def maybe_order_params(self, query_name: str, parameters: object) -> Sequence[object]:
        """Return the values in their order. PostgreSQL's texts cannot hold the character NUL."""
        ordered = super().maybe_order_params(query_name, parameters)  # type: ignore[no-untyped-call] # aiosql's
        return [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in ordered]


class PostgresDriver:
    """A database on a PostgreSQL server."""

    def __init__(self, address: PostgresAddress, writer: Pool, readers: Pool) -> None:
        self.address = address
        self._writer = writer
        self._readers = readers
        self._queries = named_queries(_Adapter)
        self._attempts = Attempts()

    @classmethod
    @asynccontextmanager
    async def open(cls, address: PostgresAddress) -> AsyncIterator["PostgresDriver"]:
        """Use a database, which has to be there; the first transaction connects."""
        async with _pool(address, 1) as writer, _pool(address, READERS) as readers:
            driver = cls(address, writer, readers)
            try:
                yield driver
            finally:
                await driver.close()

    async def write(self, work: Work[T], patience: float) -> T:
        """See `Driver.write`."""
        task = self._attempts.start(self._commit(work, patience))
        return await self._attempts.outcome(task, patience, task.cancel)

    async def read(self, work: Work[T]) -> T:
        """See `Driver.read`."""
        return await asyncio.shield(self._attempts.start(self._look(work)))

    async def safeguard(self) -> Path | None:
        """See `Driver.safeguard`: there is no backup from here.

        A migration is one transaction, and one that fails leaves nothing of itself. Against one that goes
        well and is regretted stand the operator's own backups, made with PostgreSQL's tools: several
        processes of the bot may start at once, and none should wait for a person.
        """
        return None

    async def backup(self, _path: Path | None) -> Path:
        """See `Driver.backup`: PostgreSQL has a tool for it."""
        raise ConfigError((pg_dump(self.address),))

    async def close(self) -> None:
        """Wait for the transactions under way."""
        await self._attempts.ended()

    async def _commit(self, work: Work[T], patience: float) -> T:
        limit = round(patience * 1000)
        # One that stands still is ended by the server before those behind it lose their patience.
        begin = (
            f"BEGIN; SET LOCAL statement_timeout = {limit}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {limit // 2}; "
            f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})"
        )
        result = await self._transact(self._writer, begin, work, "COMMIT")
        self._attempts.progress()
        return result

    async def _look(self, work: Work[T]) -> T:
        begin = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
            f"SET LOCAL statement_timeout = {round(READ_SECONDS * 1000)}"
        )
        try:
            async with asyncio.timeout(READ_SECONDS + CONNECT_SECONDS):
                return await self._transact(self._readers, begin, work, "ROLLBACK")
        except TimeoutError as error:
            raise StoreUnavailable from error

    async def _transact(self, pool: Pool, begin: str, work: Work[T], end: str) -> T:
        while True:
            with suppress(*AGAIN):
                async with _lent(pool) as connection:
                    await connection.execute(begin)
                    self._attempts.progress()
                    result = await work(Transaction(self._queries, connection, partial(_script, connection)))
                    if await connection.execute(end) != end:
                        # PostgreSQL's answer to a commit after an error that the work did not let through.
                        raise RuntimeError("a transaction went on after one of its queries had failed")
                    return result


def pg_dump(address: PostgresAddress) -> str:
    """Say how a database is backed up, without its password."""
    return (
        "PostgreSQL is backed up with its own tool, also while the bot runs: "
        f"pg_dump --format=custom --file=parlance.dump '{address}'"
    )


async def _script(connection: Connection, statements: str) -> None:
    try:
        await connection.execute(statements)
    except asyncpg.PostgresError as error:
        # The database is not what the statements were written for.
        raise StoreUnavailable from error


@asynccontextmanager
async def _pool(address: PostgresAddress, size: int) -> AsyncIterator[Pool]:
    """Open what makes up to so many connections, each when it is needed."""
    pool = await asyncpg.create_pool(
        address.dsn,
        min_size=0,
        max_size=size,
        timeout=CONNECT_SECONDS,
        init=_prepare,
        # Whatever a transaction sets ends with it.
        reset=_nothing,
        server_settings={"application_name": "parlance"},
    )
    try:
        yield pool
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()


async def _prepare(connection: Any) -> None:  # noqa: ANN401 - what asyncpg hands out
    """Read numbers as SQLite gives them: the sum of whole ones is one."""
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
    )


async def _nothing(_connection: object) -> None:
    """Leave a connection as it is."""


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


@asynccontextmanager
async def _lent(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection for a transaction; one that is not in order afterwards is not used again."""
    try:
        connection = await pool.acquire()
    except (*BROKEN, ValueError) as error:
        raise StoreUnavailable from error
    try:
        yield connection
    except Exception as error:
        if is_away(error):
            _drop(connection)
            raise StoreUnavailable from error
        await _undo(connection)
        raise
    except BaseException:
        _drop(connection)
        raise
    finally:
        await pool.release(connection)


async def _undo(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK", timeout=CONNECT_SECONDS)
    except BROKEN:
        _drop(connection)


def _drop(connection: Connection) -> None:
    # One that was lost has left the pool already.
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


def is_away(error: BaseException) -> bool:
    """Whether the database refuses, or cannot be reached; a mistake in a query is something else.

    >>> [is_away(error()) for error in (asyncpg.DiskFullError, OSError, asyncpg.InternalClientError)]
    [True, True, True]
    >>> [is_away(error("")) for error in (asyncpg.UndefinedTableError, asyncpg.OutdatedSchemaCacheError)]
    [False, False]
    """
    if isinstance(error, AGAIN):
        return False
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state in AWAY or state[:2] in AWAY_CLASSES
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)
    return isinstance(error, (OSError, asyncpg.InternalClientError))
