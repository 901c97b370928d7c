"""The seam between the store and a database: named queries inside a transaction.

The SQL lives in ``sql/*.sql`` and is written once for every database; a driver brings the connections and
says what a transaction is there. Table modules beside this one give each query its types.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiosql

from bot.errors import ParlanceError
from bot.i18n import N_

SQL = Path(__file__).parent / "sql"
"""The named queries."""
PATIENCE_SECONDS = 2.0
"""Longest a transaction may take to be written; people wait for it."""

T = TypeVar("T")


class Row(Protocol):
    """A row as the drivers give it: columns by name."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 - what the column holds
        """Return one column."""


class StoreUnavailable(ParlanceError):
    """The database cannot be written or read now: locked, full, read-only or gone."""

    message = N_("I cannot reach my records right now. Please try again in a minute.")

    @property
    def reason(self) -> str:
        """What the operator is told of it."""
        cause = self.__cause__
        if cause is None or isinstance(cause, TimeoutError):
            return "it is locked, or does not answer in time"
        return reason_of(cause)


def reason_of(error: BaseException) -> str:
    """What an operator is told of an error that a database, its file or its server gave."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


class Transaction:
    """Named queries on one connection; everything they write stays, or nothing."""

    __slots__ = ("_connection", "_queries", "_run_script")

    def __init__(
        self,
        queries: Any,  # noqa: ANN401 - made at run time from the .sql files
        connection: object,
        run_script: Callable[[str], Awaitable[None]],
    ) -> None:
        self._queries = queries
        self._connection = connection
        self._run_script = run_script

    async def run(self, query: str, **values: object) -> None:
        """Run a query that only writes."""
        await getattr(self._queries, query)(self._connection, **values)

    async def row(self, query: str, **values: object) -> Row | None:
        """Return the one row of a query, or None."""
        row: Row | None = await getattr(self._queries, query)(self._connection, **values)
        return row

    async def rows(self, query: str, **values: object) -> Sequence[Row]:
        """Return all rows of a query."""
        return [row async for row in getattr(self._queries, query)(self._connection, **values)]

    async def script(self, statements: str) -> None:
        """Run statements that are no named query, such as a migration's."""
        await self._run_script(statements)


Work = Callable[[Transaction], Awaitable[T]]
"""What is done inside a transaction. It waits for nothing but its queries, and may be begun again from its
start after it was undone.
"""


@cache
def named_queries(adapter: type) -> Any:  # noqa: ANN401 - made at run time
    """Return the queries of the .sql files, run by an adapter of aiosql's. Read once: they keep nothing."""
    return aiosql.from_path(SQL, adapter, mandatory_parameters=False)


class Driver(Protocol):
    """A database: transactions that write one after the other, reads beside them, and copies of the whole."""

    async def write(self, work: Work[T], patience: float) -> T:
        """Run work in a transaction and commit it.

        Raises:
            StoreUnavailable: it could not be written, or none could for ``patience`` seconds; then nothing
                stays, unless the commit itself was under way. So what is written again later must be written
                idempotently.
        """

    async def read(self, work: Work[T]) -> T:
        """Run work that only reads, without holding up those that write.

        Raises:
            StoreUnavailable: it could not be read.
        """

    async def safeguard(self) -> Path | None:
        """Before a migration: copy the database where there are rows to lose; return where, or None."""

    async def backup(self, path: Path | None) -> Path:
        """Copy the database as it is, while it is used, to a new file; return where.

        Raises:
            ConfigError: this kind of database is copied with a tool of its own; says how.
        """

    async def close(self) -> None:
        """Release the connections."""
