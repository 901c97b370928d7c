"""What the tables know of a person and of a server: told, erased, and dropped when it is old.

``HOLDS`` names every column that may hold either. A person becomes nobody, which is `usage.NOBODY`: sums stay
true, and what running limits have counted goes on counting until their windows end.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

from bot.choices import loaded
from bot.store.driver import Row, Transaction
from bot.store.rows import UsageRow, milliseconds, moment, usage_row
from bot.store.usage_days import DAY_MS

BATCH: Final = 500
"""Rows that one transaction touches, so that those who ask something wait only a moment."""


class Holds(Enum):
    """Whom a column may name."""

    PERSON = auto()
    SERVER = auto()
    NEITHER = auto()


HOLDS: Final[dict[str, Holds]] = {
    "usage.id": Holds.NEITHER,
    "usage.user_id": Holds.PERSON,
    "usage.guild_id": Holds.SERVER,
    "usage.category_id": Holds.SERVER,
    # That of direct messages stands for a person.
    "usage.channel_id": Holds.PERSON,
    "usage.thread_id": Holds.PERSON,
    "usage.holds": Holds.PERSON,
    "predictions.id": Holds.NEITHER,
    "predictions.usage_id": Holds.NEITHER,
    "predictions.provider_id": Holds.NEITHER,
    # An answer under way, which is over before it could be asked about; its row goes with it.
    "inflight.request_id": Holds.NEITHER,
    "inflight.application_id": Holds.NEITHER,
    "inflight.channel_id": Holds.PERSON,
    "inflight.token": Holds.PERSON,
    "inflight.request": Holds.PERSON,
    "limits.id": Holds.NEITHER,
    "limits.place_id": Holds.SERVER,
    "limits.role_id": Holds.SERVER,
    "limits.guild_id": Holds.SERVER,
    "counters.limit_id": Holds.SERVER,
    "counters.subject_id": Holds.PERSON,
    "marks.name": Holds.NEITHER,
    "marks.value": Holds.NEITHER,
    "settings.place_id": Holds.SERVER,
    "settings.name": Holds.NEITHER,
    "settings.guild_id": Holds.SERVER,
    "settings.value": Holds.SERVER,
    "audit.id": Holds.NEITHER,
    "audit.guild_id": Holds.SERVER,
    "audit.user_id": Holds.PERSON,
    "audit.place_id": Holds.SERVER,
    "audit.name": Holds.SERVER,
    "audit.value_before": Holds.SERVER,
    "audit.value_after": Holds.SERVER,
    "usage_days.guild_id": Holds.SERVER,
    "usage_days.channel_id": Holds.SERVER,
    "usage_days.name": Holds.PERSON,
    "refusals.limit_id": Holds.SERVER,
    "refusals.user_id": Holds.PERSON,
    "refusals.request_id": Holds.NEITHER,
    "notices.limit_id": Holds.SERVER,
    "notices.guild_id": Holds.SERVER,
    "departures.guild_id": Holds.SERVER,
    "migrations.name": Holds.NEITHER,
}
"""Every column whose name says that it might."""

PersonRow = dict[str, object]


async def person_requests(
    transaction: Transaction, user_id: int, after: tuple[int, int]
) -> tuple[UsageRow, ...]:
    """Return some requests of a person in the order of asking; ``after`` is the time and id of one before."""
    after_at, after_id = after
    rows = await transaction.rows(
        "person_requests", user_id=user_id, after_at=after_at, after_id=after_id, most=BATCH
    )
    return tuple(usage_row(row) for row in rows)


async def person_rest(transaction: Transaction, user_id: int) -> tuple[PersonRow, ...]:
    """Return what is known of a person beside their requests and changes: the state of limits."""
    refusals = await transaction.rows("person_refusals", user_id=user_id)
    counters = await transaction.rows("person_counters", user_id=user_id)
    return (*_refusals(refusals), *_counters(counters))


async def person_changes(transaction: Transaction, user_id: int, after_id: int) -> tuple[PersonRow, ...]:
    """Return some of what a person changed in servers, oldest first; ``after_id`` is that of one before."""
    rows = await transaction.rows("person_changes", user_id=user_id, after_id=after_id, most=BATCH)
    return tuple(_change(row) for row in rows)


async def erase_requests(transaction: Transaction, user_id: int) -> int:
    """Let some requests of a person be nobody's; return how many: 0 when there are no more.

    What they asked in those that are under way is forgotten too: nobody begins these again.
    """
    await transaction.run("erase_asked", user_id=user_id)
    return len(await transaction.rows("erase_requests", user_id=user_id, most=BATCH))


async def erase_rest(transaction: Transaction, user_id: int, now: datetime) -> None:
    """Take a person out of everything else."""
    await transaction.run("nameless_days", name=str(user_id))
    await transaction.run("erase_days", name=str(user_id))
    await transaction.run("erase_refusals", user_id=user_id)
    await transaction.run("erase_counters", user_id=user_id, now=milliseconds(now))
    await transaction.run("erase_changes", user_id=user_id)


async def note_departure(transaction: Transaction, guild_id: int, now: datetime) -> None:
    """Remember that the bot is no longer in a server; what is remembered already stays."""
    await transaction.run("note_departure", guild_id=guild_id, at=milliseconds(now))


async def forget_departure(transaction: Transaction, guild_id: int) -> None:
    """The bot is in that server again."""
    await transaction.run("forget_departure", guild_id=guild_id)


async def departed(transaction: Transaction, before: datetime) -> tuple[int, ...]:
    """Return the servers that the bot left before."""
    return tuple(row["guild_id"] for row in await transaction.rows("departed", before=milliseconds(before)))


async def guilds_on_record(transaction: Transaction) -> frozenset[int]:
    """Return every server that the tables know of."""
    return frozenset(row["guild_id"] for row in await transaction.rows("guilds_on_record")) - {0}


async def drop_requests_of(transaction: Transaction, guild_id: int) -> int:
    """Drop some requests made in a server; return how many: 0 when there are no more."""
    return len(await transaction.rows("drop_guild_requests", guild_id=guild_id, most=BATCH))


async def drop_rest_of(transaction: Transaction, guild_id: int) -> None:
    """Drop everything else that is known of a server, limits last: others are found by them."""
    for table in ("days", "counters", "refusals", "notices", "limits", "settings", "changes"):
        await transaction.run(f"drop_guild_{table}", guild_id=guild_id)
    await transaction.run("forget_departure", guild_id=guild_id)


async def retentions(transaction: Transaction) -> dict[int, int]:
    """Return how many days records are kept in the servers whose admins chose."""
    found = {
        row["guild_id"]: loaded({row["name"]: row["value"]}).retention_days
        for row in await transaction.rows("retentions")
    }
    return {guild_id: days for guild_id, days in found.items() if days is not None}


async def expire_requests(transaction: Transaction, guild_id: int | None, before: datetime) -> int:
    """Drop some old requests of a server, or (None) of all places that chose nothing; return how many."""
    rows = await transaction.rows(
        "expire_requests", guild_id=guild_id, before=milliseconds(before), most=BATCH
    )
    return len(rows)


async def expire_rest(transaction: Transaction, guild_id: int | None, before: datetime) -> None:
    """Drop old changes, and take people out of old sums."""
    days = {"guild_id": guild_id, "before_day": milliseconds(before) // DAY_MS}
    await transaction.run("nameless_old_days", **days)
    await transaction.run("expire_days", **days)
    await transaction.run("expire_changes", guild_id=guild_id, before=milliseconds(before))


def cutoff(now: datetime, days: int) -> datetime:
    """Return the time before which records are too old."""
    return now - timedelta(days=days)


def _refusals(rows: Any) -> Iterator[PersonRow]:  # noqa: ANN401 - rows
    for row in rows:
        yield {
            "kind": "refused",
            "limit": row["limit_id"],
            "until": moment(row["window_end"]).isoformat(),
            "times": row["count"],
        }


def _counters(rows: Any) -> Iterator[PersonRow]:  # noqa: ANN401 - rows
    for row in rows:
        yield {
            "kind": "counted",
            "limit": row["limit_id"],
            "metric": row["metric"],
            "window": row["window"],
            "used": row["used"],
        }


def _change(row: Row) -> PersonRow:
    return {
        "kind": "changed",
        "id": row["id"],
        "guild_id": row["guild_id"],
        "at": moment(row["at"]).isoformat(),
        "what": row["kind"],
        "place": row["place"],
        "place_id": row["place_id"],
        "name": row["name"],
        "before": json.loads(row["value_before"]),
        "after": json.loads(row["value_after"]),
    }
