"""The store: opens the database an address names, keeps it migrated, and hands out transactions."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from bot.address import Address, PostgresAddress, located
from bot.errors import ConfigError
from bot.ids import Clock, utc_now
from bot.store.driver import PATIENCE_SECONDS, Driver, StoreUnavailable, T, Transaction, Work
from bot.store.migrations import Migration, known_migrations, migrate
from bot.store.rows import milliseconds
from bot.store.sqlite import SqliteDriver

log = logging.getLogger(__name__)


class Store:
    """Everything the bot remembers."""

    def __init__(self, driver: Driver, clock: Clock = utc_now, patience: float = PATIENCE_SECONDS) -> None:
        self._driver = driver
        self._clock = clock
        self._patience = patience

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        clock: Clock = utc_now,
        migrations: tuple[Migration, ...] | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> AsyncIterator["Store"]:
        """Open and migrate the database at ``sqlite:///path``, a plain path or ``postgresql://...``.

        Raises:
            ConfigError: the address cannot be used, the database cannot be opened or written, or a newer
                version wrote it.
        """
        address = address_of(url)
        async with AsyncExitStack() as stack:
            try:
                driver = await stack.enter_async_context(open_driver(address))
                backup = await migrate(driver, migrations or known_migrations(), clock)
            except StoreUnavailable as error:
                raise unusable(address, error.reason) from error
            if backup is not None:
                log.info("the database was backed up to %s before it was changed for this version", backup)
            yield cls(driver, clock, patience)

    async def write(self, work: Work[T]) -> T:
        """Run work in a transaction of its own: all of it stays or nothing, whatever happens to the caller.

        Raises:
            StoreUnavailable: it could not be written, or none could for as long as the store has patience.
                Should the commit have been under way just then, it stays: write again only what does nothing
                the second time.
        """
        return await self._driver.write(work, self._patience)

    async def read(self, work: Work[T]) -> T:
        """Run work that only reads, beside those that write.

        Raises:
            StoreUnavailable: it could not be read.
        """
        return await self._driver.read(work)

    async def backup(self, path: Path | None = None) -> Path:
        """Copy the database while it is in use; return the new file.

        By default it is made beside the database, with the time in its name.

        Raises:
            ConfigError: it is on PostgreSQL, which has a tool for it; says how that is called.
            FileExistsError: the file is there already.
            FileNotFoundError: the folder that it should be in is not.
            StoreUnavailable: the copy could not be made.
        """
        return await self._driver.backup(path)

    async def mark(self, name: str) -> str | None:
        """Return what was remembered under a name, such as the hash of the commands last synced."""

        async def work(transaction: Transaction) -> str | None:
            row = await transaction.row("mark", name=name)
            return None if row is None else str(row["value"])

        return await self.read(work)

    async def set_mark(self, name: str, value: str) -> None:
        """Remember a value under a name."""

        async def work(transaction: Transaction) -> None:
            await transaction.run("set_mark", name=name, value=value)

        await self.write(work)

    async def claim(self, name: str, seconds: float) -> bool:
        """Take a name for so long, unless another process has it; return whether that went well."""
        now = self._clock()

        async def work(transaction: Transaction) -> bool:
            row = await transaction.row("mark", name=_claim(name))
            if row is not None and int(row["value"]) > milliseconds(now):
                return False
            until = milliseconds(now + timedelta(seconds=seconds))
            await transaction.run("set_mark", name=_claim(name), value=str(until))
            return True

        return await self.write(work)

    async def release(self, name: str) -> None:
        """Give a name back that was taken here."""
        await self.set_mark(_claim(name), "0")


def _claim(name: str) -> str:
    """The mark that says, in milliseconds, until when a name is taken."""
    return f"claim:{name}"


def address_of(url: str) -> Address:
    """Return what an address names.

    Raises:
        ConfigError: nothing that the bot can use.
    """
    try:
        return located(url)
    except ValueError as error:
        raise ConfigError((f"DATABASE_URL: wants {error}.",)) from None


def open_driver(address: Address) -> AbstractAsyncContextManager[Driver]:
    """Return what opens the driver for a database."""
    if isinstance(address, PostgresAddress):
        # Its library is loaded where it is used.
        from bot.store.postgres import PostgresDriver

        return PostgresDriver.open(address)
    return SqliteDriver.open(address)


def unusable(address: Address, reason: str) -> ConfigError:
    """Return the fault to tell the operator when a database cannot be used, without its password."""
    return ConfigError((f"DATABASE_URL: {address} cannot be used as a database: {reason}.",))
