"""A SQLite connection in a thread of its own, to the file that is at a path now.

A file that is deleted or replaced while it is open takes all that is written, and nobody finds it again. So
each turn looks first whether the file at the path is the one that is open. Where there is none, none is made:
what is asked for fails until one is back. Where it is another one, a backup, say, it is opened in its place.
"""

import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from pathlib import Path

import aiosqlite

from bot.store.driver import StoreUnavailable, T
from bot.store.migrations import known_migrations

log = logging.getLogger(__name__)

BUSY_SECONDS = 1.8
"""How long a statement waits for another process, outside of transactions that write."""
STILL_SECONDS = 1.0
"""How long a file that came in the place of another has to be still before it is opened: it, or the log that
belongs to it, may have been copied only in part."""
ITERATED_ROWS = 64
"""Rows aiosqlite's own cursors fetch at once, its default; queries here fetch all."""

Identity = tuple[int, int]
"""Device and inode: what a file keeps when it is moved, and shares with no other while it is open."""


class DatabaseFile:
    """The file at a path, as all the connections know it that one driver has to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._taken: Identity | None = None

    def identity(self) -> Identity:
        """Return which file is at the path.

        Raises:
            OSError: none is.
        """
        return _identity(self.path)

    def beside(self) -> Iterator[Path]:
        """Return the write-ahead log and its index, where they are."""
        return filter(Path.exists, (Path(f"{self.path}{suffix}") for suffix in ("-wal", "-shm")))

    def require_still(self) -> None:
        """See that a file is not being copied to the path just now, unless it was taken before.

        Raises:
            OSError: it may be.
        """
        if self.identity() != self._taken and time.time() - self.path.stat().st_ctime < STILL_SECONDS:
            raise FileNotFoundError("another file is being put in its place")

    def take(self, identity: Identity) -> None:
        """Remember a file that was opened in another's place; the first time, tell of it."""
        if identity != self._taken:
            self._taken = identity
            log.warning("another file was put in the place of %s: going on with what is in it", self.path)


class Connection(aiosqlite.Connection):
    """A connection whose thread also runs functions of ours, each on the file that is at the path."""

    def __init__(self, file: DatabaseFile, prepare: Callable[[sqlite3.Connection], None]) -> None:
        super().__init__(self._first, iter_chunk_size=ITERATED_ROWS)
        self._file = file
        self._prepare = prepare
        self._opened: Identity | None = None
        self._beside: frozenset[Identity] = frozenset()

    async def turn(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the connection's thread, in its turn.

        Raises:
            StoreUnavailable: no file is at the path, or one that cannot be used.
        """
        result: T = await self._execute(  # type: ignore[no-untyped-call] # aiosqlite types only its own calls
            copy_context().run, self._run, function
        )
        return result

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Make a connection that was just opened ready for use, in the connection's thread."""
        self._prepare(connection)
        self._beside = frozenset(_identity(file) for file in self._file.beside())

    def check(self) -> None:
        """See that the open file is still the one at the path, in the connection's thread.

        Raises:
            StoreUnavailable: it is not, so that what was written last may be lost.
        """
        with unavailable():
            if self._file.identity() != self._opened:
                raise FileNotFoundError("another file was put in its place")

    def _run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        with unavailable():
            if self._file.identity() != self._opened:
                self._reopen()
        return function(self._conn)

    def _first(self) -> sqlite3.Connection:
        connection, self._opened = self._open()
        return connection

    def _open(self) -> tuple[sqlite3.Connection, Identity]:
        identity = self._file.identity()
        connection = sqlite3.connect(
            without_making(self._file.path),
            uri=True,
            # Transactions begin where we say so.
            isolation_level=None,
            timeout=BUSY_SECONDS,
        )
        connection.row_factory = sqlite3.Row
        if self._file.identity() != identity:
            connection.close()
            raise FileNotFoundError("another file was put in its place just now")
        return connection, identity

    def _reopen(self) -> None:
        """Go on with the file that is at the path, and leave the one that was open whole."""
        self._file.require_still()
        lost = self._conn
        with suppress(sqlite3.Error):
            lost.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        for file in self._file.beside():
            # SQLite would take the log of the file that was here for that of the one that is.
            if _identity(file) in self._beside:
                file.unlink(missing_ok=True)
        connection, identity = self._open()
        try:
            # Before anything is written to it.
            _require_current(connection)
            self.prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, identity
        lost.close()
        self._file.take(identity)


@asynccontextmanager
async def connected(
    file: DatabaseFile, prepare: Callable[[sqlite3.Connection], None]
) -> AsyncIterator[Connection]:
    """Connect to the file at a path; ``prepare`` is run whenever one was opened, and reads something, by
    which the write-ahead log is opened as well.

    Raises:
        StoreUnavailable: there is none, or it is no database.
    """
    connection = Connection(file, prepare)
    with unavailable():
        await connection
    try:
        with unavailable():
            await connection.turn(connection.prepare)
        yield connection
    finally:
        await connection.close()


def without_making(path: Path) -> str:
    """Return the address by which SQLite opens a file that is there, and makes none where it is not."""
    return f"{path.absolute().as_uri()}?mode=rw"


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary code, which says what happened; the rest of the number says where."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


class unavailable:  # noqa: N801 - reads as the statement it is
    """Turn SQLite's refusals into the store's own error; a mistake in a query stays what it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError):
            away = code_of(error) != sqlite3.SQLITE_ERROR
        else:
            away = isinstance(error, OSError) or type(error) is sqlite3.DatabaseError
        if away:
            raise StoreUnavailable from error


def _identity(path: Path) -> Identity:
    found = path.stat()
    return found.st_dev, found.st_ino


def _require_current(connection: sqlite3.Connection) -> None:
    """See that a file holds what this version of the bot writes to: migrations wait for a start."""
    try:
        ((newest,),) = connection.execute("SELECT MAX(number) FROM migrations").fetchall()
    except sqlite3.OperationalError as error:
        if code_of(error) != sqlite3.SQLITE_ERROR:
            raise
        # It has no such table: it is empty, or another program's.
        newest = None
    if newest != known_migrations()[-1].number:
        raise FileNotFoundError("the file in its place is not a database of this version of the bot")
