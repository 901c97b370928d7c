"""The database goes away in every way it can; people are served, and nothing is lost or counted twice."""

import asyncio
import logging
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.domain import (
    Ending,
    Limit,
    Metric,
    Place,
    PredictionState,
    Scope,
    Subject,
    Surroundings,
    Tokens,
    Window,
)
from bot.errors import LimitReached, Refused
from bot.limits import memory
from bot.limits.calls import Call
from bot.limits.entries import Level
from bot.limits.memory import Memory
from bot.limits.resolve import hold
from bot.store.rows import Amounts
from tests.limits.world import BOUND, GUILD, MODEL, OTHER, START, UNPRICED, USER, Faulty, World, limit, world
from tests.support.databases import Database, SqliteDatabase, on_postgres
from tests.support.postgres import Server

LIMITS = (
    limit(10),
    limit(600_000, Metric.COST, Window.MONTH),
    limit(10, Metric.CONCURRENT, Window.NOW, Subject.GUILD),
)


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database, *LIMITS, patience=0.3) as place:
        yield place


def reading(requests: int, cost: int, concurrent: int) -> dict[str, int]:
    return {
        f"user requests day {USER}": requests,
        f"user cost month {USER}": cost,
        f"server concurrent now {GUILD}": concurrent,
    }


def move(folder: Path, to: Path) -> None:
    """Move all files of a folder."""
    to.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.rename(to / file.name)


def copy(folder: Path, to: Path) -> None:
    """Copy all files of a folder."""
    shutil.copytree(folder, to, dirs_exist_ok=True)


async def whole_request(place: World) -> int:
    request = await place.admitted()
    call = await place.ledger.call(request.id, MODEL, BOUND, {})
    await place.ledger.created(call, "abc")
    await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(10, 20), 5_500)
    assert await place.ledger.settle(request.id, Ending.DONE, read={"messages": 3})
    assert not await place.ledger.settle(request.id, Ending.STOPPED)
    return request.id


async def test_locked_for_a_while(place: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with place.locked():
        first = await whole_request(place)
        second = await whole_request(place)
        assert await place.ledger.lookup.details(first) is None
    await place.caught_up()
    for request_id in (first, second):
        details = await place.ledger.lookup.details(request_id)
        assert details is not None
        assert (details.usage.ending, details.usage.cost) == (Ending.DONE, 5_500)
        assert details.usage.read == {"messages": 3}
        assert [row.provider_id for row in details.predictions] == ["abc"]
    assert await place.counters() == reading(2, 11_000, 0)
    said = [(record.levelno, record.message) for record in caplog.records]
    assert [level for level, _ in said] == [logging.ERROR, logging.INFO]
    assert said[0][1].startswith("the database cannot be written")
    assert said[1][1].startswith("the database can be written again")


async def test_read_only_for_a_while(place: World, caplog: pytest.LogCaptureFixture) -> None:
    await place.database.refuse_writes(place.store)
    request_id = await whole_request(place)
    assert re.search("the database cannot be written \\(.*read-?only", caplog.text)
    await place.database.accept_writes(place.store)
    await place.caught_up()
    assert await place.ledger.lookup.details(request_id) is not None
    assert await place.counters() == reading(1, 5_500, 0)


async def test_full_for_a_while(database: Database) -> None:
    async with world(database, limit(1_000)) as place:
        await place.database.run_full(place.store)
        admitted = []
        while not place.ledger._journal.away:
            admitted.append((await place.admitted()).id)
        await place.database.make_room(place.store)
        await place.caught_up()
        assert await place.database.select("SELECT id FROM usage ORDER BY id") == [(id_,) for id_ in admitted]
        assert await place.counters() == {f"user requests day {USER}": len(admitted)}


@pytest.mark.parametrize("back", [move, copy])
async def test_its_file_gone_for_a_while(
    tmp_path: Path, back: Callable[[Path, Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """On SQLite: a file that nobody finds again takes all that is written, as any other does."""
    here, away = tmp_path / "data", tmp_path / "away"
    database = SqliteDatabase(here / "parlance.db")
    async with world(database, *LIMITS) as place:
        first = await whole_request(place)
        begun = await place.admitted()
        call = await place.ledger.call(begun.id, MODEL, BOUND, {})
        move(here, away)
        await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(100, 10), 7_500)
        assert await place.ledger.settle(begun.id, Ending.DONE)
        second = await whole_request(place)
        assert place.ledger.kept == 7
        assert "the database cannot be written (No such file or directory)" in caplog.text
        assert list(here.iterdir()) == []
        back(away, here)
        await place.caught_up()
        third = await whole_request(place)
        assert await place.ledger.lookup.details(second) is not None
    assert await database.select("SELECT id, ending, cost FROM usage ORDER BY id") == [
        (first, "done", 5_500),
        (begun.id, "done", 7_500),
        (second, "done", 5_500),
        (third, "done", 5_500),
    ]
    assert await database.select("SELECT COUNT(*) FROM predictions") == [(4,)]
    assert await place.counters() == reading(4, 24_000, 0)


async def test_gone_in_the_middle_of_an_answer(place: World) -> None:
    request = await place.admitted()
    call = await place.ledger.call(request.id, MODEL, BOUND, {})
    async with place.locked():
        # Nothing is said of what many calls may need: each is looked at by itself.
        await place.ledger.reserve(request.id, MODEL, Tokens(0, 10_000))
        await place.ledger.created(call, "abc")
        await place.ledger.reserve(request.id, MODEL, Tokens(0, 10_000))
        await place.ledger.ended(call, PredictionState.CANCELED, Tokens(100, 10), 7_500)
        again = await place.ledger.call(request.id, MODEL, BOUND, {})
        await place.ledger.ended(again, PredictionState.SUCCEEDED, Tokens(1, 1), 300)
        with pytest.raises(LimitReached) as caught:
            await place.ledger.call(request.id, MODEL, Tokens(0, 10_000), {})
        assert caught.value.limit.metric is Metric.COST
        verdicts = await asyncio.gather(
            place.ledger.settle(request.id, Ending.STOPPED), place.ledger.settle(request.id, Ending.DONE)
        )
        assert sorted(verdicts) == [False, True]
    await place.caught_up()
    details = await place.ledger.lookup.details(request.id)
    assert details is not None
    assert (details.usage.tokens, details.usage.cost) == (Tokens(101, 11), 7_800)
    assert details.usage.ending is (Ending.STOPPED if verdicts[0] else Ending.DONE)
    assert await place.counters() == reading(1, 7_800, 0)


async def test_its_server_starts_anew_in_the_middle_of_an_answer(server: Server) -> None:
    async with on_postgres(server)() as database, world(database, *LIMITS) as place:
        request = await place.admitted()
        call = await place.ledger.call(request.id, MODEL, BOUND, {})
        server.stop()
        await place.ledger.created(call, "abc")
        await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(100, 10), 7_500)
        again = await whole_request(place)
        server.launch()
        assert await server.answers()
        await place.caught_up()
        assert await place.ledger.settle(request.id, Ending.DONE)
        assert await place.database.select("SELECT id, ending, cost FROM usage ORDER BY id") == [
            (request.id, "done", 7_500),
            (again, "done", 5_500),
        ]
        assert await place.counters() == reading(2, 13_000, 0)


async def test_settled_twice_while_it_goes_away(place: World) -> None:
    request = await place.admitted()
    async with place.locked():
        verdicts = await asyncio.gather(
            place.ledger.settle(request.id, Ending.STOPPED), place.ledger.settle(request.id, Ending.DONE)
        )
    assert sorted(verdicts) == [False, True]
    await place.caught_up()
    assert await place.counters() == reading(1, 0, 0)


@pytest.fixture
async def late(database: Database) -> AsyncIterator[World]:
    """A store whose commits come through after everybody has given them up."""
    async with world(database, *LIMITS, kind=Faulty) as place:
        assert isinstance(place.store, Faulty)
        place.store.unheard = True
        yield place
        place.store.unheard = False


async def come_back(place: World) -> None:
    assert isinstance(place.store, Faulty)
    place.store.unheard = False
    await place.caught_up()


async def test_what_was_given_up_and_written_all_the_same_counts_once(late: World) -> None:
    request_id = await whole_request(late)
    still_open = await late.admitted()
    await late.ledger.call(still_open.id, MODEL, Tokens(200, 500), {})
    await come_back(late)
    assert await late.counters() == reading(2, 5_500 + 135_000, 1)
    details = await late.ledger.lookup.details(request_id)
    assert details is not None
    assert details.usage.ending is Ending.DONE


async def test_what_another_settled_after_it_was_kept_is_not_settled_again(place: World) -> None:
    request = await place.admitted()
    settling = asyncio.create_task(place.ledger.settle(request.id, Ending.DONE))
    await asyncio.sleep(0)
    # What a settlement does that has run out of patience, while this one comes through.
    assert place.ledger._memory.close(request.id, None)
    assert not await settling


async def test_a_request_of_another_process_is_not_settled_while_away(place: World) -> None:
    async with place.locked():
        await place.admitted()
        assert not await place.ledger.settle(999, Ending.DONE)
        await place.ledger.ended(998, PredictionState.FAILED, Tokens(), 0)
    await place.caught_up()


class TestAllowance:
    async def test_is_bounded_for_a_person(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "USER_ALLOWANCE", 3)
        async with world(database, patience=0.3) as place:
            async with place.locked():
                for _ in range(3):
                    await place.admitted()
                with pytest.raises(Refused) as caught:
                    await place.admitted()
                assert "records" in caught.value.message
                await place.admitted(OTHER)
            await place.caught_up()
            await place.admitted()
        assert await place.database.select("SELECT COUNT(*) FROM usage WHERE ending = 'refused'") == [(1,)]

    async def test_is_bounded_in_all_and_new_in_the_next_outage(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memory, "TOTAL_ALLOWANCE", 4)
        async with world(database, patience=0.3) as place:
            for _ in range(2):
                async with place.locked():
                    for user in range(4):
                        await place.admitted(user)
                    for user in range(4, 10):
                        with pytest.raises(Refused):
                            await place.admitted(user)
                await place.caught_up()
        assert await place.database.select("SELECT COUNT(*) FROM usage WHERE ending = 'refused'") == [(8,)]

    async def test_is_under_the_limits_as_they_were_last_seen(self, place: World) -> None:
        for _ in range(8):
            request = await place.admitted()
            await place.ledger.settle(request.id, Ending.STOPPED)
        async with place.locked():
            await place.admitted()
            await place.admitted()
            with pytest.raises(LimitReached) as caught:
                await place.admitted()
            assert (caught.value.limit.metric, caught.value.used) == (Metric.REQUESTS, 10)
        await place.caught_up()
        assert (await place.counters())[f"user requests day {USER}"] == 10

    async def test_gives_back_what_was_not_used(self, place: World) -> None:
        async with place.locked():
            for _ in range(12):
                request = await place.admitted()
                await place.ledger.settle(request.id, Ending.FAILED)
        await place.caught_up()
        assert await place.counters() == reading(0, 0, 0)

    async def test_needs_a_price_where_a_budget_applies(self, place: World) -> None:
        async with place.locked():
            await place.admitted()
            with pytest.raises(Refused):
                await place.ledger.admit(place.request(), UNPRICED, BOUND)

    def test_remembers_a_bounded_number_of_counters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memory, "SEEN_COUNTERS", 2)
        seen = Memory()
        found = Limit(1, Place.BOT, 0, Subject.USER, Metric.REQUESTS, Window.DAY, 5)
        holds = [hold(found, Scope(Surroundings.BOT_DM, user, 3), START) for user in range(3)]
        for held in holds:
            seen.saw([Level(found, held, 1, 4)])
        levels = seen.levels(((held, found) for held in holds), Amounts(requests=1))
        assert [level.used for level in levels] == [1, 5, 5]


class TestJournal:
    async def test_an_entry_that_can_never_be_written_does_not_hold_up_the_rest(
        self, place: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        request = await place.admitted()
        async with place.locked():
            place.ledger._journal.keep(Call(1, 404, MODEL, Amounts(), Amounts(), {}, START))
            await place.ledger.settle(request.id, Ending.DONE)
        await place.caught_up()
        assert "cannot be written and is dropped: Call(id=1" in caplog.text
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        assert details.usage.ending is Ending.DONE

    async def test_closing_writes_what_is_kept(self, database: Database) -> None:
        async with world(database, *LIMITS, patience=0.3) as place, place.locked():
            request = await place.admitted()
        assert await place.database.select("SELECT id, ending FROM usage") == [(request.id, "shutdown")]

    async def test_closing_says_what_is_lost_without_anyones_words(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with world(database, *LIMITS) as place:
            await place.database.refuse_writes(place.store)
            request = await place.admitted()
        assert "lost, because the database could not be written: Admission(" in caplog.text
        assert f"id={request.id}" in caplog.text
        assert "nobody" not in caplog.text
        assert await place.database.select("SELECT id FROM usage") == []
