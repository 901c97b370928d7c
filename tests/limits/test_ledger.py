"""The account of requests, on real databases of every kind."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from bot.domain import (
    Command,
    Ending,
    Limit,
    Metric,
    Place,
    PredictionState,
    Subject,
    Surroundings,
    Tokens,
    Window,
)
from bot.errors import LimitReached, Refused
from bot.limits import Ledger
from bot.limits.entries import PlaceLimits
from bot.limits.resolve import identified
from bot.store import Store
from tests.limits.world import BOUND, CHANNEL, GUILD, MODEL, OTHER, START, UNPRICED, USER, World, limit, world
from tests.support.databases import SEAL, Database
from tests.support.processes import processes

ALL = (
    limit(10),
    limit(10_000, Metric.TOKENS),
    limit(10_000_000, Metric.COST, Window.MONTH),
    limit(20_000_000, Metric.COST, Window.MONTH, Subject.GUILD),
    limit(3, Metric.CONCURRENT, Window.NOW),
)


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database, *ALL) as place:
        yield place


def reading(requests: int, tokens: int, cost: int, concurrent: int, user: int = USER) -> dict[str, int]:
    return {
        f"user requests day {user}": requests,
        f"user tokens day {user}": tokens,
        f"user cost month {user}": cost,
        f"server cost month {GUILD}": cost,
        f"user concurrent now {user}": concurrent,
    }


class TestAdmit:
    async def test_writes_the_open_row_and_takes_the_bound(self, place: World) -> None:
        request = await place.admitted()
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        usage = details.usage
        assert (usage.user_id, usage.guild_id, usage.channel_id, usage.command) == (
            USER,
            GUILD,
            CHANNEL,
            Command.ASK,
        )
        assert usage.is_open
        assert (usage.asked_at, usage.model, usage.locale) == (START, "small", "en-US")
        assert (usage.reserved_tokens, usage.reserved_cost, details.predictions) == (500, 105_000, ())
        assert await place.counters() == reading(1, 500, 105_000, 1)

    async def test_refuses_past_a_limit_and_takes_nothing(self, place: World) -> None:
        for _ in range(3):
            await place.admitted()
        before = await place.counters()
        request = place.request()
        with pytest.raises(LimitReached) as caught:
            await place.ledger.admit(request, MODEL, BOUND)
        assert (caught.value.limit.metric, caught.value.used, caught.value.resets_at) == (
            Metric.CONCURRENT,
            3,
            None,
        )
        assert await place.counters() == before
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        assert (details.usage.ending, details.usage.error, details.usage.cost) == (
            Ending.REFUSED,
            "LimitReached",
            0,
        )
        assert not await place.ledger.settle(request.id, Ending.FAILED)

    async def test_says_the_limit_that_takes_longest_to_reset(self, database: Database) -> None:
        async with world(database, limit(1, window=Window.MINUTE), limit(1, window=Window.MONTH)) as place:
            await place.admitted()
            with pytest.raises(LimitReached) as caught:
                await place.admitted()
            assert caught.value.resets_at == datetime(2026, 6, 1, tzinfo=UTC)
            assert caught.value.used == 1

    async def test_limits_of_the_next_window_are_fresh(self, database: Database) -> None:
        async with world(database, limit(1, window=Window.MINUTE)) as place:
            await place.admitted()
            place.clock.move(seconds=60)
            await place.admitted()

    async def test_counts_people_by_themselves(self, database: Database) -> None:
        async with world(database, limit(1)) as place:
            await place.admitted(USER)
            await place.admitted(OTHER)

    async def test_what_takes_nothing_from_a_limit_is_not_held_by_it(self, database: Database) -> None:
        async with world(database, limit(0, Metric.COST)) as place:
            await place.ledger.admit(place.request(), MODEL, Tokens())
            with pytest.raises(LimitReached):
                await place.admitted()

    async def test_in_direct_messages_servers_have_no_say(self, database: Database) -> None:
        async with world(database, limit(0, subject=Subject.GUILD)) as place:
            request = place.request(guild=None, surroundings=Surroundings.BOT_DM)
            await place.ledger.admit(request, MODEL, BOUND)
            with pytest.raises(LimitReached):
                await place.admitted()

    async def test_refuses_a_model_without_a_price_where_a_budget_applies(self, place: World) -> None:
        request = place.request()
        with pytest.raises(Refused) as caught:
            await place.ledger.admit(request, UNPRICED, BOUND)
        assert caught.value.fields == {"model": "unknown"}
        assert not isinstance(caught.value, LimitReached)
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        assert details.usage.error == "Refused"

    async def test_a_model_without_a_price_is_fine_without_a_budget(self, database: Database) -> None:
        async with world(database, limit(1)) as place:
            await place.ledger.admit(place.request(), UNPRICED, BOUND)

    async def test_a_second_time_does_nothing(self, place: World) -> None:
        request = await place.admitted()
        await place.ledger.admit(request, MODEL, BOUND)
        assert await place.counters() == reading(1, 500, 105_000, 1)

    async def test_many_at_once_are_admitted_exactly(self, database: Database) -> None:
        async with world(database, limit(7)) as place:
            verdicts = await asyncio.gather(*(place.admitted() for _ in range(30)), return_exceptions=True)
            assert sum(isinstance(verdict, LimitReached) for verdict in verdicts) == 23

    async def test_a_servers_own_limits_hold_in_its_channels(self, database: Database) -> None:
        async with world(database) as place:
            channel = identified(
                Limit(0, Place.CHANNEL, CHANNEL, Subject.EVERYONE, Metric.REQUESTS, Window.DAY, 1)
            )
            await place.store.write(PlaceLimits(Place.CHANNEL, CHANNEL, (channel,), START).write)
            await place.admitted(USER)
            await place.ledger.admit(place.request(OTHER, channel=CHANNEL + 1), MODEL, BOUND)
            with pytest.raises(LimitReached) as caught:
                await place.admitted(OTHER)
            assert caught.value.limit == channel

    async def test_nothing_a_person_wrote_is_stored(self, place: World) -> None:
        await place.admitted()
        assert "nobody" not in repr(await place.database.select("SELECT * FROM usage"))


class TestCall:
    async def test_a_call_within_the_reservation_raises_nothing(self, place: World) -> None:
        request = await place.admitted()
        call = await place.ledger.call(
            request.id, MODEL, Tokens(100, 100), {"max_tokens": 100, "temperature": 0.5}
        )
        await place.ledger.created(call, "abc")
        await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(90, 10), 7_000)
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        (row,) = details.predictions
        assert (row.id, row.provider_id, row.state, row.tokens) == (
            call,
            "abc",
            PredictionState.SUCCEEDED,
            Tokens(90, 10),
        )
        assert (row.cost, row.settings) == (7_000, {"max_tokens": 100, "temperature": 0.5})
        assert await place.counters() == reading(1, 500, 105_000, 1)

    async def test_calls_that_need_more_raise_the_reservation(self, place: World) -> None:
        request = await place.admitted()
        first = await place.ledger.call(request.id, MODEL, Tokens(100, 400), {})
        await place.ledger.ended(first, PredictionState.SUCCEEDED, Tokens(100, 100), 30_000)
        await place.ledger.call(request.id, MODEL, Tokens(100, 400), {})
        assert await place.counters() == reading(1, 700, 135_000, 1)
        await place.ledger.call(request.id, MODEL, Tokens(0, 100), {})
        assert await place.counters() == reading(1, 800, 160_000, 1)

    async def test_calls_made_at_once_are_both_reserved_for(self, place: World) -> None:
        request = await place.admitted()
        await asyncio.gather(*(place.ledger.call(request.id, MODEL, BOUND, {}) for _ in range(3)))
        assert await place.counters() == reading(1, 1_500, 315_000, 1)

    async def test_a_call_past_a_limit_is_refused_and_takes_nothing(self, place: World) -> None:
        request = await place.admitted()
        with pytest.raises(LimitReached) as caught:
            await place.ledger.call(request.id, MODEL, Tokens(9_000, 1_001), {})
        # What it holds for itself is not used yet.
        assert (caught.value.limit.metric, caught.value.used) == (Metric.TOKENS, 0)
        assert await place.counters() == reading(1, 500, 105_000, 1)
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        assert details.predictions == ()
        await place.ledger.call(request.id, MODEL, BOUND, {})
        assert await place.counters() == reading(1, 500, 105_000, 1)

    async def test_of_calls_at_once_some_are_refused_by_what_was_used_before(self, place: World) -> None:
        other = await place.admitted()
        first = await place.ledger.call(other.id, MODEL, BOUND, {})
        await place.ledger.ended(first, PredictionState.SUCCEEDED, BOUND, MODEL.cost(BOUND))
        await place.ledger.settle(other.id, Ending.DONE)
        request = await place.admitted()
        part = await place.ledger.call(request.id, MODEL, Tokens(30, 20), {})
        await place.ledger.ended(part, PredictionState.SUCCEEDED, Tokens(30, 20), MODEL.cost(Tokens(30, 20)))
        calls = (place.ledger.call(request.id, MODEL, Tokens(2_000, 2_000), {}) for _ in range(4))
        found = await asyncio.gather(*calls, return_exceptions=True)
        refused = [each for each in found if isinstance(each, LimitReached)]
        assert [each.used for each in refused] == [550, 550]

    async def test_several_are_reserved_for_before_the_first(self, place: World) -> None:
        request = await place.admitted()
        await place.ledger.reserve(request.id, MODEL, Tokens(400, 1_600))
        assert await place.counters() == reading(1, 2_000, 420_000, 1)
        for _ in range(4):
            call = await place.ledger.call(request.id, MODEL, BOUND, {})
            await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(50, 50), 15_000)
        # Less than was taken already asks for no more.
        await place.ledger.reserve(request.id, MODEL, Tokens(600, 1_000))
        assert await place.counters() == reading(1, 2_000, 420_000, 1)
        await place.ledger.settle(request.id, Ending.DONE)
        assert await place.counters() == reading(1, 400, 60_000, 0)

    async def test_several_that_are_too_much_take_nothing(self, place: World) -> None:
        request = await place.admitted()
        with pytest.raises(LimitReached) as caught:
            await place.ledger.reserve(request.id, MODEL, Tokens(5_000, 5_001))
        assert (caught.value.limit.metric, caught.value.used) == (Metric.TOKENS, 0)
        assert await place.counters() == reading(1, 500, 105_000, 1)
        await place.ledger.call(request.id, MODEL, BOUND, {})
        assert await place.counters() == reading(1, 500, 105_000, 1)

    async def test_a_request_that_ended_makes_no_calls(self, place: World) -> None:
        request = await place.admitted()
        await place.ledger.settle(request.id, Ending.STOPPED)
        with pytest.raises(Refused):
            await place.ledger.call(request.id, MODEL, BOUND, {})
        with pytest.raises(Refused):
            await place.ledger.reserve(request.id, MODEL, BOUND)

    async def test_a_model_without_a_price_is_refused_where_a_budget_applies(self, place: World) -> None:
        request = await place.admitted()
        with pytest.raises(Refused):
            await place.ledger.call(request.id, UNPRICED, BOUND, {})

    async def test_a_limit_gone_meanwhile_does_not_hold_a_call(self, place: World) -> None:
        request = await place.admitted()
        await place.ledger.set_operator_limits([])
        await place.ledger.call(request.id, MODEL, Tokens(9_000, 9_000), {})
        assert await place.ledger.settle(request.id, Ending.DONE)
        assert await place.counters() == {}

    async def test_only_the_first_end_of_a_call_counts(self, place: World) -> None:
        request = await place.admitted()
        call = await place.ledger.call(request.id, MODEL, BOUND, {})
        await place.ledger.ended(call, PredictionState.CANCELED, Tokens(1, 2), 550)
        await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(100, 200), 55_000)
        await place.ledger.settle(request.id, Ending.STOPPED)
        assert await place.counters() == reading(1, 3, 550, 0)


class TestSettle:
    async def call(self, place: World, request_id: int, tokens: Tokens) -> None:
        call = await place.ledger.call(request_id, MODEL, BOUND, {})
        await place.ledger.created(call, "abc")
        await place.ledger.ended(call, PredictionState.SUCCEEDED, tokens, MODEL.cost(tokens))

    async def test_keeps_what_was_used(self, place: World) -> None:
        request = await place.admitted()
        await self.call(place, request.id, Tokens(50, 60))
        place.clock.move(seconds=3)
        assert await place.ledger.settle(
            request.id, Ending.DONE, first_text_ms=400, total_ms=3000, read={"messages": 12, "kind": "text"}
        )
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        usage = details.usage
        assert not usage.is_open
        assert (usage.ending, usage.tokens, usage.cost) == (Ending.DONE, Tokens(50, 60), 17_500)
        assert (usage.first_text_ms, usage.total_ms, usage.error) == (400, 3000, None)
        assert usage.settled_at == START + timedelta(seconds=3)
        assert usage.read == {"messages": 12, "kind": "text"}
        assert await place.counters() == reading(1, 110, 17_500, 0)

    @pytest.mark.parametrize("ending", [Ending.FAILED, Ending.TIMED_OUT, Ending.SHUTDOWN, Ending.UNSEEN])
    async def test_a_failure_that_cost_nothing_gives_all_back(self, place: World, ending: Ending) -> None:
        request = await place.admitted()
        call = await place.ledger.call(request.id, MODEL, BOUND, {})
        await place.ledger.ended(call, PredictionState.FAILED, Tokens(), 0)
        assert await place.ledger.settle(request.id, ending, error="ModelFailed")
        assert await place.counters() == reading(0, 0, 0, 0)
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        assert (details.usage.error, details.usage.counts) == ("ModelFailed", 0)

    async def test_a_failure_that_cost_something_keeps_it(self, place: World) -> None:
        request = await place.admitted()
        await self.call(place, request.id, Tokens(10, 0))
        await place.ledger.settle(request.id, Ending.FAILED)
        assert await place.counters() == reading(1, 10, 500, 0)

    async def test_a_failure_without_a_known_price_keeps_its_tokens(self, database: Database) -> None:
        async with world(database, limit(5), limit(1_000, Metric.TOKENS)) as place:
            request = place.request()
            await place.ledger.admit(request, UNPRICED, BOUND)
            call = await place.ledger.call(request.id, UNPRICED, BOUND, {})
            await place.ledger.ended(call, PredictionState.CANCELED, Tokens(100, 300), 0)
            await place.ledger.settle(request.id, Ending.TIMED_OUT)
            assert await place.counters() == {
                f"user requests day {USER}": 1,
                f"user tokens day {USER}": 400,
            }

    async def test_a_stopped_request_keeps_what_was_used(self, place: World) -> None:
        request = await place.admitted()
        await place.ledger.settle(request.id, Ending.STOPPED)
        assert await place.counters() == reading(1, 0, 0, 0)

    async def test_in_the_window_that_admitted_it(self, database: Database) -> None:
        async with world(database, limit(500, Metric.TOKENS, Window.MINUTE)) as place:
            first = await place.admitted()
            place.clock.move(seconds=60)
            await place.admitted()
            await self.call(place, first.id, Tokens(1, 1))
            await place.ledger.settle(first.id, Ending.DONE)
            assert await place.database.select("SELECT used FROM counters ORDER BY window_start") == [
                (2,),
                (500,),
            ]

    async def test_a_call_whose_end_is_unknown_counts_with_its_bound(
        self, place: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        request = await place.admitted()
        call = await place.ledger.call(request.id, MODEL, Tokens(10, 20), {})
        await place.ledger.created(call, "abc")
        await place.ledger.call(request.id, MODEL, Tokens(10, 20), {})
        await place.ledger.settle(request.id, Ending.SHUTDOWN)
        assert await place.counters() == reading(1, 30, 5_500, 0)
        assert not caplog.records

    async def test_what_is_above_the_reservation_counts_and_is_logged(
        self, place: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        request = await place.admitted()
        await self.call(place, request.id, Tokens(100, 500))
        with caplog.at_level(logging.WARNING):
            await place.ledger.settle(request.id, Ending.DONE)
        assert "used more than it had reserved: 100 tokens and 25000 nano-dollars over" in caplog.text
        assert await place.counters() == reading(1, 600, 130_000, 0)

    async def test_once_when_stop_and_done_arrive_together(self, place: World) -> None:
        request = await place.admitted()
        await self.call(place, request.id, Tokens(50, 60))
        endings = (Ending.DONE, Ending.STOPPED)
        verdicts = await asyncio.gather(*(place.ledger.settle(request.id, ending) for ending in endings))
        assert sorted(verdicts) == [False, True]
        details = await place.ledger.lookup.details(request.id)
        assert details is not None
        assert details.usage.ending is endings[verdicts.index(True)]
        assert await place.counters() == reading(1, 110, 17_500, 0)

    async def test_an_unknown_request_is_not_settled(self, place: World) -> None:
        assert not await place.ledger.settle(999, Ending.DONE)
        assert await place.ledger.lookup.details(999) is None

    async def test_what_is_open_is_settled_on_closing(self, database: Database) -> None:
        async with world(database, limit(5)) as place:
            request = await place.admitted()
        assert await place.database.select("SELECT id, ending FROM usage") == [(request.id, "shutdown")]
        assert await place.counters() == {f"user requests day {USER}": 0}

    async def test_a_cancelled_admission_is_settled_on_closing(self, database: Database) -> None:
        async with world(database, limit(5)) as place:
            admission = asyncio.create_task(place.admitted())
            await asyncio.sleep(0)
            admission.cancel()
            with pytest.raises(asyncio.CancelledError):
                await admission
        assert await place.database.select("SELECT ending FROM usage") == [("shutdown",)]


def settle_elsewhere(start: Barrier, url: str, request_id: int) -> bool:
    async def settle() -> bool:
        async with Store.open(url) as store, Ledger.open(store, SEAL) as ledger:
            start.wait()
            return await ledger.settle(request_id, Ending.DONE)

    return asyncio.run(settle())


async def test_two_processes_settle_a_request_once(database: Database) -> None:
    async with world(database, limit(5)) as place:
        request = await place.admitted()
        with processes(2) as pair:
            verdicts = await pair.each(settle_elsewhere, database.url, request.id)
        assert sorted(verdicts) == [False, True]
        assert not await place.ledger.settle(request.id, Ending.DONE)
        assert await place.counters() == {f"user requests day {USER}": 1}


class TestOperatorLimits:
    async def test_a_new_one_starts_from_what_its_window_has_used(self, database: Database) -> None:
        async with world(database) as place:
            done = await place.admitted()
            await place.ledger.settle(done.id, Ending.DONE)
            failed = await place.admitted()
            await place.ledger.settle(failed.id, Ending.FAILED)
            await place.ledger.admit(place.request(command=Command.STORY), MODEL, BOUND)
            still_open = await place.admitted()
            await place.admitted(OTHER)
            place.clock.move(seconds=1)
            await place.ledger.set_operator_limits(
                [
                    *ALL,
                    limit(50, subject=Subject.EVERYONE),
                    limit(50, command=Command.ASK, window=Window.HOUR),
                ]
            )
            await place.admitted()
            used = 3 * 105_000
            assert await place.counters() == {
                **reading(4, 1_500, used, 3),
                f"server cost month {GUILD}": used + 105_000,
                "everyone requests day 0": 5,
                f"user requests hour {USER}": 3,
            }
            await place.ledger.settle(still_open.id, Ending.FAILED)
            assert await place.counters() == {
                **reading(3, 1_000, used - 105_000, 2),
                f"server cost month {GUILD}": used,
                "everyone requests day 0": 4,
                f"user requests hour {USER}": 2,
            }

    async def test_clearing_and_setting_again_refunds_nothing(self, database: Database) -> None:
        async with world(database, *ALL) as place:
            request = await place.admitted()
            await place.ledger.set_operator_limits([])
            assert await place.counters() == {}
            await place.ledger.set_operator_limits(ALL)
            await place.admitted()
            assert await place.counters() == reading(2, 1_000, 210_000, 2)
            await place.ledger.settle(request.id, Ending.FAILED)
            assert await place.counters() == reading(1, 500, 105_000, 1)

    async def test_another_amount_goes_on_counting(self, database: Database) -> None:
        async with world(database, limit(1)) as place:
            await place.admitted()
            await place.ledger.set_operator_limits([limit(2)])
            await place.admitted()
            with pytest.raises(LimitReached):
                await place.admitted()

    async def test_another_window_counts_what_is_in_it(self, database: Database) -> None:
        async with world(database, limit(2, window=Window.HOUR)) as place:
            await place.admitted()
            place.clock.move(hours=1)
            await place.admitted()
            await place.ledger.set_operator_limits([limit(2, window=Window.DAY)])
            with pytest.raises(LimitReached):
                await place.admitted()

    async def test_two_for_the_same_thing_are_a_mistake(self, place: World) -> None:
        with pytest.raises(ValueError, match="same subject"):
            await place.ledger.set_operator_limits([limit(1), limit(2)])

    async def test_those_of_other_places_are_a_mistake(self, place: World) -> None:
        guild = Limit(0, Place.GUILD, 7, Subject.USER, Metric.REQUESTS, Window.DAY, 1)
        with pytest.raises(ValueError, match="place 'bot'"):
            await place.ledger.set_operator_limits([guild])


async def test_counters_of_windows_long_past_are_dropped(database: Database) -> None:
    async with world(database, limit(5, window=Window.MINUTE)) as place:
        await place.admitted()
        place.clock.move(days=2)
        await place.admitted()
    assert await place.database.select("SELECT used FROM counters") == [(0,)]
