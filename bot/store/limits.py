"""What admins do to the limits of their server: each change is in the audit, or not made."""

from typing import Any, Final

from bot.domain import Command, Limit, Metric, Subject, Window
from bot.errors import Refused
from bot.i18n import N_
from bot.store.audit import AuditRow, Change, Json, audited
from bot.store.counters import clear_limit, limits_in, put_limit
from bot.store.driver import Transaction

MOST_LIMITS: Final = 100
"""Limits that a server may have, so that looking at them and checking them stays quick."""
TOO_MANY: Final = N_(
    "This server has {most} limits, and there can be no more. Clear one first: /limits clear."
)


def limit_json(limit: Limit) -> Json:
    """Return what the audit says of a limit, beside its place and its id."""
    return {
        "subject": limit.subject.value,
        "role_id": limit.role_id,
        "metric": limit.metric.value,
        "window": limit.window.value,
        "command": None if limit.command is None else limit.command.value,
        "amount": limit.amount,
    }


def limit_of(told: Change | AuditRow, value: Any) -> Limit:  # noqa: ANN401 - JSON
    """Return the limit that a change or the audit speaks of, where ``value`` is what it says of it.

    Raises:
        KeyError, TypeError, ValueError: a newer version wrote it.
    """
    return Limit(
        id=int(told.name),
        place=told.place,
        place_id=told.place_id,
        subject=Subject(value["subject"]),
        metric=Metric(value["metric"]),
        window=Window(value["window"]),
        amount=int(value["amount"]),
        role_id=int(value["role_id"]),
        command=None if value["command"] is None else Command(value["command"]),
        guild_id=told.guild_id,
    )


async def change_limit(transaction: Transaction, change: Change) -> bool:
    """Set or clear a limit; return whether that changed anything. ``change.name`` is the limit's id.

    Raises:
        ChangedMeanwhile: the limit is not what the admin saw.
        Refused: the server has as many limits as it may.
    """
    limit_id = int(change.name)
    known = {stored.limit.id: stored.limit for stored in await limits_in(transaction, change.guild_id)}
    before = limit_json(known[limit_id]) if limit_id in known else None

    async def write() -> None:
        if change.after is None:
            await clear_limit(transaction, limit_id)
            return
        if before is None and len(known) >= MOST_LIMITS:
            raise Refused(TOO_MANY, most=MOST_LIMITS)
        await put_limit(transaction, limit_of(change, change.after), change.at)

    return await audited(transaction, change, before, write)
