"""The ledger: admits requests within their limits, and keeps the record of each until it is settled.

Admission is one transaction that takes an upper bound from the counter of every limit that applies and writes
the open usage row; it is rolled back when a counter passes its limit. So nothing can be overspent, however
many ask at once. Settling, exactly once, corrects the counters to what was used.

When the database cannot be written within two seconds, people are still served, from a small allowance in
memory, and what is to be recorded is kept and written when the database is back (see `Journal`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from bot.anchor import Anchor
from bot.domain import (
    AskOptions,
    Ending,
    Limit,
    Model,
    Place,
    PredictionState,
    Request,
    Stage,
    Tokens,
)
from bot.errors import PassedOn, Refused
from bot.i18n import N_
from bot.ids import Clock, Ids, utc_now
from bot.limits.admissions import Admissions
from bot.limits.calls import Call, Created, Ended, Growth
from bot.limits.entries import (
    Admission,
    Forgetting,
    Level,
    PlaceLimits,
    Settlement,
    check_price,
    gives_back,
    within,
)
from bot.limits.journal import RETRY_SECONDS, Journal
from bot.limits.leases import Leases
from bot.limits.lookup import Lookup
from bot.limits.memory import Memory, OpenCall, OpenRequest, amounts_of
from bot.limits.refusals import Refusals
from bot.limits.resolve import identified
from bot.seal import Seal
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.inflight import was_taken
from bot.store.rows import Amounts, Hold
from bot.store.usage import Verdict

FORGET_EVERY = timedelta(hours=1)
FORGET_AFTER = timedelta(days=1)
"""Counters are dropped so long after their window ended: no request lasts that long."""


class Ledger:
    """Keeps the account of every request."""

    def __init__(self, store: Store, seal: Seal, clock: Clock, retry_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._ids = Ids(clock)
        self._memory = Memory()
        self._journal = Journal(store, self._returned, retry_seconds)
        self._refusals = Refusals(store, self._journal, self._memory, clock, self._noted)
        self.lookup = Lookup(store)
        self.leases = Leases(store, self._journal, clock, self._ids.new(), seal)
        self._admissions = Admissions(store, self._journal, self._memory, clock, self.leases.owner)
        self._forget_at = clock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_notice: Callable[[], None] = lambda: None
        """Called when notices to admins may have become due; it must not wait."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls, store: Store, seal: Seal, clock: Clock = utc_now, retry_seconds: float = RETRY_SECONDS
    ) -> AsyncIterator["Ledger"]:
        """Keep the accounts in a store, and requests under way sealed; on leaving, settle what is still open
        here and write what is kept.
        """
        ledger = cls(store, seal, clock, retry_seconds)
        try:
            yield ledger
        finally:
            await ledger.close()

    @property
    def kept(self) -> int:
        """How many records wait in memory because the database cannot be written."""
        return self._journal.kept

    async def close(self) -> None:
        """Settle what this process has left open, and write what is kept in memory."""
        try:
            for request_id in list(self._memory.opened):
                await self.settle(request_id, Ending.SHUTDOWN)
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._journal.close()

    async def set_operator_limits(self, limits: Iterable[Limit]) -> None:
        """Make these the limits at place ``bot``; their ids follow from what they are for.

        Raises:
            ValueError: two are for the same thing, or one is for another place.
        """
        wanted = tuple(identified(limit) for limit in limits)
        if len({limit.id for limit in wanted}) < len(wanted):
            raise ValueError(
                "two of the operator's limits are for the same subject, metric, window and command"
            )
        if any(limit.place is not Place.BOT for limit in wanted):
            raise ValueError("the operator's limits are at place 'bot'")
        self._memory.limits = wanted
        await self._journal.write(PlaceLimits(Place.BOT, 0, wanted, self._clock()))

    async def admit(
        self,
        request: Request,
        model: Model,
        bound: Tokens,
        anchor: Anchor | None = None,
        instead_of: str | None = None,
    ) -> None:
        """Take ``bound`` from every limit that applies and write the open usage row, or neither.

        With an ``anchor``, which says where the answer will stand, it is put on record as under way;
        ``instead_of`` names the model that should have answered, where this one does.

        Raises:
            LimitReached: a limit leaves too little; the one that takes longest to reset. PassedOn: another
            process has begun to answer the same command or message. Refused: a cost limit applies and the
            model's price is not known, or the database is away and the allowance used up.
        """
        opened = OpenRequest(Amounts(1, bound.total, model.cost(bound), 1))
        underway = None if anchor is None else self.leases.opened(request, anchor, instead_of)
        admission = Admission(_wordless(request), model.name, opened.reserved, underway)
        self._memory.opened[request.id] = opened
        try:
            await self._admissions.admit(admission, model, opened)
        except Refused as error:
            del self._memory.opened[request.id]
            self.leases.forget(request.id)
            if not isinstance(error, PassedOn):
                await self._refusals.of_request(admission, error)
            raise
        self._forget_now_and_then()

    async def take_up(self, request_id: int) -> None:
        """Know of an open request that another process admitted, so that more calls can be made for it.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        opened = await self.lookup.open_request(request_id)
        if opened is not None:
            self._memory.opened[request_id] = opened

    async def call(
        self,
        request_id: int,
        model: Model,
        bound: Tokens,
        settings: Mapping[str, object],
        *,
        stage: Stage = Stage.LAST,
        fingerprint: str | None = None,
        read: Mapping[str, int | str] | None = None,
    ) -> int:
        """Write the row of a model call that is about to be made; return its id.

        ``fingerprint`` is a hash of its input, by which it is found when its provider's id is never told;
        ``read`` is what went into the request so far, for its Details.

        Where what the request has used, or may still use in calls under way, and this call's bound are more
        than is reserved, the reservation grows, within the limits.

        Raises:
            LimitReached: they leave too little.
            PassedOn: another process goes on with the request, and makes its calls.
            Refused: the request is not open, or a cost limit applies and the model's price is not known.
        """
        opened = self._opened(request_id)
        check_price(model, opened.limits.values())
        amounts = amounts_of(bound, model.cost(bound))
        raised = opened.missing(amounts)
        now = self._clock()
        call = Call(
            self._ids.new(),
            request_id,
            model,
            amounts,
            raised,
            settings,
            now,
            stage,
            fingerprint,
            dict(read or {}),
        )
        # At once, so that another call of this request, made meanwhile, sees it.
        opened.calls[call.id] = OpenCall(amounts)
        opened.reserved += raised
        try:
            await self._call(call, opened)
        except Refused as error:
            del opened.calls[call.id]
            opened.reserved -= raised
            await self._refusals.of_call(request_id, error)
            raise
        return call.id

    async def reserve(self, request_id: int, model: Model, bound: Tokens) -> None:
        """Have enough for several calls before the first of them is made; ``bound`` is that of all together.

        While the database is away each call is looked at by itself.

        Raises:
            LimitReached: the limits leave too little.
            PassedOn: another process goes on with the request.
            Refused: the request is not open.
        """
        opened = self._opened(request_id)
        raised = opened.missing(amounts_of(bound, model.cost(bound)))
        growth = Growth(request_id, raised)

        async def work(transaction: Transaction) -> tuple[Level, ...]:
            await self._require_ours(transaction, request_id)
            return within(await growth.write(transaction))

        if self._journal.away:
            return
        try:
            self._memory.saw(await self._store.write(work))
        except StoreUnavailable:
            # Whatever was written of it is given back when the request settles.
            return
        except Refused as error:
            await self._refusals.of_call(request_id, error)
            raise
        opened.reserved += raised

    async def created(self, call_id: int, provider_id: str) -> None:
        """Add the provider's id to a call's row."""
        if (call := self._open_call(call_id)) is not None:
            call.created = True
        await self._journal.write(Created(call_id, provider_id))

    async def known_since(self, call_id: int) -> frozenset[str]:
        """Return the providers' ids of the calls that began since shortly before this one, and of those of
        which that is still to be written.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        # In this order: what is written meanwhile is in both.
        kept = {entry.provider_id for entry in self._journal.entries if isinstance(entry, Created)}
        return await self.lookup.known_since(call_id) | kept

    async def ended(self, call_id: int, state: PredictionState, tokens: Tokens, cost: int) -> None:
        """Write how a call ended and what it used (nano-dollars); only the first time counts."""
        call = self._open_call(call_id)
        if call is not None and call.ended is None:
            call.ended = amounts_of(tokens, cost)
        await self._journal.write(self._end(call_id, state, tokens, cost))

    async def settle(
        self,
        request_id: int,
        ending: Ending,
        *,
        error: str | None = None,
        first_text_ms: int | None = None,
        total_ms: int | None = None,
        read: Mapping[str, int | str] | None = None,
    ) -> bool:
        """End a request, once; return whether this call was the one. What another process goes on with is its
        to settle.

        Its row says how it ended, and its limits keep what was used.

        A call whose end was never told counts with its bound, unless its provider's id is not known either. A
        request that failed and used nothing gives everything back.
        """
        settlement = Settlement(
            request_id,
            self.leases.owner,
            Verdict(ending, error, first_text_ms, total_ms, self._clock(), dict(read or {})),
        )
        opened = self._memory.opened.get(request_id)
        kept = Amounts() if opened is not None and gives_back(ending, opened.used) else None
        if not self._journal.away:
            try:
                written = await self._store.write(settlement.write)
            except StoreUnavailable as unavailable:
                return self._settle_later(settlement, kept, unavailable)
            if written.noted:
                self._noted()
            # While this was written, another's settlement may have been kept for later: then that one counts.
            return (self._memory.close(request_id, kept) or opened is None) and written.settled
        return self._settle_later(settlement, kept)

    def pass_on(self, request_id: int) -> None:
        """Forget an open request that another process settles: no more calls are made for it here."""
        self._memory.close(request_id, None)

    async def _call(self, call: Call, opened: OpenRequest) -> None:
        """Write a call, or keep it while the store is away; within the limits, as far as they are known."""

        async def work(transaction: Transaction) -> tuple[Level, ...]:
            await self._require_ours(transaction, call.usage_id)
            return within(await call.write(transaction))

        why: StoreUnavailable | None = None
        if not self._journal.away:
            try:
                self._memory.saw(await self._store.write(work))
            except StoreUnavailable as error:
                why = error
            else:
                return
        levels = self._memory.levels(_touched(opened, call.raised), call.raised)
        try:
            self._memory.saw(within(levels))
        except Refused:
            if why is not None:
                # It may be on record all the same.
                self._journal.keep(self._end(call.id, PredictionState.ABORTED, Tokens(), 0), why)
            raise
        self._journal.keep(call, why)

    def _end(self, call_id: int, state: PredictionState, tokens: Tokens, cost: int) -> Ended:
        return Ended(call_id, self.leases.owner, state, tokens, cost, self._clock())

    async def _require_ours(self, transaction: Transaction, request_id: int) -> None:
        if await was_taken(transaction, request_id, self.leases.owner):
            raise PassedOn

    def _settle_later(
        self, settlement: Settlement, kept: Amounts | None, why: StoreUnavailable | None = None
    ) -> bool:
        if not self._memory.close(settlement.usage_id, kept):
            return False
        self._journal.keep(settlement, why)
        return True

    def _returned(self) -> None:
        """The database is back, and what was kept is in it."""
        self._memory.refill()
        self._noted()

    def _noted(self) -> None:
        self.on_notice()

    def _opened(self, request_id: int) -> OpenRequest:
        opened = self._memory.opened.get(request_id)
        if opened is None:
            raise Refused(N_("This request has ended already. Please ask again."))
        return opened

    def _open_call(self, call_id: int) -> OpenCall | None:
        found = (opened.calls.get(call_id) for opened in self._memory.opened.values())
        return next((call for call in found if call is not None), None)

    def _forget_now_and_then(self) -> None:
        now = self._clock()
        if now < self._forget_at:
            return
        self._forget_at = now + FORGET_EVERY
        task = asyncio.create_task(self._journal.write(Forgetting(now - FORGET_AFTER)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _wordless(request: Request) -> Request:
    """The request without anything the person wrote: no usage row holds it, not even while it waits."""
    return replace(request, words="", options=AskOptions(), file=None)


def _touched(opened: OpenRequest, raised: Amounts) -> list[tuple[Hold, Limit]]:
    return [(held, limit) for held, limit in opened.limits.items() if raised.of(held.metric)]
