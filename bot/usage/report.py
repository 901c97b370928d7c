"""What was used in some days: the figures, and who, where and with what they were used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from bot.store import Store, Transaction
from bot.store.usage_days import QUARTER, Figures, Part, Selection, Sums, sums
from bot.usage.period import DAY, Stretch

MONTH = 30
"""Days of the month that a pace is told for."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class By(StrEnum):
    """What use is told apart by."""

    DAY = "day"
    CHANNEL = "channel"
    MEMBER = "member"
    COMMAND = "command"
    MODEL = "model"
    SERVER = "server"


PARTS = {
    By.CHANNEL: Part.CHANNEL,
    By.MEMBER: Part.MEMBER,
    By.COMMAND: Part.COMMAND,
    By.MODEL: Part.MODEL,
    By.SERVER: Part.GUILD,
}


@dataclass(frozen=True, slots=True)
class Share:
    """The use of one: a day as ISO writes it, an id, a command or a model."""

    name: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """What was used in some days.

    ``days`` has a share for each of them; ``shares`` are by what else it was told apart, most used first.
    ``pace`` is what a month costs at this pace, in nano-dollars.
    """

    stretch: Stretch
    selection: Selection
    total: Figures
    days: tuple[Share, ...]
    shares: Mapping[By, tuple[Share, ...]]
    pace: int


class Reports:
    """Makes reports from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, selection: Selection, stretch: Stretch, parts: Iterable[By], now: datetime) -> Report:
        """Return a report, with shares by each of these parts. For all servers together, days are UTC's.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        span = stretch.span
        wanted = [by for by in parts if by is not By.DAY]

        async def work(transaction: Transaction) -> tuple[Sums, list[Sums]]:
            quarters = await sums(transaction, Part.QUARTER, selection, span)
            return quarters, [await sums(transaction, PARTS[by], selection, span) for by in wanted]

        quarters, found = await self._store.read(work)
        shares: Mapping[By, tuple[Share, ...]] = dict(zip(wanted, map(ranked, found), strict=True))
        total = sum(quarters.values(), Figures())
        return Report(
            stretch,
            selection,
            total,
            _by_day(quarters, stretch),
            shares,
            _pace(quarters, stretch, total, now),
        )


def ranked(found: Sums) -> tuple[Share, ...]:
    """Return the shares of those who used anything, the most expensive first, then the busiest."""
    used = [Share(name, figures) for name, figures in found.items() if figures.requests]
    return tuple(
        sorted(used, key=lambda each: (-each.figures.cost, -each.figures.requests, each.name.zfill(20)))
    )


def _by_day(quarters: Sums, stretch: Stretch) -> tuple[Share, ...]:
    days: dict[date, Figures] = {day: Figures() for day in stretch.days()}
    for name, figures in quarters.items():
        day = _begin(name).astimezone(stretch.zone).date()
        days[day] = days.get(day, Figures()) + figures
    return tuple(Share(day.isoformat(), figures) for day, figures in days.items())


def _pace(quarters: Sums, stretch: Stretch, total: Figures, now: datetime) -> int:
    """The cost of a month like the days since the first use, at least one day; nano-dollars."""
    if not quarters:
        return 0
    end = stretch.span.end
    began = min(map(_begin, quarters))
    lasted = max(DAY, (now if end is None else min(now, end)) - began)
    return round(total.cost * (MONTH * DAY / lasted))


def _begin(quarter: str) -> datetime:
    """When a numbered quarter of an hour began."""
    return EPOCH + int(quarter) * QUARTER
