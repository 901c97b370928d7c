"""The tables ``usage`` and ``predictions``: every write does nothing the second time.

A row that is settled is added to the sums of its day in the same transaction (see `usage_days`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain import Ending, Model, PredictionState, Request, Scope, Stage, Surroundings, Tokens
from bot.store.driver import Row, Transaction
from bot.store.rows import (
    Amounts,
    Hold,
    PredictionRow,
    UsageRow,
    dump_holds,
    load_holds,
    milliseconds,
    moment,
    prediction_row,
    usage_row,
)

NOBODY: Final = 0
"""The person of a request whose data was erased."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settled row gave back: its reservation and the counters that held it."""

    reserved: Amounts
    holds: tuple[Hold, ...]
    is_nobodys: bool
    """Whether its person's data was erased while it was open."""


@dataclass(frozen=True, slots=True)
class OpenUsage:
    """An open row: its places without roles, when it was asked, what it has reserved, and the counters that
    hold it.
    """

    scope: Scope
    asked_at: datetime
    reserved: Amounts
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a request ended, for its row. Durations are milliseconds since it was asked."""

    ending: Ending
    error: str | None
    first_text_ms: int | None
    total_ms: int | None
    settled_at: datetime
    read: Mapping[str, int | str]


async def open_usage(
    transaction: Transaction, request: Request, model: str, reserved: Amounts, holds: tuple[Hold, ...]
) -> bool:
    """Write the open row; False where there is one already."""
    row = await transaction.row(
        "open_usage",
        **_asked(request, model),
        reserved_tokens=reserved.tokens,
        reserved_cost=reserved.cost,
        holds=dump_holds(holds),
    )
    return row is not None


async def refuse_usage(
    transaction: Transaction, request: Request, model: str, error: str, now: datetime
) -> None:
    """Write the settled row of a request that was not admitted."""
    row = await transaction.row(
        "refuse_usage", **_asked(request, model), error=error, settled_at=milliseconds(now)
    )
    if row is not None:
        await transaction.run("count_usage", id=request.id, times=1)


async def raise_reservation(transaction: Transaction, usage_id: int, by: Amounts) -> OpenUsage | None:
    """Add to an open row's reservation; return what there is to know of it, or None where it is not open."""
    row = await transaction.row("raise_reservation", id=usage_id, tokens=by.tokens, cost=by.cost)
    return None if row is None else _open_usage(row)


async def open_usage_of(transaction: Transaction, usage_id: int) -> OpenUsage | None:
    """Return what there is to know of an open row, or None where it is not open."""
    row = await transaction.row("usage_row", id=usage_id)
    return None if row is None or row["state"] != "open" else _open_usage(row)


async def note_usage(transaction: Transaction, usage_id: int, read: Mapping[str, int | str]) -> None:
    """Write what went into an open request so far."""
    await transaction.run("note_usage", id=usage_id, facts=_facts(read))


async def settle_usage(
    transaction: Transaction,
    usage_id: int,
    owner: int,
    verdict: Verdict,
    tokens: Tokens,
    cost: int,
    counts: int,
) -> Settled | None:
    """Settle an open row; None where somebody else has, or where another process than this owner goes on
    with its answer.
    """
    row = await transaction.row(
        "settle_usage",
        id=usage_id,
        owner=owner,
        ending=verdict.ending.value,
        error=verdict.error,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cost=cost,
        first_text_ms=verdict.first_text_ms,
        total_ms=verdict.total_ms,
        counts=counts,
        settled_at=milliseconds(verdict.settled_at),
        facts=_facts(verdict.read),
    )
    if row is None:
        return None
    await transaction.run("count_usage", id=usage_id, times=1)
    is_nobodys = row["user_id"] == NOBODY
    if is_nobodys:
        # What it held of limits named the person.
        await transaction.run("forget_holds", id=usage_id)
    reserved = Amounts(requests=1, tokens=row["reserved_tokens"], cost=row["reserved_cost"], concurrent=1)
    return Settled(reserved, load_holds(row["holds"]), is_nobodys)


async def usage_of(transaction: Transaction, usage_id: int) -> UsageRow | None:
    """Return a request's row."""
    row = await transaction.row("usage_row", id=usage_id)
    return None if row is None else usage_row(row)


async def begin_prediction(
    transaction: Transaction,
    call_id: int,
    usage_id: int,
    model: Model,
    bound: Amounts,
    settings: Mapping[str, object],
    now: datetime,
    stage: Stage,
    fingerprint: str | None,
) -> bool:
    """Write the row of a call that is about to be made; False where there is one already."""
    row = await transaction.row(
        "begin_prediction",
        id=call_id,
        usage_id=usage_id,
        provider=model.provider.value,
        model=model.name,
        reserved_tokens=bound.tokens,
        reserved_cost=bound.cost,
        created_at=milliseconds(now),
        settings=json.dumps(dict(settings)),
        stage=stage.value,
        fingerprint=fingerprint,
    )
    return row is not None


async def name_prediction(transaction: Transaction, call_id: int, provider_id: str) -> PredictionRow | None:
    """Add the provider's own id, once; return the call if its request was settled before."""
    return _late(await transaction.row("name_prediction", id=call_id, provider_id=provider_id))


async def end_prediction(
    transaction: Transaction,
    call_id: int,
    owner: int,
    state: PredictionState,
    tokens: Tokens,
    cost: int,
    now: datetime,
) -> PredictionRow | None:
    """Write how a call ended, once, unless another process than this owner goes on with its answer; return
    the call if its request was settled before.
    """
    row = await transaction.row(
        "end_prediction",
        id=call_id,
        owner=owner,
        state=state.value,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cost=cost,
        ended_at=milliseconds(now),
    )
    return _late(row)


async def correct_usage(
    transaction: Transaction, usage_id: int, tokens: Tokens, cost: int
) -> tuple[Amounts, tuple[Hold, ...]]:
    """Add to what a settled request used, which is negative where it used less; return what its limits are to
    be corrected by, and the counters.
    """
    before = await usage_of(transaction, usage_id)
    await transaction.run("count_usage", id=usage_id, times=-1)
    row = await transaction.row(
        "correct_usage", id=usage_id, input_tokens=tokens.input, output_tokens=tokens.output, cost=cost
    )
    if before is None or row is None:
        return Amounts(), ()
    await transaction.run("count_usage", id=usage_id, times=1)
    # One that gave everything back has used something after all.
    return Amounts(1 - before.counts, tokens.total, cost), load_holds(row["holds"])


async def predictions_of(transaction: Transaction, usage_id: int) -> tuple[PredictionRow, ...]:
    """Return a request's calls in their order."""
    return tuple(prediction_row(row) for row in await transaction.rows("predictions_of", usage_id=usage_id))


async def named_since(transaction: Transaction, call_id: int) -> frozenset[str]:
    """Return the providers' ids of the calls with this id or a later one."""
    rows = await transaction.rows("named_since", id=call_id)
    return frozenset(row["provider_id"] for row in rows)


def _asked(request: Request, model: str) -> dict[str, object]:
    """The columns that say who asked what, where and when."""
    scope = request.scope
    return {
        "id": request.id,
        "user_id": scope.user_id,
        "guild_id": scope.guild_id,
        "category_id": scope.category_id,
        "channel_id": scope.channel_id,
        "thread_id": scope.thread_id,
        "surroundings": scope.surroundings.value,
        "command": request.command.value,
        "model": model,
        "visibility": request.visibility.value,
        "locale": request.locale,
        "asked_at": milliseconds(request.asked_at),
    }


def _facts(read: Mapping[str, int | str]) -> str:
    return json.dumps(dict(read))


def _late(row: Row | None) -> PredictionRow | None:
    return prediction_row(row) if row is not None and row["request_state"] == "settled" else None


def _open_usage(row: Row) -> OpenUsage:
    scope = Scope(
        surroundings=Surroundings(row["surroundings"]),
        user_id=row["user_id"],
        channel_id=row["channel_id"],
        guild_id=row["guild_id"],
        category_id=row["category_id"],
    )
    reserved = Amounts(tokens=row["reserved_tokens"], cost=row["reserved_cost"])
    return OpenUsage(scope, moment(row["asked_at"]), reserved, load_holds(row["holds"]))
