"""Answers under way, on record so that another process can go on with them when this one dies.

A row is written in the transaction that admits its request, follows its messages, and is deleted when the
answer stands on the screen. It belongs to this process for as long as its lease lasts; one statement every
few seconds renews all of them. Only a lease that is over may be taken, and only by a process that has been in
touch with the database for as long as a lease lasts: when that was away from everybody, nobody could renew,
and not all hear at once that it is back. The clocks of processes that share a database have to agree within a
few seconds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.anchor import Anchor
from bot.domain import Request
from bot.ids import Clock
from bot.limits import inflight
from bot.limits.inflight import Closed, LetGo, Moved, Opened
from bot.limits.journal import Journal
from bot.seal import Seal
from bot.store import Store, Transaction
from bot.store.inflight import (
    InflightRow,
    Lease,
    forget_strays,
    has_expired,
    is_inflight,
    left_open,
    renew_inflight,
    stop_inflight,
    take_over_inflight,
    was_taken,
)

RENEW_SECONDS = 5.0
"""How often leases are renewed, and others' looked at."""
LEFT_OPEN = timedelta(hours=1)
"""Age at which no prediction can still run (the longest request takes half an hour, and a minute to show)."""
MOST_LEFT_OPEN = 100
"""Requests that are released at a time."""


class Leases:
    """The answers of one process, ``owner``."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, owner: int, seal: Seal) -> None:
        self.owner = owner
        self._seal = seal
        self._store = store
        self._journal = journal
        self._clock = clock
        self._ours: set[int] = set()
        self._leaving: set[int] = set()
        """Those of which it is being written that they are ours no longer."""
        self._unsure: frozenset[int] = frozenset()
        """Those of ours that were not renewed: not on record yet, or another's by now."""
        self.to_stop: frozenset[int] = frozenset()
        """Those of ours that somebody told another process to stop, as of the last renewal."""
        self._renewed_at: datetime | None = None
        self._in_touch_at: datetime | None = None
        """When others have heard as well that the database is back."""

    def opened(self, request: Request, anchor: Anchor, instead_of: str | None = None) -> Opened:
        """Return the entry that puts an answer on record, for the transaction that admits it."""
        self._ours.add(request.id)
        return Opened(request.id, self.owner, self._clock, anchor, self._seal.sealed(request), instead_of)

    async def moved(self, request_id: int, anchor: Anchor, messages: Sequence[int]) -> None:
        """Write where an answer stands, and its messages."""
        if request_id in self._ours:
            await self._journal.write(Moved(request_id, self.owner, anchor, tuple(messages)))

    async def closed(self, request_id: int) -> None:
        """Delete the row of an answer that is on the screen, or never will be."""
        if request_id in self._ours:
            await self._leave(Closed(request_id, self.owner))

    def forget(self, request_id: int) -> None:
        """Know of an answer no more, since nothing is on record of it."""
        self._ours.discard(request_id)

    async def renew(self) -> bool:
        """Renew the leases of this process; return whether it may look for those that are over.

        Raises:
            StoreUnavailable: they could not be renewed.
        """
        lease, now, before = timedelta(seconds=inflight.LEASE_SECONDS), self._clock(), self._renewed_at
        renewed = await self._lease(inflight.LEASE_SECONDS)
        self._unsure = frozenset(self._ours - renewed.keys())
        self.to_stop = frozenset(request_id for request_id, stops in renewed.items() if stops)
        self._renewed_at = now
        if before is not None and now - before >= lease:
            self._in_touch_at = now + lease
        return self._in_touch_at is None or now >= self._in_touch_at

    async def lost(self) -> tuple[int, ...]:
        """Return the answers that are another process's by now, since this one could not renew them in time.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        unsure = self._unsure & self._ours
        if not unsure:
            return ()

        async def work(transaction: Transaction) -> tuple[int, ...]:
            return tuple([each for each in unsure if await was_taken(transaction, each, self.owner)])

        lost = await self._store.read(work)
        self._ours.difference_update(lost)
        return lost

    async def is_under_way(self, request_id: int) -> bool:
        """Return whether an answer is, here or in another process, or waits for one that goes on with it.

        Raises:
            StoreUnavailable: the database cannot be read.
        """

        async def work(transaction: Transaction) -> bool:
            return await is_inflight(transaction, request_id)

        return await self._store.read(work)

    async def stop(self, request_id: int) -> bool:
        """Let whoever goes on with an answer stop it; return whether it is under way anywhere.

        Raises:
            StoreUnavailable: it could not be written.
        """

        async def work(transaction: Transaction) -> bool:
            return await stop_inflight(transaction, request_id, self._clock())

        return await self._store.write(work)

    async def release(self) -> None:
        """Let others take at once what this process leaves behind: it is not ours any more, whatever becomes
        of it here.

        Raises:
            StoreUnavailable: it could not be written; then the lease runs out.
        """
        try:
            if self._ours:
                await self._lease(0.0)
        finally:
            self._ours.clear()

    async def let_go(self, request_id: int, *, tried: bool = False) -> None:
        """Leave an answer that cannot be gone on with now to whoever looks for one after a while; ``tried``
        where that is to be counted.
        """
        await self._leave(LetGo(request_id, self.owner, self._clock(), tried))

    async def take_over(self, application_id: int, most: int) -> tuple[InflightRow, ...]:
        """Take the answers of an application that processes left behind, at most so many.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """
        now = self._clock()

        async def look(transaction: Transaction) -> bool:
            return await has_expired(transaction, application_id, now)

        async def work(transaction: Transaction) -> tuple[InflightRow, ...]:
            lease = Lease(self.owner, now + timedelta(seconds=inflight.LEASE_SECONDS))
            return await take_over_inflight(transaction, lease, application_id, now, most)

        if not most or not await self._store.read(look):
            return ()
        rows = await self._store.write(work)
        self._ours |= {row.request_id for row in rows}
        return rows

    def request(self, row: InflightRow) -> Request | None:
        """Return what an answer that was taken answers, or None where that cannot be read here."""
        return None if row.request is None else self._seal.unsealed(row.request, row.request_id)

    async def left_open(self, application_id: int) -> tuple[int, ...]:
        """Return old requests that are open though nobody answers them; what another application left behind
        is taken off the record before, since it can be said with that one's token alone.

        Raises:
            StoreUnavailable: the database cannot be used now.
        """

        async def work(transaction: Transaction) -> tuple[int, ...]:
            before = self._clock() - LEFT_OPEN
            await forget_strays(transaction, application_id, before)
            return await left_open(transaction, before, MOST_LEFT_OPEN)

        return await self._store.write(work)

    async def _lease(self, seconds: float) -> dict[int, bool]:
        async def work(transaction: Transaction) -> dict[int, bool]:
            lease = Lease(self.owner, self._clock() + timedelta(seconds=seconds))
            renewed = await renew_inflight(transaction, lease)
            for request_id in self._unheard(renewed):
                await LetGo(request_id, self.owner, self._clock()).write(transaction)
            return renewed

        return await self._store.write(work)

    def _unheard(self, owned: Iterable[int]) -> set[int]:
        """Those that are ours on record alone: they were taken just when the database went away, so nobody
        here has heard of it.
        """
        unheard = set(owned) - self._ours - self._leaving
        # What is kept may be that they have ended. Looked at last: what leaves is kept before it has left.
        return set() if self._journal.away else unheard

    async def _leave(self, entry: Closed | LetGo) -> None:
        # In this order, since a transaction may look meanwhile, from a thread of its own.
        self._leaving.add(entry.request_id)
        self._ours.discard(entry.request_id)
        try:
            await self._journal.write(entry)
        finally:
            self._leaving.discard(entry.request_id)
