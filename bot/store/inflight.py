"""The table ``inflight``: answers under way, each the business of one process for as long as its lease lasts.

A lease that is over may be taken by any process; transactions that write come one after the other, so by
exactly one. Every write does nothing the second time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.anchor import Anchor
from bot.store.driver import Row, Transaction
from bot.store.rows import milliseconds, moment


@dataclass(frozen=True, slots=True)
class InflightRow:
    """An answer under way: where it stands, its messages in their order, and what it answers."""

    request_id: int
    anchor: Anchor
    messages: tuple[int, ...]
    request: str | None
    """The request, sealed; None where an older version wrote the row."""
    taken: int
    """How often a process has taken it over."""
    instead_of: str | None
    """The model that should have answered, where the operator's second one does."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Whose an answer is, and until when."""

    owner: int
    until: datetime


async def open_inflight(
    transaction: Transaction,
    request_id: int,
    lease: Lease,
    anchor: Anchor,
    request: str,
    instead_of: str | None,
) -> bool:
    """Write the row of an answer that begins; ``request`` is sealed, ``instead_of`` a model's name. Return
    whether no other process has begun to answer the same.
    """
    row = await transaction.row(
        "open_inflight",
        request_id=request_id,
        owner=lease.owner,
        lease_until=milliseconds(lease.until),
        application_id=anchor.application_id,
        quoted=int(anchor.quoted),
        request=request,
        instead_of=instead_of,
        **_place(anchor),
    )
    return row is not None


async def move_inflight(
    transaction: Transaction, request_id: int, owner: int, anchor: Anchor, messages: Sequence[int]
) -> None:
    """Write where an answer stands by now, and its messages."""
    await transaction.run(
        "move_inflight",
        request_id=request_id,
        owner=owner,
        messages=json.dumps(list(messages)),
        **_place(anchor),
    )


async def renew_inflight(transaction: Transaction, lease: Lease) -> dict[int, bool]:
    """Give every answer of a process a new lease; return whether each is to stop, by the request it is of."""
    rows = await transaction.rows("renew_inflight", owner=lease.owner, lease_until=milliseconds(lease.until))
    return {row["request_id"]: row["stop_asked_at"] is not None for row in rows}


async def stop_inflight(transaction: Transaction, request_id: int, now: datetime) -> bool:
    """Ask the process that an answer belongs to, or will, to stop it; return whether it is under way."""
    return bool(await transaction.rows("stop_inflight", request_id=request_id, now=milliseconds(now)))


async def is_inflight(transaction: Transaction, request_id: int) -> bool:
    """Return whether a request's answer is under way, in whatever process."""
    return await transaction.row("inflight_row", request_id=request_id) is not None


async def was_taken(transaction: Transaction, request_id: int, owner: int) -> bool:
    """Return whether another process than this owner goes on with an answer, or has ended it."""
    return await transaction.row("taken_inflight", request_id=request_id, owner=owner) is not None


async def take_over_inflight(
    transaction: Transaction, lease: Lease, application_id: int, now: datetime, most: int
) -> tuple[InflightRow, ...]:
    """Take at most so many of an application's answers whose lease is over, the oldest first."""
    rows = await transaction.rows(
        "take_over_inflight",
        owner=lease.owner,
        lease_until=milliseconds(lease.until),
        application_id=application_id,
        now=milliseconds(now),
        most=most,
    )
    return tuple(sorted((_inflight_row(row) for row in rows), key=lambda row: row.request_id))


async def has_expired(transaction: Transaction, application_id: int, now: datetime) -> bool:
    """Return whether there is an answer of an application whose lease is over."""
    row = await transaction.row("expired_inflight", application_id=application_id, now=milliseconds(now))
    return row is not None and row["count"] > 0


async def close_inflight(transaction: Transaction, request_id: int, owner: int) -> None:
    """Delete the row of an answer that has ended, and by what its calls were found again, unless another
    process took it.
    """
    if await transaction.row("close_inflight", request_id=request_id, owner=owner) is not None:
        await transaction.run("forget_fingerprints", usage_id=request_id)


async def let_go_inflight(
    transaction: Transaction, request_id: int, owner: int, until: datetime, *, tried: bool
) -> None:
    """Make an answer nobody's, to be taken from then on; ``tried`` says that this time counts."""
    await transaction.run(
        "let_go_inflight",
        request_id=request_id,
        owner=owner,
        lease_until=milliseconds(until),
        tried=int(tried),
    )


async def forget_strays(transaction: Transaction, application_id: int, before: datetime) -> None:
    """Delete what other applications than this one have left behind, and nobody has taken since."""
    rows = await transaction.rows("forget_strays", application_id=application_id, before=milliseconds(before))
    for row in rows:
        await transaction.run("forget_fingerprints", usage_id=row["request_id"])


async def left_open(transaction: Transaction, before: datetime, most: int) -> tuple[int, ...]:
    """Return requests from before that are open, and have nobody who answers them."""
    rows = await transaction.rows("left_open", before=milliseconds(before), most=most)
    return tuple(row["id"] for row in rows)


def _place(anchor: Anchor) -> dict[str, object]:
    return {
        "channel_id": anchor.channel_id,
        "token": anchor.token,
        "expires_at": None if anchor.expires_at is None else milliseconds(anchor.expires_at),
        "reply_to": anchor.reply_to,
    }


def _inflight_row(row: Row) -> InflightRow:
    return InflightRow(
        request_id=row["request_id"],
        anchor=Anchor(
            application_id=row["application_id"],
            channel_id=row["channel_id"],
            token=row["token"],
            expires_at=None if row["expires_at"] is None else moment(row["expires_at"]),
            reply_to=row["reply_to"],
            quoted=bool(row["quoted"]),
        ),
        messages=tuple(json.loads(row["messages"])),
        request=row["request"],
        taken=row["taken"],
        instead_of=row["instead_of"],
    )
