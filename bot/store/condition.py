"""What can be said of a database without changing it."""

from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryFile

from bot.store.driver import PATIENCE_SECONDS, Driver, StoreUnavailable, Transaction, reason_of
from bot.store.migrations import BOOKKEEPING, known_migrations
from bot.store.store import address_of, open_driver, unusable


class Condition(Enum):
    """How a database stands to this version of the bot."""

    ABSENT = auto()
    """Not there yet, or without tables, and can be made."""
    BEHIND = auto()
    CURRENT = auto()
    AHEAD = auto()
    """A newer version of the bot wrote it."""


async def condition(url: str) -> Condition:
    """Look at the database an address names, and try whether it can be written.

    Raises:
        ConfigError: the address cannot be used, or the database cannot be made, opened or written.
    """
    address = address_of(url)
    if isinstance(address, Path) and not address.exists():
        folder = next(parent for parent in address.absolute().parents if parent.exists())
        try:
            # Permissions alone do not tell: /proc and read-only disks have them, and take no file.
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise unusable(address, reason_of(error)) from error
        return Condition.ABSENT
    try:
        async with open_driver(address) as driver:
            applied = await _applied(driver)
    except StoreUnavailable as error:
        raise unusable(address, error.reason) from error
    if applied == 0:
        return Condition.ABSENT
    newest = known_migrations()[-1].number
    if applied == newest:
        return Condition.CURRENT
    return Condition.BEHIND if applied < newest else Condition.AHEAD


class _Undone(Exception):
    """Ends a transaction that is to leave nothing behind."""

    def __init__(self, applied: int) -> None:
        self.applied = applied


async def _applied(driver: Driver) -> int:
    """The number of the newest migration, asked in a transaction that writes and is rolled back."""

    async def work(transaction: Transaction) -> int:
        await transaction.script(BOOKKEEPING)
        await transaction.run("record_migration", number=0, name="", applied_at=0)
        row = await transaction.row("newest_migration")
        raise _Undone(0 if row is None else int(row["number"]))

    try:
        return await driver.write(work, PATIENCE_SECONDS)
    except _Undone as undone:
        return undone.applied
