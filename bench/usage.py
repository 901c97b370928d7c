"""What a report and an export of a million rows take, on each kind of database."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.admission import MANY, PEOPLE, SERVERS, fill
from bench.table import Row
from bot.files import in_parts
from bot.store import Store
from bot.store.migrations import known_migrations
from bot.store.usage_days import Selection
from bot.usage import By, Period, Reports, stretch
from bot.usage.export import Format, encoded, pages
from tests.support.databases import Databases, on_postgres, on_sqlite
from tests.support.postgres import running

ROUNDS = 9
SERVER = 3
PARTS = (By.MEMBER, By.CHANNEL, By.COMMAND, By.MODEL)
PART_BYTES = 10 * 1024 * 1024
"""What Discord takes in one file of a server without boosts."""
KIB_IN_MB = 1024 / 1e6


async def report_seconds(store: Store) -> float:
    """Median of what `/usage server` waits for, over all of the thirty days that there are."""
    taken = []
    for _ in range(ROUNDS):
        now = datetime.now(UTC)
        started = time.perf_counter()
        found = await Reports(store).of(Selection(SERVER), stretch(Period.DAYS, now, UTC), PARTS, now)
        taken.append(time.perf_counter() - started)
        assert found.total.requests > MANY / SERVERS / 2
    return statistics.median(taken)


async def measure(databases: Databases, kind: str) -> list[Row]:
    """Measure both in a database with a million rows."""
    [summing] = [each for each in known_migrations() if each.name.endswith("usage_days")]
    async with databases() as database:
        async with Store.open(database.url) as store:
            await fill(database, kind, MANY)
            await database.execute(
                "INSERT INTO usage_days " + summing.statements.partition("INSERT INTO usage_days")[2]
            )
            seconds = await report_seconds(store)
        exported = await asyncio.to_thread(exported_by_itself, database.url)
    of = f"{MANY:,} usage rows, {SERVERS} servers, {PEOPLE} people, {kind}"
    return [
        Row(f"/usage server, {kind}", seconds * 1000, "ms", 300, note=f"median of {ROUNDS}; {of}"),
        Row(f"memory of an export of all rows, {kind}", exported[0], "MB", 256, note=f"{exported[1]:.0f} s"),
    ]


def exported_by_itself(url: str) -> tuple[float, float]:
    """Export everything in a process of its own; return the most memory it had, in MB, and the seconds."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.usage", url], check=True, capture_output=True, text=True
    )
    memory, seconds = done.stdout.split()
    return float(memory), float(seconds)


async def export_all(url: str) -> float:
    """Write every row into files; return the seconds."""
    started = time.perf_counter()
    async with Store.open(url) as store:
        now = datetime.now(UTC)
        rows = pages(store, None, stretch(Period.YEAR, now, UTC).span)
        with tempfile.TemporaryDirectory() as folder:
            assert await in_parts(encoded(rows, Format.CSV), "usage.csv", Path(folder), PART_BYTES)
    return time.perf_counter() - started


def rows() -> list[Row]:
    """Measure on SQLite and on PostgreSQL, in folders of their own."""
    with tempfile.TemporaryDirectory() as name:
        table = asyncio.run(measure(on_sqlite(Path(name)), "SQLite"))
        with running(Path(name)) as server:
            table += asyncio.run(measure(on_postgres(server), "PostgreSQL"))
    return table


if __name__ == "__main__":
    taken = asyncio.run(export_all(sys.argv[1]))
    status = Path("/proc/self/status").read_text(encoding="ascii")
    most = int(status.partition("VmHWM:")[2].split()[0])
    print(most * KIB_IN_MB, taken)
