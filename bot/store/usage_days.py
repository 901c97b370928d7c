"""The table ``usage_days``: what was used, summed by day, so that nobody waits for a million rows.

A request is added when it is settled, in the same transaction. So the sums are exact at every moment, with
nothing to catch up on and no mark to keep, for one statement more; only what is settled counts.

Days are those of UTC, since a server's time zone may change. Whatever a zone's midnight cuts is put right:
when something was asked is kept by quarters of an hour, which no zone's midnight cuts; all else is summed
from the rows themselves for the hours at both ends of a span. One person's use is always summed from their
rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.store.driver import Row, Transaction
from bot.store.rows import UsageRow, milliseconds, usage_row

DAY_MS: Final = 86_400_000
QUARTER: Final = timedelta(minutes=15)
QUARTER_MS: Final = QUARTER // timedelta(milliseconds=1)
FOREVER_MS: Final = 100_000_000 * DAY_MS
"""A time that nothing is asked after, and that still counts whole days and quarters."""


class Part(StrEnum):
    """What use can be told apart by. The first four are kinds of ``usage_days``."""

    QUARTER = "quarter"
    """Quarters of an hour, numbered from 1970 in UTC."""
    MEMBER = "member"
    COMMAND = "command"
    MODEL = "model"
    CHANNEL = "channel"
    GUILD = "guild"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was used. Requests that were refused are not among ``requests``; cost is in nano-dollars."""

    requests: int = 0
    refused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.requests + other.requests,
            self.refused + other.refused,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Span:
    """From a time on, until another, which is excluded; or until now, where that is None.

    Both are at a midnight of some time zone.
    """

    start: datetime
    end: datetime | None = None

    @property
    def start_ms(self) -> int:
        """The start as it is stored."""
        return milliseconds(self.start)

    @property
    def end_ms(self) -> int:
        """The end as it is stored."""
        return FOREVER_MS if self.end is None else milliseconds(self.end)


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose use: a server's, where ``surroundings`` are the server, a channel's of it, a person's, or all."""

    guild_id: int | None = None
    channel_id: int | None = None
    user_id: int | None = None


Sums = dict[str, Figures]
"""By the name of a part: an id, a command, a model, the number of a quarter."""


async def sums(transaction: Transaction, part: Part, selection: Selection, span: Span) -> Sums:
    """Return what was used in a span, told apart by a part.

    For everything together (an empty selection), the span is of whole days in UTC.
    """
    if selection.user_id is not None:
        return await _of_user(transaction, part, selection, span)
    if selection.guild_id is None:
        return await _of_all(transaction, part, span)
    if part is Part.CHANNEL:
        return await _channels(transaction, selection, span)
    if part is Part.QUARTER:
        return await _quarters(transaction, selection, span)
    return await _of_guild(transaction, part, selection, span)


async def usage_page(
    transaction: Transaction, guild_id: int | None, span: Span, after: tuple[int, int], most: int
) -> tuple[UsageRow, ...]:
    """Return at most so many settled rows of a server, or of all, in the order of asking.

    ``after`` is the time asked, in ms, and the id of the row before.
    """
    after_at, after_id = max(after, (span.start_ms, -1))
    where = {"after_at": after_at, "after_id": after_id, "span_end": span.end_ms, "most": most}
    if guild_id is None:
        rows = await transaction.rows("usage_page_of_all", **where)
    else:
        rows = await transaction.rows("usage_page_of_guild", guild_id=guild_id, **where)
    return tuple(usage_row(row) for row in rows)


async def _of_user(transaction: Transaction, part: Part, selection: Selection, span: Span) -> Sums:
    whose: dict[str, object] = {
        "user_id": selection.user_id,
        "guild_id": selection.guild_id,
        "channel_id": selection.channel_id,
        "span_start": span.start_ms,
        "span_end": span.end_ms,
    }
    if part is Part.CHANNEL:
        return _summed(await transaction.rows("channels_of_user", **whose))
    return _summed(await transaction.rows("parts_of_user", **whose, kind=part.value))


async def _of_all(transaction: Transaction, part: Part, span: Span) -> Sums:
    days = {"first_day": span.start_ms // DAY_MS, "end_day": span.end_ms // DAY_MS}
    match part:
        case Part.GUILD:
            return _summed(await transaction.rows("guilds_of_all", **days))
        case Part.CHANNEL:
            return _summed(await transaction.rows("channels_of_all", **days))
        case _:
            return _summed(await transaction.rows("days_of_all", **days, kind=part.value))


async def _of_guild(transaction: Transaction, part: Part, selection: Selection, span: Span) -> Sums:
    """Whole days from their sums, and what is left at both ends from the rows."""
    whose = {"guild_id": selection.guild_id, "channel_id": selection.channel_id, "kind": part.value}
    first_day, end_day = -(-span.start_ms // DAY_MS), span.end_ms // DAY_MS
    found = [*await transaction.rows("days_of_guild", **whose, first_day=first_day, end_day=end_day)]
    first_ms, end_ms = first_day * DAY_MS, end_day * DAY_MS
    for start, end in ((span.start_ms, min(first_ms, span.end_ms)), (max(end_ms, first_ms), span.end_ms)):
        if start < end:
            found += await transaction.rows("parts_of_guild", **whose, span_start=start, span_end=end)
    return _summed(found)


async def _quarters(transaction: Transaction, selection: Selection, span: Span) -> Sums:
    rows = await transaction.rows(
        "days_of_guild",
        guild_id=selection.guild_id,
        channel_id=selection.channel_id,
        kind=Part.QUARTER.value,
        **_days_reached(span),
    )
    return {
        name: figures
        for name, figures in _summed(rows).items()
        if span.start_ms <= int(name) * QUARTER_MS < span.end_ms
    }


async def _channels(transaction: Transaction, selection: Selection, span: Span) -> Sums:
    rows = await transaction.rows(
        "channels_of_guild",
        guild_id=selection.guild_id,
        channel_id=selection.channel_id,
        first_quarter=span.start_ms // QUARTER_MS,
        end_quarter=span.end_ms // QUARTER_MS,
        **_days_reached(span),
    )
    return _summed(rows)


def _days_reached(span: Span) -> dict[str, int]:
    """All days that a span has a part of."""
    return {"first_day": span.start_ms // DAY_MS, "end_day": -(-span.end_ms // DAY_MS)}


def _summed(rows: Iterable[Row]) -> Sums:
    found: Sums = {}
    for row in rows:
        name = str(row["name"])
        figures = Figures(
            row["requests"], row["refused"], row["input_tokens"], row["output_tokens"], row["cost"]
        )
        found[name] = found.get(name, Figures()) + figures
    return found
