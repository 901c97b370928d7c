"""How full the limits are for somebody somewhere, without asking for anything: only reads."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from bot.domain import Command, Limit, Model, Scope, Tokens
from bot.errors import Refused
from bot.limits.entries import Level, check_price, within
from bot.limits.resolve import for_anybody, hold, resolve
from bot.store import Transaction, counters
from bot.store.refusals import refusals_of
from bot.store.rows import Amounts, StoredLimit


class Standing(NamedTuple):
    """How a limit stands that applies to somebody in a place."""

    limit: Limit
    level: Level | None
    """How full it is for the one who looks; None where it does not hold them."""
    refused: int
    """How often it refused somebody in windows that last; 0 for the operator's."""


class Overview(NamedTuple):
    """The limits of a server, for one who looks at a place."""

    here: tuple[Standing, ...]
    everywhere: tuple[Limit, ...]
    """All that its admins set, at whatever place."""


async def standing(
    transaction: Transaction, scope: Scope, command: Command, now: datetime
) -> tuple[Level, ...]:
    """Return the limits that apply to a command in a scope, each with what its counter shows."""
    reaching = {stored.limit.id: stored for stored in await counters.limits_reaching(transaction, scope)}
    limits = resolve((stored.limit for stored in reaching.values()), scope, command)
    return tuple([await _level(transaction, reaching[limit.id], scope, now) for limit in limits])


async def overview(transaction: Transaction, scope: Scope, now: datetime) -> Overview:
    """Return the limits that apply in a scope to anybody, and all of its server, for the scope's person."""
    guild_id = scope.guild_id or 0
    reaching = {stored.limit.id: stored for stored in await counters.limits_reaching(transaction, scope)}
    known = [stored.limit for stored in reaching.values()]
    theirs = {limit.id for command in Command for limit in resolve(known, scope, command)}
    refused = await refusals_of(transaction, guild_id, now)
    here = []
    for limit in for_anybody(known, scope):
        level = None
        if limit.id in theirs:
            level = await _level(transaction, reaching[limit.id], scope, now)
        here.append(Standing(limit, level, refused.get(limit.id, 0)))
    everywhere = tuple(stored.limit for stored in await counters.limits_in(transaction, guild_id))
    return Overview(tuple(here), everywhere)


def refusal(levels: Iterable[Level], model: Model, bound: Tokens) -> Refused | None:
    """Return what admission would refuse a request with, or None; ``levels`` are as they are before it."""
    amounts = Amounts(1, bound.total, model.cost(bound), 1)
    after = []
    for level in levels:
        taken = amounts.of(level.limit.metric)
        after.append(Level(level.limit, level.hold, taken, level.used + taken))
    try:
        check_price(model, (level.limit for level in after))
        within(tuple(after))
    except Refused as error:
        return error
    return None


async def free_of(
    transaction: Transaction, limit: Limit, scopes: Iterable[Scope], command: Command
) -> tuple[Scope, ...]:
    """Return the scopes in a server where one of its limits does not apply."""
    known = [stored.limit for stored in await counters.limits_in(transaction, limit.guild_id)]
    return tuple(
        scope for scope in scopes if limit.id not in {found.id for found in resolve(known, scope, command)}
    )


async def _level(transaction: Transaction, stored: StoredLimit, scope: Scope, now: datetime) -> Level:
    held = hold(stored.limit, scope, now, stored.zone)
    return Level(stored.limit, held, 0, await counters.shown(transaction, stored, held, scope))
