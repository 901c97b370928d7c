"""Looks up what the records say of requests, and how full limits are; changes and reserves nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from bot.domain import Command, Limit, Scope
from bot.ids import RANDOM_BITS
from bot.limits.entries import Level
from bot.limits.memory import OpenCall, OpenRequest
from bot.limits.standing import Overview, free_of, overview, standing
from bot.store import PredictionRow, Store, Transaction, UsageRow
from bot.store.counters import limits_reaching
from bot.store.rows import Amounts
from bot.store.usage import named_since, open_usage_of, predictions_of, usage_of

SHORTLY_MS = 5 * 60 * 1000
"""Milliseconds before a call in which others may have begun whose predictions are told as made since."""


class Details(NamedTuple):
    """The record of one request and of its calls."""

    usage: UsageRow
    predictions: tuple[PredictionRow, ...]


class Lookup:
    """Reads beside those that write.

    Every method raises `bot.store.StoreUnavailable` where the database cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def details(self, request_id: int) -> Details | None:
        """Return the record of a request, or None where there is none."""

        async def work(transaction: Transaction) -> Details | None:
            row = await usage_of(transaction, request_id)
            return None if row is None else Details(row, await predictions_of(transaction, request_id))

        return await self._store.read(work)

    async def open_request(self, request_id: int) -> OpenRequest | None:
        """Return what the process that admitted a request knew of it; None where it has ended."""

        async def work(transaction: Transaction) -> OpenRequest | None:
            found = await open_usage_of(transaction, request_id)
            if found is None:
                return None
            reaching = await limits_reaching(transaction, found.scope)
            limits = {stored.limit.id: stored.limit for stored in reaching}
            held = {hold: limits[hold.limit_id] for hold in found.holds if hold.limit_id in limits}
            calls = await predictions_of(transaction, request_id)
            reserved = found.reserved + Amounts(requests=1, concurrent=1)
            return OpenRequest(reserved, held, {call.id: _open_call(call) for call in calls})

        return await self._store.read(work)

    async def known_since(self, call_id: int) -> frozenset[str]:
        """Return the providers' ids of the calls that began since shortly before this one."""

        async def work(transaction: Transaction) -> frozenset[str]:
            return await named_since(transaction, call_id - (SHORTLY_MS << RANDOM_BITS))

        return await self._store.read(work)

    async def standing(
        self, scopes: Iterable[Scope], command: Command, now: datetime
    ) -> list[tuple[Level, ...]]:
        """Return how full the limits are that apply to a command in each scope."""

        async def work(transaction: Transaction) -> list[tuple[Level, ...]]:
            return [await standing(transaction, scope, command, now) for scope in scopes]

        return await self._store.read(work)

    async def overview(self, scope: Scope, now: datetime) -> Overview:
        """Return the limits of a scope's server, and how they stand for its person."""

        async def work(transaction: Transaction) -> Overview:
            return await overview(transaction, scope, now)

        return await self._store.read(work)

    async def free_of(self, limit: Limit, scopes: Iterable[Scope], command: Command) -> tuple[Scope, ...]:
        """Return the scopes in a server where one of its limits does not apply to a command."""

        async def work(transaction: Transaction) -> tuple[Scope, ...]:
            return await free_of(transaction, limit, scopes, command)

        return await self._store.read(work)


def _open_call(call: PredictionRow) -> OpenCall:
    bound = Amounts(tokens=call.reserved_tokens, cost=call.reserved_cost)
    ended = call.taken if call.ended_at is not None else None
    return OpenCall(bound, created=call.provider_id is not None, ended=ended)
