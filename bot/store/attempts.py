"""Transactions under way, each in a task of its own.

So each ends whole or undone, whatever becomes of the caller who waits for it.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bot.store.driver import StoreUnavailable, T

log = logging.getLogger(__name__)


class Attempts:
    """The transactions that a driver has begun and not ended."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._progressed = -math.inf

    def start(self, attempt: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begin a transaction, or anything else that the driver has to wait for before it closes."""
        task = asyncio.create_task(attempt)
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def progress(self) -> None:
        """Remember that the database took a transaction just now; may be called from another thread."""
        self._progressed = time.monotonic()

    async def outcome(self, task: "asyncio.Task[T]", patience: float, give_up: Callable[[], object]) -> T:
        """Wait for a transaction; give it up when there is no progress at all for ``patience`` seconds.

        Raises:
            StoreUnavailable: it was given up, or could not be written.
        """
        started = time.monotonic()
        # A queue that moves is not a database that is away.
        while (left := max(started, self._progressed) + patience - time.monotonic()) > 0:
            done, _ = await asyncio.wait({task}, timeout=left)
            if done:
                return task.result()
        give_up()
        raise StoreUnavailable

    async def ended(self) -> None:
        """Wait for those under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Also says that the exception was seen, when nobody waits for it any more.
            log.debug("a transaction was rolled back: %r", error)
