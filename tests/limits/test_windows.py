"""When windows begin and end, also where clocks are set forward and back."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Window
from bot.limits import resets_at, window_start

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    UTC,
    BERLIN,
    ZoneInfo("America/Sao_Paulo"),
    ZoneInfo("Asia/Kathmandu"),
    # Where clocks go back, midnight comes twice in the first, and the hour before it in the second.
    ZoneInfo("Atlantic/Azores"),
    ZoneInfo("Africa/Cairo"),
    timezone(timedelta(hours=14)),
)
SPANS = (Window.MINUTE, Window.HOUR, Window.DAY, Window.MONTH)


@given(
    st.sampled_from(SPANS),
    st.datetimes(datetime(2017, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them bare
    st.sampled_from(ZONES),
)
def test_every_moment_is_in_exactly_one_window(window: Window, now: datetime, tz: tzinfo) -> None:
    start, end = window_start(window, now, tz), resets_at(window, now, tz)
    assert end is not None
    assert start <= now < end
    assert start.tzinfo is UTC
    assert window_start(window, start, tz) == start
    assert window_start(window, end - timedelta(milliseconds=1), tz) == start
    assert window_start(window, end, tz) == end


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 3, 29, 10, tzinfo=UTC), 23),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), 25),
        (datetime(2026, 7, 1, 10, tzinfo=UTC), 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_say(now: datetime, hours: int) -> None:
    end = resets_at(Window.DAY, now, BERLIN)
    assert end is not None
    assert end - window_start(Window.DAY, now, BERLIN) == timedelta(hours=hours)


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert first.astimezone(BERLIN).hour == second.astimezone(BERLIN).hour == 2
    assert window_start(Window.HOUR, first, BERLIN) != window_start(Window.HOUR, second, BERLIN)


def test_months_begin_at_their_own_midnight() -> None:
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert window_start(Window.MONTH, new_year, BERLIN) == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert window_start(Window.MONTH, new_year) == datetime(2026, 12, 1, tzinfo=UTC)


def test_requests_at_the_same_time_have_one_window() -> None:
    now = datetime(2026, 5, 6, tzinfo=UTC)
    assert window_start(Window.NOW, now) == window_start(Window.NOW, now + timedelta(days=400))
    assert resets_at(Window.NOW, now) is None
