"""Writes entries to the store, or keeps them in their order until it can be written again."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextvars import Context

from bot.limits.entries import Entry
from bot.store import Store, StoreUnavailable

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


class Journal:
    """What is to be written. While the store is away it waits here, and is tried again every second."""

    def __init__(
        self, store: Store, on_return: Callable[[], None], retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._store = store
        self._on_return = on_return
        self._retry_seconds = retry_seconds
        self._kept: deque[Entry] = deque()
        self._closing = asyncio.Event()
        self._returning: asyncio.Task[None] | None = None

    @property
    def kept(self) -> int:
        """How many entries wait to be written."""
        return len(self._kept)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What waits to be written."""
        return tuple(self._kept)

    @property
    def away(self) -> bool:
        """Whether the store cannot be written, or has not caught up yet."""
        return bool(self._kept)

    async def write(self, entry: Entry) -> None:
        """Write an entry now, or keep it for later."""
        if not self.away:
            try:
                await self._store.write(entry.write)
            except StoreUnavailable as error:
                self.keep(entry, error)
            return
        self.keep(entry)

    def keep(self, entry: Entry, why: StoreUnavailable | None = None) -> None:
        """Write an entry later, after those that are kept already."""
        self._kept.append(entry)
        if self._returning is None:
            log.error(
                "the database cannot be written (%s): people are served from a small allowance, and what is "
                "to be recorded is kept in memory until it can be",
                "it was away" if why is None else why.reason,
            )
            # It is about no request, though it begins with one.
            self._returning = asyncio.create_task(self._return(), context=Context())

    async def close(self) -> None:
        """Try once more to write what is kept, and say what is lost when that fails."""
        self._closing.set()
        if self._returning is not None:
            await self._returning
        for entry in self._kept:
            log.error("lost, because the database could not be written: %r", entry)

    async def _return(self) -> None:
        written = 0
        while True:
            closing = self._closing.is_set()
            try:
                while self._kept:
                    await self._write_first()
                    written += 1
            except StoreUnavailable:
                if closing:
                    return
                await self._pause()
            else:
                break
        self._returning = None
        self._on_return()
        log.info("the database can be written again: %d entries that were kept are in it", written)

    async def _write_first(self) -> None:
        try:
            await self._store.write(self._kept[0].write)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("an entry that was kept cannot be written and is dropped: %r", self._kept[0])
        self._kept.popleft()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), self._retry_seconds)
        except TimeoutError:
            return
