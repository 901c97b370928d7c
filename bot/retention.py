"""Erases what has been kept long enough: old records, and servers that the bot left.

Of several processes one does it each time, in small transactions, so nobody who asks something waits for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from bot.ids import Clock, utc_now
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.privacy import (
    cutoff,
    departed,
    drop_requests_of,
    drop_rest_of,
    expire_requests,
    expire_rest,
    forget_departure,
    guilds_on_record,
    note_departure,
    retentions,
)

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0
CLAIM = "retention"


class Retention:
    """Keeps records no longer than the operator and each server's admins want.

    Args:
        store: where they are.
        records_days: how long records are kept where no admin chose.
        departed_days: how long those of a server are kept after the bot left it.
        clock: the time in UTC.
    """

    def __init__(self, store: Store, records_days: int, departed_days: int, clock: Clock = utc_now) -> None:
        self._store = store
        self._records_days = records_days
        self._departed_days = departed_days
        self._clock = clock

    @asynccontextmanager
    async def running(self, every: float = EVERY_SECONDS) -> AsyncIterator[None]:
        """Do it now and then for as long as the context lasts."""
        task = asyncio.create_task(self._keep(every), name="retention")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def left(self, guild_id: int) -> None:
        """The bot is no longer in a server."""
        now = self._clock()
        await self._store.write(lambda transaction: note_departure(transaction, guild_id, now))

    async def joined(self, guild_id: int) -> None:
        """The bot is in a server, perhaps again."""
        await self._store.write(lambda transaction: forget_departure(transaction, guild_id))

    async def compare(self, present: Iterable[int], is_ours: Callable[[int], bool]) -> None:
        """Note the servers that the bot left while it was away, and those it came back to.

        ``is_ours`` tells the servers that this process would know of; others are another process's.
        """
        here = frozenset(present)
        known = await self._store.read(guilds_on_record)
        for guild_id in sorted(known - here):
            if is_ours(guild_id):
                await self.left(guild_id)
        now = self._clock()
        left = await self._store.read(lambda transaction: departed(transaction, now))
        for guild_id in here.intersection(left):
            await self.joined(guild_id)

    async def erase_old(self) -> int:
        """Erase what has been kept long enough; return how many requests went.

        Raises:
            StoreUnavailable: the database is away; the rest is for the next time.
        """
        now = self._clock()
        gone = 0
        before = cutoff(now, self._departed_days)
        for guild_id in await self._store.read(lambda transaction: departed(transaction, before)):
            gone += await self._drop(guild_id)
        chosen = await self._store.read(retentions)
        gone += await self._expire(None, cutoff(now, self._records_days))
        for guild_id, days in chosen.items():
            gone += await self._expire(guild_id, cutoff(now, days))
        return gone

    async def _keep(self, every: float) -> None:
        while True:
            try:
                if await self._store.claim(CLAIM, every) and (gone := await self.erase_old()):
                    log.info("%d requests were kept long enough and are erased", gone)
            except StoreUnavailable as error:
                log.warning("old records are not erased now: %s", error.reason)
            except Exception:
                log.exception("old records could not be erased")
            await asyncio.sleep(every)

    async def _drop(self, guild_id: int) -> int:
        async def some(transaction: Transaction) -> int:
            return await drop_requests_of(transaction, guild_id)

        gone = await self._repeat(some)
        await self._store.write(lambda transaction: drop_rest_of(transaction, guild_id))
        return gone

    async def _expire(self, guild_id: int | None, before: datetime) -> int:
        async def some(transaction: Transaction) -> int:
            return await expire_requests(transaction, guild_id, before)

        gone = await self._repeat(some)
        await self._store.write(lambda transaction: expire_rest(transaction, guild_id, before))
        return gone

    async def _repeat(self, some: Callable[[Transaction], Awaitable[int]]) -> int:
        """Do something in transactions of its own until there is nothing more to do."""
        done = 0
        while count := await self._store.write(some):
            done += count
        return done
