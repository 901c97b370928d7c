"""What the tables know of a person or a server is told whole, and erased whole, on every database."""

import json
import re
from datetime import timedelta

import pytest

from bot.anchor import Anchor
from bot.choices import Choices
from bot.domain import (
    Ending,
    Limit,
    Metric,
    Place,
    PredictionState,
    Request,
    Setting,
    Subject,
    Surroundings,
    Tokens,
    Window,
)
from bot.errors import LimitReached
from bot.ids import Ids
from bot.limits.resolve import identified
from bot.privacy import Privacy
from bot.retention import Retention
from bot.store import Store, Transaction
from bot.store.audit import Change, ChangeKind
from bot.store.counters import put_limit
from bot.store.privacy import HOLDS, departed
from bot.store.settings import change_setting, choices_reaching
from bot.store.usage_days import Figures, Part, Selection, Span, sums
from tests.limits.world import CHANNEL, GUILD, MODEL, START, World, limit, world
from tests.support.databases import Database

PERSON, OTHER_PERSON = 424_242_424_242, 535_353_535_353
SERVER = 878_787_878_787
PRIVATE_CHANNEL = 646_464_646_464
NAMING = re.compile(r"(^|_)id$|^(holds|name|value|value_before|value_after|token|request)$")
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
}
COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info('{table}')",
    "postgresql": "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'",
}


def kind(database: Database) -> str:
    return database.url.partition(":")[0]


async def tables(database: Database) -> list[str]:
    return [str(name) for (name,) in await database.select(TABLES[kind(database)])]


async def everything(database: Database) -> str:
    """All that is in all tables."""
    rows = []
    for table in await tables(database):
        found = await database.select(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
        rows += [f"{table}: {row}" for row in found]
    return "\n".join(rows)


async def test_every_column_that_may_name_somebody_is_known(database: Database) -> None:
    async with Store.open(database.url):
        found = set()
        for table in await tables(database):
            for (column,) in await database.select(COLUMNS[kind(database)].format(table=table)):
                if NAMING.search(str(column)):
                    found.add(f"{table}.{column}")
    assert found == HOLDS.keys()


async def used(
    opened: World, user: int, surroundings: Surroundings = Surroundings.GUILD, guild: int = GUILD
) -> Request:
    in_guild = surroundings is Surroundings.GUILD
    request = opened.request(
        user,
        guild=guild if in_guild else None,
        channel=CHANNEL if in_guild else PRIVATE_CHANNEL,
        surroundings=surroundings,
    )
    await opened.ledger.admit(request, MODEL, Tokens(5, 5))
    call = await opened.ledger.call(request.id, MODEL, Tokens(5, 5), {})
    await opened.ledger.created(call, "prediction")
    tokens = Tokens(10, 20)
    await opened.ledger.ended(call, PredictionState.SUCCEEDED, tokens, MODEL.cost(tokens))
    await opened.ledger.settle(request.id, Ending.DONE)
    return request


async def changed(opened: World, user: int, guild: int, setting: Setting, value: object) -> None:
    change = Change(
        Ids(opened.clock).new(),
        guild,
        user,
        opened.clock(),
        ChangeKind.SETTING,
        Place.GUILD,
        guild,
        setting.value,
        json.loads(json.dumps(value)),
    )
    await opened.store.write(lambda transaction: change_setting(transaction, change))


async def summed(opened: World, selection: Selection, part: Part = Part.MEMBER) -> dict[str, Figures]:
    span = Span(START - timedelta(days=3_000))
    return await opened.store.read(lambda transaction: sums(transaction, part, selection, span))


async def told(opened: World, user: int) -> list[dict[str, object]]:
    found = [chunk async for chunk in Privacy(opened.store, opened.clock).told(user)]
    return [json.loads(line) for line in b"".join(found).decode().splitlines()]


TWO_A_DAY = limit(2)


async def lived(opened: World) -> None:
    """A person has asked everywhere, was refused, and has changed something."""
    await used(opened, PERSON)
    await used(opened, PERSON, Surroundings.BOT_DM)
    with pytest.raises(LimitReached):
        await used(opened, PERSON)
    await used(opened, OTHER_PERSON)
    await changed(opened, PERSON, GUILD, Setting.PERSONA, "A heron.")


async def test_a_person_is_told_everything(database: Database) -> None:
    async with world(database, TWO_A_DAY) as opened:
        await lived(opened)
        lines = await told(opened, PERSON)
        assert [line["kind"] for line in lines] == ["request"] * 3 + ["refused", "counted", "changed"]
        assert [line.get("ending") for line in lines[:3]] == ["done", "done", "refused"]
        assert (lines[4]["metric"], lines[4]["used"]) == ("requests", 2)
        assert (lines[5]["name"], lines[5]["after"]) == ("persona", "A heron.")
        assert await told(opened, 3) == []


async def test_an_erased_person_is_nowhere(database: Database) -> None:
    async with world(database, TWO_A_DAY) as opened:
        await lived(opened)
        before = await summed(opened, Selection(GUILD))
        assert await Privacy(opened.store, opened.clock).erase(PERSON) == 3
        left = [line for line in (await everything(database)).splitlines() if str(PERSON) in line]
        # What the running limit has counted, and nothing else.
        assert [line.partition(":")[0] for line in left] == ["counters"]
        assert str(PRIVATE_CHANNEL) not in await everything(database)
        after = await summed(opened, Selection(GUILD))
        assert after == {"0": before[str(PERSON)], str(OTHER_PERSON): before[str(OTHER_PERSON)]}
        opened.clock.move(days=1)
        await Privacy(opened.store, opened.clock).erase(PERSON)
        assert str(PERSON) not in await everything(database)


async def test_erasing_gives_no_limit_back(database: Database) -> None:
    async with world(database, TWO_A_DAY) as opened:
        await lived(opened)
        await Privacy(opened.store, opened.clock).erase(PERSON)
        with pytest.raises(LimitReached):
            await used(opened, PERSON)


async def test_a_request_under_way_loses_its_person_when_it_settles(database: Database) -> None:
    spent = limit(10**9, Metric.TOKENS)
    async with world(database, spent) as opened:
        request = opened.request(PERSON)
        await opened.ledger.admit(request, MODEL, Tokens(5, 5))
        await Privacy(opened.store, opened.clock).erase(PERSON)
        call = await opened.ledger.call(request.id, MODEL, Tokens(50, 5), {})
        await opened.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(7, 7), 0)
        await opened.ledger.settle(request.id, Ending.DONE)
        left = [line for line in (await everything(database)).splitlines() if str(PERSON) in line]
        assert [line.partition(":")[0] for line in left] == ["counters"]
        # What was reserved became what was used.
        assert (await opened.counters())[f"user tokens day {PERSON}"] == 14
        assert await summed(opened, Selection(GUILD)) == {"0": Figures(1, 0, 7, 7, 0)}


async def test_what_is_asked_under_way_goes_with_the_person(database: Database) -> None:
    async with world(database) as opened:
        for person in (PERSON, OTHER_PERSON):
            await opened.ledger.admit(opened.request(person), MODEL, Tokens(5, 5), Anchor(1, 2))
        await Privacy(opened.store, opened.clock).erase(PERSON)
        kept = "SELECT CAST(COUNT(*) AS TEXT), CAST(COUNT(request) AS TEXT) FROM inflight"
        assert await database.select(kept) == [("2", "1")]


async def test_what_counts_answers_at_once_goes_with_the_person(database: Database) -> None:
    at_once = limit(3, Metric.CONCURRENT, Window.NOW)
    async with world(database, at_once) as opened:
        await used(opened, PERSON)
        await Privacy(opened.store, opened.clock).erase(PERSON)
        assert str(PERSON) not in await everything(database)
        under_way = await opened.admitted(PERSON)
        await Privacy(opened.store, opened.clock).erase(PERSON)
        assert (await opened.counters())[f"user concurrent now {PERSON}"] == 1
        await opened.ledger.settle(under_way.id, Ending.DONE)
        assert str(PERSON) not in await everything(database)


async def test_another_persons_data_is_not_touched(database: Database) -> None:
    async with world(database, TWO_A_DAY) as opened:
        await lived(opened)
        before = await told(opened, OTHER_PERSON)
        await Privacy(opened.store, opened.clock).erase(PERSON)
        assert await told(opened, OTHER_PERSON) == before


def retention(opened: World, records_days: int = 365, departed_days: int = 30) -> Retention:
    return Retention(opened.store, records_days, departed_days, opened.clock)


async def server_limits(opened: World, guild: int) -> None:
    made = identified(
        Limit(0, Place.GUILD, guild, Subject.USER, Metric.REQUESTS, Window.DAY, 1, guild_id=guild)
    )

    async def work(transaction: Transaction) -> None:
        await put_limit(transaction, made, opened.clock())

    await opened.store.write(work)


async def test_a_server_that_was_left_is_erased_after_its_time(database: Database) -> None:
    async with world(database, limit(100, subject=Subject.GUILD)) as opened:
        await server_limits(opened, SERVER)
        await changed(opened, 5, SERVER, Setting.PERSONA, "A heron.")
        await used(opened, PERSON, guild=SERVER)
        with pytest.raises(LimitReached):
            await used(opened, PERSON, guild=SERVER)
        await used(opened, PERSON)
        keeper = retention(opened)
        await keeper.left(SERVER)
        opened.clock.move(days=29)
        await keeper.left(SERVER)
        assert await keeper.erase_old() == 0
        opened.clock.move(days=2)
        assert await keeper.erase_old() == 2
        assert str(SERVER) not in await everything(database)
        assert await database.select("SELECT COUNT(*) FROM usage") == [(1,)]


async def test_a_server_that_took_the_bot_back_is_kept(database: Database) -> None:
    async with world(database) as opened:
        await used(opened, PERSON, guild=SERVER)
        keeper = retention(opened)
        await keeper.left(SERVER)
        await keeper.joined(SERVER)
        opened.clock.move(days=31)
        assert await keeper.erase_old() == 0


async def test_comings_and_goings_while_the_bot_was_away_are_found_out(database: Database) -> None:
    async with world(database) as opened:
        for guild in (SERVER, SERVER + 1, SERVER + 2):
            await used(opened, PERSON, guild=guild)
        keeper = retention(opened)
        await keeper.left(SERVER)
        opened.clock.move(seconds=1)
        # Of the two that are gone, one would be told of by another process.
        await keeper.compare([SERVER], lambda guild_id: guild_id != SERVER + 2)
        opened.clock.move(seconds=1)
        left = await opened.store.read(lambda transaction: departed(transaction, opened.clock()))
        assert left == (SERVER + 1,)


async def test_records_are_kept_as_long_as_the_operator_or_the_admins_want(database: Database) -> None:
    async with world(database) as opened:
        await changed(opened, 5, SERVER, Setting.RETENTION_DAYS, 40)
        await changed(opened, 5, SERVER + 1, Setting.RETENTION_DAYS, 400)
        for guild in (GUILD, SERVER, SERVER + 1):
            await used(opened, PERSON, guild=guild)
        await used(opened, PERSON, Surroundings.BOT_DM)
        keeper = retention(opened, 100)
        gone = []
        for days in (39, 2, 58, 2, 298, 2):
            opened.clock.move(days=days)
            gone.append(await keeper.erase_old())
        assert gone == [0, 1, 0, 2, 0, 1]
        assert await database.select("SELECT COUNT(*) FROM predictions") == [(0,)]
        # The sums stay, without the people; so does nothing of who changed what.
        assert (await summed(opened, Selection(), Part.COMMAND))["ask"].requests == 4
        assert await summed(opened, Selection()) == {
            "0": Figures(4, 0, 40, 80, 4 * MODEL.cost(Tokens(10, 20)))
        }
        assert await database.select("SELECT COUNT(*) FROM audit") == [(0,)]
        chosen = await opened.store.read(lambda transaction: choices_reaching(transaction, SERVER, 0))
        assert chosen.guild == Choices(retention_days=40)


async def test_an_open_request_is_never_dropped(database: Database) -> None:
    async with world(database) as opened:
        await opened.admitted(PERSON)
        opened.clock.move(days=400)
        assert await retention(opened).erase_old() == 0
