"""The table ``notices``: what admins are told of a server's budgets, each once.

A notice is written in the transaction that makes it due, and told afterwards by one process that claims it.
When that process dies before it was told, another claims it later.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.choices import loaded
from bot.domain import Limit, Setting
from bot.store.counters import stored_limit
from bot.store.driver import Transaction
from bot.store.rows import Hold, milliseconds, moment

NEARLY, ALL = 80, 100
"""Percent of a budget."""
CLAIM = timedelta(minutes=1)
"""How long a process has a notice to itself: enough to send one message."""


@dataclass(frozen=True, slots=True)
class Notice:
    """So much of a server's budget is used: ``percent`` of it, or for ``ALL`` so much that requests are
    refused. ``used`` is nano-dollars, reservations included; the limit's amount is what it was then.
    """

    limit: Limit
    percent: int
    used: int
    window_end: datetime
    channel_id: int
    """Where the admins want to be told."""

    @property
    def key(self) -> dict[str, int]:
        """What tells it from others."""
        return {
            "limit_id": self.limit.id,
            "window_end": milliseconds(self.window_end),
            "amount": self.limit.amount,
            "percent": self.percent,
        }


async def note_use(transaction: Transaction, hold: Hold, used: int) -> bool:
    """Write the notice that is due when a counter shows this; return whether one was."""
    for percent in (ALL, NEARLY):
        if await _write(transaction, hold.limit_id, hold.window_end, used, percent, percent):
            return True
    return False


async def note_refusal(transaction: Transaction, limit: Limit, window_end: datetime, used: int) -> bool:
    """Write the notice that is due when a limit refuses a request because too little is left of it.

    A budget that is mostly unused, and refuses a single large request, is not used up.
    """
    return await _write(transaction, limit.id, milliseconds(window_end), used, ALL, NEARLY)


async def untold_notices(transaction: Transaction, now: datetime) -> tuple[Notice, ...]:
    """Return the notices of windows that last, which nobody has told; some may be claimed."""
    found = []
    for row in await transaction.rows("untold_notices", now=milliseconds(now)):
        channel = row["channel"] and loaded({Setting.NOTICES.value: row["channel"]}).notices
        if channel:
            found.append(
                Notice(
                    stored_limit(row).limit, row["percent"], row["used"], moment(row["window_end"]), channel
                )
            )
    return tuple(found)


async def claim_notice(transaction: Transaction, notice: Notice, now: datetime) -> bool:
    """Take a notice for a minute; False where another has it, or told it meanwhile."""
    row = await transaction.row(
        "claim_notice", **notice.key, now=milliseconds(now), until=milliseconds(now + CLAIM)
    )
    return row is not None


async def end_notice(transaction: Transaction, notice: Notice) -> None:
    """Remember that a notice was told, or can never be."""
    await transaction.run("told_notice", **notice.key)


async def forget_notices(transaction: Transaction, before: datetime) -> None:
    """Drop those of windows that ended before."""
    await transaction.run("forget_notices", before=milliseconds(before))


async def _write(
    transaction: Transaction, limit_id: int, window_end: int, used: int, percent: int, from_percent: int
) -> bool:
    row = await transaction.row(
        "write_notice",
        limit_id=limit_id,
        window_end=window_end,
        used=used,
        percent=percent,
        from_percent=from_percent,
    )
    return row is not None
