"""Limits that a server's admins set and change, on real databases of every kind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain import Ending, Metric, Place, PredictionState, Setting, Subject, Tokens, Window
from bot.errors import LimitReached, Refused
from bot.limits import EXEMPT
from bot.store.audit import ChangedMeanwhile, audit_page, stamp
from bot.store.limits import MOST_LIMITS, limit_json
from bot.store.refusals import refusals_of
from tests.limits.world import (
    BOUND,
    CATEGORY,
    CHANNEL,
    GUILD,
    MODEL,
    OTHER,
    UNPRICED,
    USER,
    World,
    limit,
    servers_limit,
    world,
)
from tests.support.databases import Database


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database) as place:
        yield place


async def refused(place: World, user: int = USER, **asked: Any) -> LimitReached:
    with pytest.raises(LimitReached) as caught:
        await place.ledger.admit(place.request(user, **asked), MODEL, BOUND)
    return caught.value


async def settled(place: World, user: int = USER) -> None:
    request = await place.admitted(user)
    await place.ledger.settle(request.id, Ending.DONE)


class TestChanges:
    async def test_clearing_and_setting_again_refunds_nothing(self, place: World) -> None:
        daily = servers_limit(2)
        await place.set_limit(daily)
        await settled(place)
        await place.admitted()
        assert await place.change_limit(daily, None)
        await place.set_limit(daily)
        assert (await refused(place)).used == 2
        await place.admitted(OTHER)

    async def test_set_again_it_still_holds_what_is_under_way(self, place: World) -> None:
        budget = servers_limit(200_000, Metric.COST, Window.MONTH, Subject.EVERYONE)
        await place.set_limit(budget)
        request = await place.admitted()
        assert await place.change_limit(budget, None)
        await place.set_limit(budget)
        with pytest.raises(LimitReached):
            await place.ledger.call(request.id, MODEL, Tokens(1_000, 4_000), {})
        await place.ledger.call(request.id, MODEL, Tokens(100, 700), {})
        assert await place.counters() == {"everyone cost month 0": 180_000}
        await place.ledger.settle(request.id, Ending.FAILED)
        assert await place.counters() == {"everyone cost month 0": 0}

    async def test_a_new_one_counts_what_its_window_has_used(self, place: World) -> None:
        await settled(place)
        place.clock.move(minutes=10)
        await place.set_limit(servers_limit(1, window=Window.HOUR))
        assert (await refused(place)).used == 1
        place.clock.move(hours=1)
        await place.admitted()

    async def test_less_than_is_used_already_refuses_at_once(self, place: World) -> None:
        await place.set_limit(servers_limit(5))
        for _ in range(3):
            await settled(place)
        await place.set_limit(servers_limit(2))
        assert (await refused(place)).used == 3

    async def test_more_admits_at_once(self, place: World) -> None:
        await place.set_limit(servers_limit(1))
        await settled(place)
        await refused(place)
        await place.set_limit(servers_limit(2))
        await settled(place)
        assert (await refused(place)).used == 2

    async def test_are_in_the_audit(self, place: World) -> None:
        daily, more = servers_limit(2), servers_limit(3)
        for changed in (daily, more):
            await place.set_limit(changed)
        assert await place.change_limit(more, None)
        assert not await place.change_limit(more, None)
        rows = await place.store.read(lambda transaction: audit_page(transaction, GUILD, 2**62, 9))
        assert [(row.before, row.after) for row in rows] == [
            (limit_json(more), None),
            (limit_json(daily), limit_json(more)),
            (None, limit_json(daily)),
        ]

    async def test_of_two_admins_the_later_is_told(self, place: World) -> None:
        daily = servers_limit(2)
        await place.set_limit(daily)
        seen = stamp(limit_json(daily))
        await place.change_limit(daily, limit_json(servers_limit(9)), admin=OTHER)
        with pytest.raises(ChangedMeanwhile) as caught:
            await place.change_limit(daily, None, seen=seen)
        assert caught.value.now == limit_json(servers_limit(9))
        assert caught.value.last is not None
        assert caught.value.last.user_id == OTHER
        await settled(place)

    async def test_of_many_admins_at_once_one_clears(self, place: World) -> None:
        daily = servers_limit(2)
        await place.set_limit(daily)
        seen = stamp(limit_json(daily))
        cleared = await asyncio.gather(*(place.change_limit(daily, None, seen=seen) for _ in range(6)))
        assert sorted(cleared) == [False] * 5 + [True]

    async def test_there_can_be_so_many(self, place: World) -> None:
        limits = [servers_limit(1, place=(Place.CHANNEL, 1_000 + n)) for n in range(MOST_LIMITS + 1)]
        for each in limits[:-1]:
            await place.set_limit(each)
        with pytest.raises(Refused) as caught:
            await place.set_limit(limits[-1])
        assert caught.value.fields == {"most": MOST_LIMITS}
        # One that is there takes another amount.
        await place.set_limit(servers_limit(2, place=(Place.CHANNEL, 1_000)))
        assert await place.change_limit(limits[0], None)
        await place.set_limit(limits[-1])


class TestPlaces:
    async def test_a_channels_limit_replaces_the_categorys_and_the_servers(self, place: World) -> None:
        await place.set_limit(servers_limit(1))
        await place.set_limit(servers_limit(2, place=(Place.CATEGORY, CATEGORY)))
        await place.set_limit(servers_limit(3, place=(Place.CHANNEL, CHANNEL)))
        for _ in range(3):
            await settled(place)
        assert (await refused(place)).limit.place is Place.CHANNEL
        reached = await refused(place, channel=CHANNEL + 1)
        assert (reached.limit.place, reached.used) == (Place.CATEGORY, 3)

    async def test_of_several_roles_the_most_generous_counts_and_an_exempt_one_frees(
        self, place: World
    ) -> None:
        await place.set_limit(servers_limit(1))
        for role, amount in ((70, 2), (71, 3), (72, EXEMPT)):
            await place.set_limit(servers_limit(amount, subject=Subject.ROLE, role=role))
        for _ in range(3):
            await place.ledger.admit(place.request(roles=(70, 71)), MODEL, BOUND)
        reached = await refused(place, roles=(70, 71))
        assert (reached.limit.role_id, reached.used) == (71, 3)
        for _ in range(5):
            await place.ledger.admit(place.request(roles=(70, 72)), MODEL, BOUND)

    async def test_a_model_without_a_price_is_refused_where_a_budget_applies(self, place: World) -> None:
        budget = servers_limit(
            10**9, Metric.COST, Window.MONTH, Subject.EVERYONE, place=(Place.CHANNEL, CHANNEL)
        )
        await place.set_limit(budget)
        with pytest.raises(Refused, match="budget applies here"):
            await place.ledger.admit(place.request(), UNPRICED, BOUND)
        await place.ledger.admit(place.request(channel=CHANNEL + 1), UNPRICED, BOUND)

    async def test_the_operators_always_apply_on_top(self, database: Database) -> None:
        async with world(database, limit(1)) as place:
            await place.set_limit(servers_limit(9))
            await settled(place)
            assert (await refused(place)).limit.place is Place.BOT

    async def test_what_was_above_its_reservation_counts_against_the_next(self, place: World) -> None:
        await place.set_limit(servers_limit(1_100, Metric.TOKENS))
        request = await place.admitted()
        call = await place.ledger.call(request.id, MODEL, BOUND, {})
        await place.ledger.ended(call, PredictionState.SUCCEEDED, Tokens(300, 400), 1)
        await place.ledger.settle(request.id, Ending.DONE)
        assert (await refused(place)).used == 700


class TestRefusals:
    async def test_the_first_is_recorded_and_the_others_are_counted(self, place: World) -> None:
        daily = servers_limit(1)
        await place.set_limit(daily)
        await settled(place)
        assert [(await refused(place)).again for _ in range(4)] == [False, True, True, True]
        rows = await place.database.select("SELECT cost FROM usage WHERE ending = 'refused'")
        assert rows == [(0,)]
        assert await self.counted(place) == {daily.id: 4}

    async def test_of_calls_that_need_more_are_counted_too(self, place: World) -> None:
        daily = servers_limit(600, Metric.TOKENS)
        await place.set_limit(daily)
        again = []
        for _ in range(3):
            request = await place.admitted()
            for _ in range(2):
                with pytest.raises(LimitReached) as caught:
                    await place.ledger.call(request.id, MODEL, Tokens(300, 400), {})
                again.append(caught.value.again)
            await place.ledger.settle(request.id, Ending.REFUSED)
        # Two calls of one request are refused once.
        assert again == [False, False, True, True, True, True]
        assert await self.counted(place) == {daily.id: 3}

    async def test_of_calls_tell_admins_that_a_budget_is_used_up(self, place: World) -> None:
        told = []
        place.ledger.on_notice = lambda: told.append(True)
        await place.change_setting(Setting.NOTICES, CHANNEL)
        await place.set_limit(servers_limit(120_000, Metric.COST, Window.MONTH, Subject.EVERYONE))

        async def refused_call(bound: Tokens, needs: Tokens) -> None:
            request = await place.admitted(bound=bound)
            with pytest.raises(LimitReached):
                await place.ledger.call(request.id, MODEL, needs, {})
            await place.ledger.settle(request.id, Ending.REFUSED)

        # Nearly all of it was only held for the one that was refused.
        await refused_call(BOUND, Tokens(100, 500))
        assert told == []
        await place.admitted()
        await refused_call(Tokens(1, 1), BOUND)
        assert told == [True]
        assert await place.database.select("SELECT percent FROM notices") == [(100,)]

    async def test_of_another_member_or_another_window_are_recorded(self, place: World) -> None:
        await place.set_limit(servers_limit(1, window=Window.MINUTE, subject=Subject.EVERYONE))
        await settled(place)
        assert [(await refused(place, user)).again for user in (USER, OTHER)] == [False, False]
        place.clock.move(minutes=1)
        await settled(place)
        assert not (await refused(place)).again

    async def test_for_answers_at_once_are_recorded_once_a_day(self, place: World) -> None:
        await place.set_limit(servers_limit(1, Metric.CONCURRENT, Window.NOW))
        await place.admitted()
        assert [(await refused(place)).again for _ in range(2)] == [False, True]
        place.clock.move(days=1)
        assert not (await refused(place)).again

    async def test_are_gone_with_their_limit_and_with_their_window(self, place: World) -> None:
        daily = servers_limit(1)
        await place.set_limit(daily)
        await settled(place)
        await refused(place)
        place.clock.move(days=1)
        assert await self.counted(place) == {}
        place.clock.move(days=-1)
        assert await self.counted(place) == {daily.id: 1}
        await place.change_limit(daily, None)
        await place.set_limit(daily)
        assert await self.counted(place) == {}

    async def counted(self, place: World) -> dict[int, int]:
        return await place.store.read(lambda transaction: refusals_of(transaction, GUILD, place.clock()))


class TestTimeZones:
    async def test_another_time_zone_in_the_middle_of_a_day_gives_nothing_back(self, place: World) -> None:
        await place.set_limit(servers_limit(2))
        await settled(place)
        await settled(place)
        await place.change_setting(Setting.TIME_ZONE, "Asia/Tokyo")
        reached = await refused(place)
        assert reached.used == 2
        # 07:08 in UTC is 16:08 in Tokyo.
        assert reached.resets_at == datetime(2026, 5, 6, 15, tzinfo=UTC)
        # And 00:08 in Los Angeles.
        await place.change_setting(Setting.TIME_ZONE, "America/Los_Angeles")
        reached = await refused(place)
        assert (reached.used, reached.resets_at) == (2, datetime(2026, 5, 7, 7, tzinfo=UTC))
        place.clock.now = datetime(2026, 5, 7, 7, tzinfo=UTC)
        await settled(place)

    async def test_no_zone_lets_a_day_begin_anew_before_it_ends(self, place: World) -> None:
        await place.set_limit(servers_limit(10**9, Metric.COST, Window.MONTH, Subject.EVERYONE))
        await place.set_limit(servers_limit(2))
        await settled(place)
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC", "Pacific/Kiritimati"):
            await place.change_setting(Setting.TIME_ZONE, zone)
            assert await used_today(place) == 1

    async def test_what_is_open_while_the_time_zone_changes_is_settled_in_the_new_day(
        self, place: World
    ) -> None:
        await place.set_limit(servers_limit(1_000, Metric.TOKENS))
        request = await place.admitted()
        await place.change_setting(Setting.TIME_ZONE, "Asia/Tokyo")
        await place.admitted()
        assert (await refused(place)).used == 1_000
        await place.ledger.settle(request.id, Ending.FAILED)
        await place.admitted()

    async def test_what_is_open_while_it_changes_stays_within_the_limit(self, place: World) -> None:
        await place.set_limit(servers_limit(1_000, Metric.TOKENS))
        request = await place.admitted()
        await place.change_setting(Setting.TIME_ZONE, "Asia/Tokyo")
        with pytest.raises(LimitReached) as caught:
            await place.ledger.call(request.id, MODEL, Tokens(500, 501), {})
        assert caught.value.used == 0
        await place.ledger.call(request.id, MODEL, Tokens(500, 500), {})
        assert (await refused(place)).used == 1_000


async def used_today(place: World) -> int:
    [levels] = await place.ledger.lookup.standing(
        [place.request().scope], place.request().command, place.clock()
    )
    return next(level.used for level in levels if level.limit.window is Window.DAY)


class TestClocksGoingBack:
    @pytest.mark.parametrize(
        ("zone", "last", "after"),
        [
            # 25 hours in Berlin; in the Azores midnight comes twice; in Cairo eleven at night does.
            (
                "Europe/Berlin",
                datetime(2026, 10, 25, 22, 59, tzinfo=UTC),
                datetime(2026, 10, 25, 23, tzinfo=UTC),
            ),
            (
                "Atlantic/Azores",
                datetime(2026, 10, 26, 0, 59, tzinfo=UTC),
                datetime(2026, 10, 26, 1, tzinfo=UTC),
            ),
            (
                "Africa/Cairo",
                datetime(2026, 10, 29, 21, 59, tzinfo=UTC),
                datetime(2026, 10, 29, 22, tzinfo=UTC),
            ),
        ],
    )
    async def test_a_day_is_one_window_to_its_very_end(
        self, place: World, zone: str, last: datetime, after: datetime
    ) -> None:
        await place.change_setting(Setting.TIME_ZONE, zone)
        await place.set_limit(servers_limit(1))
        place.clock.now = last.replace(hour=12, day=after.day if after.hour > 12 else after.day - 1)
        await settled(place)
        place.clock.now = last
        reached = await refused(place)
        assert (reached.used, reached.resets_at) == (1, after)
        place.clock.now = after
        await settled(place)

    async def test_the_hour_that_comes_twice_is_two_windows(self, place: World) -> None:
        await place.change_setting(Setting.TIME_ZONE, "Europe/Berlin")
        await place.set_limit(servers_limit(1, window=Window.HOUR))
        for hour in (0, 1):
            place.clock.now = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
            await settled(place)
            await refused(place)
