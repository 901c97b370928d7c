"""What admission costs over few and many usage rows, and whether four processes at once overspend, on each
kind of database.
"""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.table import Row
from bot.anchor import Anchor
from bot.domain import (
    AskOptions,
    Command,
    Ending,
    Limit,
    Metric,
    Model,
    Place,
    Price,
    ProviderName,
    Request,
    Scope,
    Subject,
    Surroundings,
    Tokens,
    Visibility,
    Window,
)
from bot.errors import LimitReached
from bot.ids import Ids
from bot.limits import Ledger
from bot.store import Store
from tests.support.databases import SEAL, Database, Databases, on_postgres, on_sqlite
from tests.support.postgres import running

FEW, SOME, MANY = 1_000, 100_000, 1_000_000
PEOPLE, SERVERS = 500, 20
ROUNDS, ADMISSIONS = 9, 200
PROCESSES, REQUESTS = 4, 250
ADMITTED, BUDGETED = 100, 80
"""What the limits of the overspending test allow: of requests, and of the same requests by their cost."""
MODEL = Model("bench", ProviderName.REPLICATE, 8192, 2048, "max_tokens", price=Price(650, 2_750))
BOUND = Tokens(200, 500)
ANCHOR = Anchor(1, 1, "t" * 180, datetime(2026, 1, 1, tzinfo=UTC))
"""Of an answer to a command, which is put on record as under way."""
PLENTY = 10**15
SLOWEST_MS = 5

# Rows as they are after a while: spread over people, servers and the last thirty days, all settled.
FILL = """
INSERT INTO usage (id, user_id, guild_id, channel_id, surroundings, command, model, visibility, locale,
    asked_at, state, ending, input_tokens, output_tokens, cost, settled_at)
WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
SELECT i, i * 7919 % {people}, i * 104729 % {servers}, 1, 'guild', 'ask', 'bench', 'public', 'en-US',
    {now} - 2592000000 + i * 2592000000 / {rows}, 'settled', 'done', 200, 300, 955000, {now} FROM n
"""
INDEXES = {
    "SQLite": "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'usage' AND sql LIKE 'CREATE INDEX%'",
    "PostgreSQL": "SELECT indexname, indexdef FROM pg_indexes "
    "WHERE tablename = 'usage' AND indexdef LIKE 'CREATE INDEX%'",
}


def limit(metric: Metric, window: Window, subject: Subject, amount: int) -> Limit:
    """Return one of the operator's limits."""
    return Limit(0, Place.BOT, 0, subject, metric, window, amount)


FIVE = (
    limit(Metric.REQUESTS, Window.MINUTE, Subject.USER, PLENTY),
    limit(Metric.COST, Window.MONTH, Subject.USER, PLENTY),
    limit(Metric.REQUESTS, Window.MINUTE, Subject.GUILD, PLENTY),
    limit(Metric.COST, Window.MONTH, Subject.GUILD, PLENTY),
    limit(Metric.COST, Window.MONTH, Subject.EVERYONE, PLENTY),
)


def requests(ids: Ids) -> Iterator[Request]:
    """Make requests, each of the next person in turn."""
    number = 0
    while True:
        number += 1
        scope = Scope(Surroundings.GUILD, number * 7 % PEOPLE, 1, number % SERVERS)
        yield Request(
            ids.new(), Command.ASK, scope, "", AskOptions(), "en-US", Visibility.PUBLIC, datetime.now(UTC)
        )


@dataclass(slots=True)
class Measured:
    """A ledger over so many rows, and the seconds that each admission took, by rounds."""

    ledger: Ledger
    requests: Iterator[Request]
    rounds: list[list[float]]

    async def measure(self) -> None:
        """Admit, one request after the other; settle each outside of the measurement."""
        seconds = []
        for _ in range(ADMISSIONS):
            request = next(self.requests)
            started = time.perf_counter()
            await self.ledger.admit(request, MODEL, BOUND, ANCHOR)
            seconds.append(time.perf_counter() - started)
            await self.ledger.settle(request.id, Ending.STOPPED)
            await self.ledger.leases.closed(request.id)
        self.rounds.append(sorted(seconds))

    @property
    def typical(self) -> float:
        """Median admission of the median round, in ms."""
        return statistics.median(statistics.median(seconds) for seconds in self.rounds) * 1000

    @property
    def slow(self) -> float:
        """The 99th percentile of the quietest round, in ms."""
        return min(seconds[round(len(seconds) * 0.99) - 1] for seconds in self.rounds) * 1000


async def fill(database: Database, kind: str, count: int) -> None:
    """Write so many usage rows, without keeping up the indexes for each: that is much quicker."""
    now = int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000)
    indexes = await database.select(INDEXES[kind])
    await database.execute(";".join(f"DROP INDEX {name}" for name, _ in indexes))
    await database.execute(FILL.format(rows=count, people=PEOPLE, servers=SERVERS, now=now))
    await database.execute(";".join(str(create) for _, create in indexes))
    # What a database does by itself in time.
    await database.execute("ANALYZE usage")


async def filled(stack: AsyncExitStack, databases: Databases, kind: str, count: int) -> Measured:
    """Open a ledger over a database with so many usage rows."""
    database = await stack.enter_async_context(databases())
    store = await stack.enter_async_context(Store.open(database.url))
    await fill(database, kind, count)
    ledger = await stack.enter_async_context(Ledger.open(store, SEAL))
    await ledger.set_operator_limits(FIVE)
    measured = Measured(ledger, requests(Ids()), [])
    for _ in range(PEOPLE):
        # Each person's counters begin from the rows; this happens once for a limit that is new.
        request = next(measured.requests)
        await ledger.admit(request, MODEL, BOUND)
        await ledger.settle(request.id, Ending.STOPPED)
    return measured


async def admissions(databases: Databases, kind: str) -> list[Row]:
    """Measure admission over few and over many rows by turns, so that all see the same machine."""
    async with AsyncExitStack() as stack:
        measured = {count: await filled(stack, databases, kind, count) for count in (FEW, SOME, MANY)}
        for _ in range(ROUNDS):
            for each in measured.values():
                await each.measure()
    quiet = f"quietest of {ROUNDS} rounds of {ADMISSIONS}, five limits"
    bar = SLOWEST_MS if kind == "SQLite" else None
    few, many = measured[FEW].typical, measured[MANY].typical
    return [
        *(
            Row(f"admission, 99th percentile, {kind}, {count:,} usage rows", each.slow, "ms", bar, note=quiet)
            for count, each in measured.items()
        ),
        Row(
            f"admission, {kind}, {MANY:,} rows against {FEW:,}",
            many / few,
            "times",
            1.2,
            note=f"medians: {many:.2f} and {few:.2f} ms",
        ),
    ]


async def rush(url: str, start: "multiprocessing.synchronize.Barrier") -> int:
    """Ask for all of a process's requests at once; return how many were admitted."""
    async with Store.open(url) as store, Ledger.open(store, SEAL) as ledger:
        asked = requests(Ids())
        await asyncio.to_thread(start.wait, 30)

        async def admitted() -> bool:
            request = next(asked)
            try:
                await ledger.admit(request, MODEL, BOUND)
                call = await ledger.call(request.id, MODEL, BOUND, {})
                await ledger.created(call, "bench")
            except LimitReached:
                return False
            return True

        verdicts = await asyncio.gather(*(admitted() for _ in range(REQUESTS)))
    return sum(verdicts)


def rush_here(url: str, start: "multiprocessing.synchronize.Barrier") -> int:
    """Run one of the processes."""
    return asyncio.run(rush(url, start))


async def overspend(databases: Databases, allowed: Limit, expected: int) -> int:
    """Let the processes ask at once; return how many more were admitted than the limit allows."""
    async with databases() as database:
        async with Store.open(database.url) as store, Ledger.open(store, SEAL) as ledger:
            await ledger.set_operator_limits([allowed])
        context = multiprocessing.get_context("spawn")
        with context.Manager() as manager, context.Pool(PROCESSES) as pool:
            start = manager.Barrier(PROCESSES)
            arguments = [(database.url, start)] * PROCESSES
            admitted = await asyncio.to_thread(pool.starmap, rush_here, arguments)
    assert sum(admitted) >= expected, f"{sum(admitted)} were admitted, and {expected} could have been"
    return sum(admitted) - expected


async def measure(databases: Databases, kind: str) -> list[Row]:
    """Measure everything on one kind of database."""
    table = await admissions(databases, kind)
    by_count = limit(Metric.REQUESTS, Window.DAY, Subject.EVERYONE, ADMITTED)
    by_cost = limit(Metric.COST, Window.DAY, Subject.EVERYONE, BUDGETED * MODEL.cost(BOUND))
    crowd = f"{PROCESSES} processes, {PROCESSES * REQUESTS:,} requests at once"
    over = await overspend(databases, by_count, ADMITTED)
    table.append(Row(f"admitted over a limit of {ADMITTED}, {kind}", over, "requests", 0, note=crowd))
    over = await overspend(databases, by_cost, BUDGETED)
    table.append(Row(f"admitted over a budget for {BUDGETED}, {kind}", over, "requests", 0, note=crowd))
    return table


def rows() -> list[Row]:
    """Measure on SQLite and on PostgreSQL, in folders of their own."""
    with tempfile.TemporaryDirectory() as name:
        table = asyncio.run(measure(on_sqlite(Path(name)), "SQLite"))
        with running(Path(name)) as server:
            table += asyncio.run(measure(on_postgres(server), "PostgreSQL"))
    return table
