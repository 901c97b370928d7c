"""Reports are the sums of what was used, by days of the reader's time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain import Ending, PredictionState, Tokens
from bot.store.usage_days import Figures, Selection
from bot.usage import By, Period, Report, Reports, Share, Stretch, stretch
from bot.usage.report import ranked
from tests.limits.world import GUILD, MODEL, START, World, world
from tests.support.databases import Database


async def used(opened: World, user: int, output: int) -> None:
    request = await opened.admitted(user)
    call = await opened.ledger.call(request.id, MODEL, Tokens(5, 5), {})
    tokens = Tokens(10, output)
    await opened.ledger.ended(call, PredictionState.SUCCEEDED, tokens, MODEL.cost(tokens))
    await opened.ledger.settle(request.id, Ending.DONE)


async def report(opened: World, days: Stretch, *by: By) -> Report:
    return await Reports(opened.store).of(Selection(GUILD), days, by, opened.clock())


async def test_figures_days_shares_and_pace(database: Database) -> None:
    async with world(database) as opened:
        await used(opened, 1, 100)
        opened.clock.move(days=2)
        await used(opened, 2, 200)
        await used(opened, 2, 300)
        found = await report(opened, stretch(Period.WEEK, opened.clock(), UTC), By.MEMBER, By.DAY)
        assert found.total == Figures(3, 0, 30, 600, 3 * 500 + 600 * 250)
        assert [(day.name, day.figures.requests) for day in found.days if day.figures.requests] == [
            ("2026-05-06", 1),
            ("2026-05-08", 2),
        ]
        assert len(found.days) == 7
        assert [(share.name, share.figures.output_tokens) for share in found.shares[By.MEMBER]] == [
            ("2", 500),
            ("1", 100),
        ]
        # Two days and a quarter of an hour at most have passed since the first use.
        assert found.pace == pytest.approx(found.total.cost * 15, rel=0.01)


async def test_a_first_day_counts_as_a_whole_one(database: Database) -> None:
    async with world(database) as opened:
        await used(opened, 1, 100)
        found = await report(opened, stretch(Period.TODAY, opened.clock(), UTC))
        assert found.pace == 30 * found.total.cost


async def test_a_period_that_is_over_is_not_stretched_to_now(database: Database) -> None:
    async with world(database) as opened:
        opened.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
        await used(opened, 1, 100)
        opened.clock.now = datetime(2026, 5, 20, tzinfo=UTC)
        found = await report(opened, stretch(Period.LAST_MONTH, opened.clock(), UTC))
        assert found.pace == found.total.cost


async def test_nothing_used_is_nothing(database: Database) -> None:
    async with world(database) as opened:
        found = await report(opened, stretch(Period.WEEK, opened.clock(), UTC), By.MODEL)
        assert (found.total, found.pace, found.shares[By.MODEL]) == (Figures(), 0, ())


async def test_days_begin_at_the_readers_midnight(database: Database) -> None:
    """Clocks in Berlin went forward on the 29th of March 2026: that day has 23 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    async with world(database) as opened:
        for moment in ("2026-03-28T22:59", "2026-03-28T23:00", "2026-03-29T21:59", "2026-03-29T22:00"):
            opened.clock.now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
            await used(opened, 1, 100)
        days = Stretch(date(2026, 3, 28), date(2026, 3, 31), berlin)
        found = await report(opened, days, By.MEMBER)
        assert [day.figures.requests for day in found.days] == [1, 2, 1]
        [share] = found.shares[By.MEMBER]
        assert share.figures == found.total


def test_the_most_expensive_come_first_then_the_busiest() -> None:
    found = {"1": Figures(5, 0, 1, 1, 10), "2": Figures(9), "3": Figures(7), "4": Figures(0, 3)}
    assert [share.name for share in ranked(found)] == ["1", "2", "3"]


def test_the_last_month_is_the_one_before_this() -> None:
    now = datetime(2026, 1, 1, 3, tzinfo=UTC)
    found = stretch(Period.LAST_MONTH, now, ZoneInfo("America/New_York"))
    assert (found.first, found.last) == (date(2025, 11, 1), date(2025, 11, 30))
    assert found.span.start == datetime(2025, 11, 1, 4, tzinfo=UTC)
    assert found.span.end == datetime(2025, 12, 1, 5, tzinfo=UTC)


def test_today_is_a_day() -> None:
    found = stretch(Period.TODAY, START, UTC)
    assert list(found.days()) == [START.date()]
    assert found.span.start == START.replace(hour=0, minute=0, second=0)
    assert Share("", Figures()).figures.tokens == 0
    assert found.end - found.first == timedelta(days=1)
