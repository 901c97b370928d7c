"""The table ``audit``: who changed what in a server.

Every change of an admin's goes through `audited`, so a change and its row are written together or not at all,
and nobody overwrites what they have not seen.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import TypeAlias

from bot.domain import Place
from bot.errors import Refused
from bot.i18n import N_
from bot.store.driver import Row, Transaction
from bot.store.rows import milliseconds, moment

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

STAMP_BYTES = 4


class ChangeKind(StrEnum):
    """What was changed."""

    SETTING = "setting"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Change:
    """What an admin does to one thing: a setting or a limit at a place of a server.

    ``id`` is time-ordered. ``name`` tells things of a kind at one place apart: a setting's name, a limit's
    id. ``after`` is what it becomes, None to take it away. ``seen`` is the `stamp` of what the admin saw
    before, or None where they were shown nothing.
    """

    id: int
    guild_id: int
    user_id: int
    at: datetime
    kind: ChangeKind
    place: Place
    place_id: int
    name: str
    after: Json
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A change that was made; ``before`` and ``after`` are None where there was, or is, nothing."""

    id: int
    guild_id: int
    user_id: int
    at: datetime
    kind: ChangeKind
    place: Place
    place_id: int
    name: str
    before: Json
    after: Json


class ChangedMeanwhile(Refused):
    """Somebody changed the thing after the admin looked at it; nothing was written.

    ``now`` is what it is; ``last`` is who made it so, where that is known.
    """

    message = N_("Somebody else has changed this since you looked. Look at it again, then decide.")

    def __init__(self, change: Change, now: Json, last: AuditRow | None) -> None:
        super().__init__()
        self.change = change
        self.now = now
        self.last = last


def stamp(value: Json) -> str:
    """Return eight characters that stand for a value, to carry what somebody saw in a button's id.

    >>> stamp(None) == stamp(None) != stamp(False)
    True
    """
    dumped = json.dumps(value, sort_keys=True).encode()
    return blake2b(dumped, digest_size=STAMP_BYTES).hexdigest()


async def audited(
    transaction: Transaction, change: Change, before: Json, write: Callable[[], Awaitable[None]]
) -> bool:
    """Write a change together with the row that tells of it; return whether there was something to change.

    ``before`` is what the thing is, read in this same transaction; ``write`` makes it ``change.after``.

    Raises:
        ChangedMeanwhile: it is not what the admin saw.
    """
    if before == change.after:
        return False
    if change.seen not in {None, stamp(before)}:
        raise ChangedMeanwhile(change, before, await last_change(transaction, change))
    await write()
    await transaction.run(
        "write_audit",
        id=change.id,
        guild_id=change.guild_id,
        user_id=change.user_id,
        at=milliseconds(change.at),
        kind=change.kind.value,
        place=change.place.value,
        place_id=change.place_id,
        name=change.name,
        value_before=json.dumps(before),
        value_after=json.dumps(change.after),
    )
    return True


async def last_change(transaction: Transaction, change: Change) -> AuditRow | None:
    """Return the change of the same thing that was made last in the same server, or None."""
    row = await transaction.row(
        "last_audit",
        guild_id=change.guild_id,
        place=change.place.value,
        place_id=change.place_id,
        kind=change.kind.value,
        name=change.name,
    )
    return None if row is None else _audit_row(row)


async def audit_page(
    transaction: Transaction, guild_id: int, before_id: int, count: int
) -> tuple[AuditRow, ...]:
    """Return at most ``count`` changes in a server that are older than an id, newest first."""
    rows = await transaction.rows("audit_page", guild_id=guild_id, before_id=before_id, count=count)
    return tuple(_audit_row(row) for row in rows)


def _audit_row(row: Row) -> AuditRow:
    return AuditRow(
        id=row["id"],
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        at=moment(row["at"]),
        kind=ChangeKind(row["kind"]),
        place=Place(row["place"]),
        place_id=row["place_id"],
        name=row["name"],
        before=json.loads(row["value_before"]),
        after=json.loads(row["value_after"]),
    )
