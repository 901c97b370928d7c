"""Several processes on one database: together they never admit more than a limit leaves."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from threading import Barrier

import pytest

from bot.domain import (
    AskOptions,
    Command,
    Ending,
    Limit,
    Metric,
    PredictionState,
    Request,
    Scope,
    Setting,
    Subject,
    Surroundings,
    Tokens,
    Visibility,
    Window,
)
from bot.errors import LimitReached
from bot.ids import Ids, utc_now
from bot.limits import Ledger
from bot.store import Store
from tests.limits.world import BOUND, CHANNEL, GUILD, MODEL, limit, servers_limit, world
from tests.support.databases import SEAL, Database, Databases
from tests.support.processes import processes

PROCESSES, EACH = 4, 250
USERS = 7
ALLOWED = 100

BY_COUNT = limit(ALLOWED, subject=Subject.EVERYONE)
BY_COST = servers_limit(ALLOWED * MODEL.cost(BOUND) + 1, Metric.COST, Window.MONTH, Subject.EVERYONE)


def request(ids: Ids, user: int, now: datetime) -> Request:
    """One moment for all requests of a test, so that no window ends in the middle."""
    scope = Scope(Surroundings.GUILD, user, CHANNEL, GUILD)
    return Request(ids.new(), Command.ASK, scope, "", AskOptions(), "en-US", Visibility.PUBLIC, now)


async def rush(start: Barrier, url: str, now: datetime) -> int:
    """Ask for everything at once; return how many were admitted."""
    async with Store.open(url) as store, Ledger.open(store, SEAL) as ledger:
        ids = Ids()
        await asyncio.to_thread(start.wait)

        async def admitted(user: int) -> bool:
            asked = request(ids, user, now)
            try:
                await ledger.admit(asked, MODEL, BOUND)
            except LimitReached:
                return False
            call = await ledger.call(asked.id, MODEL, BOUND, {})
            await ledger.created(call, "abc")
            return True

        verdicts = await asyncio.gather(*(admitted(user % USERS) for user in range(EACH)))
        assert not ledger._journal.away
    return sum(verdicts)


def rush_here(start: Barrier, url: str, now: datetime) -> int:
    return asyncio.run(rush(start, url, now))


@pytest.mark.slow
async def test_processes_at_once_admit_exactly_what_a_limit_leaves(databases: Databases) -> None:
    with processes(PROCESSES) as crowd:
        for allowed in (BY_COUNT, BY_COST):
            async with databases() as database:
                async with world(database) as place:
                    await place.change_setting(Setting.NOTICES, CHANNEL)
                    if allowed is BY_COUNT:
                        await place.ledger.set_operator_limits([allowed])
                    else:
                        await place.set_limit(allowed)
                admitted = await crowd.each(rush_here, database.url, utc_now())
                assert sum(admitted) == ALLOWED
                assert await database.select(
                    "SELECT ending, COUNT(*), CAST(SUM(cost) AS BIGINT) FROM usage GROUP BY ending ORDER BY 1"
                ) == [
                    ("refused", USERS, 0),
                    ("shutdown", ALLOWED, ALLOWED * MODEL.cost(BOUND)),
                ]
                counted = await database.select("SELECT CAST(SUM(count) AS BIGINT) FROM refusals")
                assert counted == [(PROCESSES * EACH - ALLOWED,)]
                used = {BY_COUNT: ALLOWED, BY_COST: ALLOWED * MODEL.cost(BOUND)}[allowed]
                assert await database.select("SELECT used FROM counters") == [(used,)]
                told = await database.select("SELECT percent FROM notices")
                assert told == ([] if allowed is BY_COUNT else [(100,)])


@pytest.fixture
async def ledgers(database: Database) -> AsyncIterator[list[Ledger]]:
    """Three that know nothing of each other but the database."""
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(3):
            store = await stack.enter_async_context(Store.open(database.url))
            opened.append(await stack.enter_async_context(Ledger.open(store, SEAL)))
        yield opened


async def test_a_limit_set_while_others_ask_counts_everything(
    ledgers: list[Ledger], database: Database
) -> None:
    plenty = 10**15
    every = [
        limit(plenty),
        limit(plenty, Metric.TOKENS, Window.MONTH),
        limit(plenty, Metric.COST, Window.MONTH, Subject.EVERYONE),
        limit(plenty, Metric.CONCURRENT, Window.NOW, Subject.GUILD),
    ]
    chance = random.Random(7)
    ids, now = Ids(), utc_now()
    still_open: Counter[int] = Counter()
    asked: Counter[int] = Counter()

    async def ask(ledger: Ledger, user: int, *, ends: bool) -> None:
        one = request(ids, user, now)
        await ledger.admit(one, MODEL, BOUND)
        asked[user] += 1
        if not ends:
            still_open[user] += 1
            return
        call = await ledger.call(one.id, MODEL, Tokens(200, 600), {})
        await ledger.ended(call, PredictionState.SUCCEEDED, Tokens(3, 4), MODEL.cost(Tokens(3, 4)))
        await ledger.settle(one.id, Ending.DONE)

    async def change(ledger: Ledger) -> None:
        for _ in range(12):
            await ledger.set_operator_limits(chance.sample(every, chance.randrange(len(every))))

    await asyncio.gather(
        change(ledgers[0]),
        *(ask(chance.choice(ledgers), chance.randrange(3), ends=chance.random() < 0.7) for _ in range(120)),
    )
    await ledgers[0].set_operator_limits(every)
    for user in range(3):
        await ask(ledgers[1], user, ends=False)
    ended = asked - still_open
    for metric, window, subject, expected in (
        *((Metric.REQUESTS, Window.DAY, user, asked[user]) for user in range(3)),
        *((Metric.TOKENS, Window.MONTH, user, 7 * ended[user] + 500 * still_open[user]) for user in range(3)),
        (
            Metric.COST,
            Window.MONTH,
            0,
            MODEL.cost(Tokens(3, 4)) * ended.total() + MODEL.cost(BOUND) * still_open.total(),
        ),
        (Metric.CONCURRENT, Window.NOW, GUILD, still_open.total()),
    ):
        shown = await database.select(
            f"""SELECT used FROM counters c JOIN limits l ON l.id = c.limit_id
            WHERE l.metric = '{metric}' AND l."window" = '{window}' AND c.subject_id = {subject}"""  # noqa: S608
        )
        assert shown == [(expected,)], (metric, subject)


async def test_the_operators_limits_set_by_several_at_once_are_set_once(
    ledgers: list[Ledger], database: Database
) -> None:
    limits: list[Limit] = [limit(5), limit(7, Metric.COST, Window.MONTH, Subject.EVERYONE)]
    for _ in range(3):
        await asyncio.gather(*(ledger.set_operator_limits(limits) for ledger in ledgers))
    before = await database.select("SELECT * FROM limits ORDER BY id")
    assert len(before) == 2
    await ledgers[0].admit(request(Ids(), 1, utc_now()), MODEL, Tokens())
    await asyncio.gather(*(ledger.set_operator_limits(limits) for ledger in ledgers))
    assert await database.select("SELECT * FROM limits ORDER BY id") == before
    assert len(await database.select("SELECT * FROM counters")) == 2
