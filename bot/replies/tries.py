"""How long, and how often, what Discord does not take now is tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from bot.replies.lanes import Clock
from bot.replies.transport import Lost, Unsent

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE = 1.0
"""Seconds before a change that was not taken is tried again; each further pause is twice as long."""
LONGEST_PAUSE = 15.0
"""Seconds; with what discord.py takes for its own tries, less than an expiring transport has left."""
NOTE_PAUSES = (1.0, 2.0, 4.0)
"""Seconds between the tries of the last words that a transport shows."""


class OutOfTime(Lost):
    """What is not shown yet could be, but not by this process."""


class Tries:
    """The pauses between the tries of one reply, until ``ends_at`` of the clock."""

    def __init__(self, clock: Clock, ends_at: float) -> None:
        self._clock = clock
        self._ends_at = ends_at
        self._pause = FIRST_PAUSE
        self._hastened = asyncio.Event()

    def end_by(self, time: float) -> None:
        """Try no longer than until then; what waits is tried at once."""
        self._ends_at = min(self._ends_at, time)
        self._pause = FIRST_PAUSE
        self.hasten()

    def hasten(self) -> None:
        """Let nobody wait for the next try."""
        self._hastened.set()

    def succeeded(self) -> None:
        """A change was taken: the pauses begin anew."""
        self._pause = FIRST_PAUSE

    async def wait(self, error: Unsent) -> None:
        """Let some time pass after a change was not taken.

        Raises:
            OutOfTime: there is none left for another try.
        """
        if self._pause == FIRST_PAUSE:
            log.warning("a change of a reply was not taken, and is tried again: %s", error)
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        if self._clock() + pause > self._ends_at:
            raise OutOfTime(f"it could not be shown in time: {error}") from error
        await within(pause, self._hastened)
        self._hastened.clear()


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask Discord for something, again where it does not answer.

    Raises:
        Lost: it is not to be had; ``OutOfTime``: not now.
    """
    for pause in NOTE_PAUSES:
        try:
            return await ask()
        except Unsent:
            await asyncio.sleep(pause)
    try:
        return await ask()
    except Unsent as error:
        raise OutOfTime(str(error)) from error


async def within(seconds: float | None, event: asyncio.Event) -> None:
    """Wait for the event, but no longer than this."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
