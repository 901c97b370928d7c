"""The stretches of time that usage is looked at in, from midnight to midnight where the reader is. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from bot.store.usage_days import Span

DAY = timedelta(days=1)


class Period(StrEnum):
    """What people choose from."""

    TODAY = "today"
    WEEK = "week"
    """The last seven days, today among them."""
    DAYS = "days"
    """The last thirty days, today among them."""
    MONTH = "month"
    LAST_MONTH = "last_month"
    YEAR = "year"
    """The last 365 days, today among them."""


SPANS = {Period.TODAY: 1, Period.WEEK: 7, Period.DAYS: 30, Period.YEAR: 365}
"""Days of those that end today."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole days in a time zone: the first, and the first one after them."""

    first: date
    end: date
    zone: tzinfo

    @property
    def last(self) -> date:
        """The last of the days."""
        return self.end - DAY

    @property
    def span(self) -> Span:
        """The same in UTC."""
        return Span(_midnight(self.first, self.zone), _midnight(self.end, self.zone))

    def days(self) -> Iterator[date]:
        """Every day, in their order."""
        day = self.first
        while day < self.end:
            yield day
            day += DAY


def stretch(period: Period, now: datetime, zone: tzinfo) -> Stretch:
    """Return the days of a period, as seen now.

    >>> def days(period, now):
    ...     found = stretch(period, datetime.fromisoformat(now), UTC)
    ...     return f"{found.first} {found.last}"
    >>> days(Period.TODAY, "2026-03-15T10:00+00:00"), days(Period.WEEK, "2026-03-02T10:00+00:00")
    ('2026-03-15 2026-03-15', '2026-02-24 2026-03-02')
    >>> days(Period.MONTH, "2026-03-15T10:00+00:00"), days(Period.LAST_MONTH, "2026-03-15T10:00+00:00")
    ('2026-03-01 2026-03-15', '2026-02-01 2026-02-28')
    """
    today = now.astimezone(zone).date()
    match period:
        case Period.MONTH:
            return Stretch(today.replace(day=1), today + DAY, zone)
        case Period.LAST_MONTH:
            end = today.replace(day=1)
            return Stretch((end - DAY).replace(day=1), end, zone)
        case _:
            return Stretch(today - (SPANS[period] - 1) * DAY, today + DAY, zone)


def since(first: date, now: datetime) -> Stretch:
    """Return the days in UTC from one on, today the last."""
    return Stretch(first, now.astimezone(UTC).date() + DAY, UTC)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
