"""Numbered .sql files that bring a database to what this version knows.

Each is applied and recorded in one transaction.
"""

from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigError
from bot.ids import Clock
from bot.store.driver import Driver, Transaction
from bot.store.rows import milliseconds

FOLDER = Path(__file__).parent / "migrations"
MIGRATION_SECONDS = 30.0
"""How long a migration waits for a process that migrates the same database."""
BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS migrations (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: ``0001_begin.sql`` is number 1."""

    number: int
    name: str
    statements: str


def known_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations of a folder in their order."""
    paths = sorted(folder.glob("[0-9]*.sql"))
    return tuple(Migration(int(path.name[:4]), path.stem, path.read_text("utf-8")) for path in paths)


async def migrate(driver: Driver, known: tuple[Migration, ...], clock: Clock) -> Path | None:
    """Apply what is missing; return the backup made before, if any (see `Driver.safeguard`).

    Raises:
        ConfigError: a newer version of the bot wrote this database.
        StoreUnavailable: it could not be written.
    """
    applied = await driver.write(_begin, MIGRATION_SECONDS)
    newest = known[-1].number
    if applied > newest:
        fault = (
            f"DATABASE_URL: a newer version of the bot wrote this database (migration {applied}; this "
            f"version knows {newest}). Update the bot, or point DATABASE_URL at another database or a backup."
        )
        raise ConfigError((fault,))
    missing = [migration for migration in known if migration.number > applied]
    if not missing:
        return None
    backup = await driver.safeguard()
    for migration in missing:
        await _apply(driver, migration, clock)
    return backup


async def _begin(transaction: Transaction) -> int:
    """Return the number of the newest migration applied."""
    await transaction.script(BOOKKEEPING)
    row = await transaction.row("newest_migration")
    return 0 if row is None else int(row["number"])


async def _apply(driver: Driver, migration: Migration, clock: Clock) -> None:
    async def work(transaction: Transaction) -> None:
        if await _begin(transaction) >= migration.number:
            # Another process that starts just now was first.
            return
        await transaction.script(migration.statements)
        await transaction.run(
            "record_migration",
            number=migration.number,
            name=migration.name,
            applied_at=milliseconds(clock()),
        )

    await driver.write(work, MIGRATION_SECONDS)
