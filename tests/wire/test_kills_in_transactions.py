"""The process is killed inside one of its transactions, and started again: as if that had never begun."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.databases import PostgresDatabase, on_postgres, until
from tests.support.postgres import Server
from tests.wire.discord import DiscordStandIn
from tests.wire.outcomes import UNDER_WAY
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

GATE = 77
"""The lock that a transaction waits for where it is to be met."""
HOLD = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock({gate}); RETURN NULL; END $$;
CREATE TRIGGER held AFTER {write} FOR EACH ROW EXECUTE FUNCTION hold();
"""
WAITING = f"SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {GATE} AND NOT granted"  # noqa: S608
WRITES = (
    "INSERT ON predictions",
    "UPDATE OF provider_id ON predictions",
    "UPDATE OF messages ON inflight",
    "UPDATE OF ended_at ON predictions",
    "UPDATE OF state ON usage",
    "INSERT OR UPDATE ON usage_days",
    "DELETE ON inflight",
)
"""Of an answer's life, from its call to its end; the two before the last are one transaction."""

ADMISSION = ("INSERT ON usage", "INSERT OR UPDATE ON counters", "INSERT ON inflight")
"""Of the one transaction that an answer's life begins with."""
ON_RECORD = """SELECT (SELECT COUNT(*) FROM usage), (SELECT COUNT(*) FROM inflight),
    (SELECT COUNT(*) FROM predictions), (SELECT COUNT(*) FROM usage_days),
    (SELECT COALESCE(SUM(used), 0) FROM counters)"""
AGREE = """SELECT (SELECT SUM(used) FROM counters JOIN limits ON limits.id = limit_id
    WHERE subject = 'everyone' AND metric = 'cost') = (SELECT SUM(cost) FROM usage)"""


@asynccontextmanager
async def met(database: PostgresDatabase, write: str) -> AsyncIterator[None]:
    """Hold up whoever writes this, until the end; then let it go on, and hold up nobody any more."""
    other = await database.server.connect(database.name)
    try:
        await other.execute(f"SELECT pg_advisory_lock({GATE})")
        await database.execute(HOLD.format(gate=GATE, write=write))
        yield
        await other.execute(f"SELECT pg_advisory_unlock({GATE})")
        await database.execute(f"DROP TRIGGER held ON {write.rpartition(' ')[2]}")
    finally:
        await other.close()


@pytest.fixture
async def database(server: Server) -> AsyncIterator[PostgresDatabase]:
    async with on_postgres(server)() as database:
        assert isinstance(database, PostgresDatabase)
        yield database


@pytest.mark.parametrize("write", WRITES)
async def test_an_answer_whose_process_is_killed_inside_a_transaction_is_whole(
    standin: DiscordStandIn, replicate: ReplicateStandIn, database: PostgresDatabase, start: Start, write: str
) -> None:
    replicate.respond = lambda _: Script(tokens=["All ", "of it."])
    bot = await start(DATABASE_URL=database.url, LEASE_SECONDS="1.5")
    async with met(database, write):
        asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
        await until(database, WAITING, [(1,)])
        await bot.kill()
    again = await start(DATABASE_URL=database.url, LEASE_SECONDS="1.5")
    await standin.shown(asked, "-# meta")
    await until(database, UNDER_WAY, [(0,)])
    assert await again.end() == 0
    assert asked.text.count("All of it.") == asked.text.count("-# meta") == len(asked.messages) == 1
    assert len(replicate.creations) == 1
    used = "SELECT ending, input_tokens + output_tokens, counts FROM usage"
    assert await database.select(used) == [("done", 9, 1)]
    summed = "SELECT requests, input_tokens + output_tokens FROM usage_days WHERE kind = 'command'"
    assert await database.select(summed) == [(1, 9)]
    assert await database.select(AGREE) == [(True,)]


@pytest.mark.parametrize("write", ADMISSION)
async def test_a_request_whose_process_is_killed_before_it_is_admitted_costs_nothing(
    standin: DiscordStandIn, replicate: ReplicateStandIn, database: PostgresDatabase, start: Start, write: str
) -> None:
    replicate.respond = lambda _: Script(tokens=["All ", "of it."])
    bot = await start(DATABASE_URL=database.url, LEASE_SECONDS="1.5", USER_REQUESTS_PER_MINUTE="1")
    async with met(database, write):
        lost = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
        await until(database, WAITING, [(1,)])
        await bot.kill()
    assert await database.select(ON_RECORD) == [(0, 0, 0, 0, 0)]
    again = await start(DATABASE_URL=database.url, LEASE_SECONDS="1.5", USER_REQUESTS_PER_MINUTE="1")
    # The one that the person may ask in a minute was not used up.
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "and now?"})
    await standin.shown(asked, "-# meta")
    await until(database, UNDER_WAY, [(0,)])
    assert await again.end() == 0
    assert asked.text.count("All of it.") == len(asked.messages) == 1
    assert lost.text == ""
    assert len(replicate.creations) == 1
    assert await database.select("SELECT ending, counts FROM usage") == [("done", 1)]
    assert await database.select(AGREE) == [(True,)]
