"""Keeping a simulated Discord live: answers that grow while the page stays usable.

SimCord was made for tests: it takes one action of a person at a time and waits until everything the bot
started has settled. A bot that streams would hold the page still until its answer is complete, and nobody
could press Stop. Two things undo that, with public means:

- Answers run outside the part of the bot that SimCord waits for. It knows that part by a context variable, so
  ``Outside`` starts tasks in copies of a context in which the variable is not set. It has to be a copy of the
  context inside the running simulation: there discord.py's webhook calls already reach the simulation.
- What such tasks change is published to the open pages by ``Live``, never while an action runs: both take
  turns by one lock.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from simcord import Env, Preview, SetupError

log = logging.getLogger(__name__)

Heard = Callable[[str, str], None]
"""Told the method and path of a request that the bot made."""

LOOK_SECONDS = 0.1
"""How often ``Live`` looks whether the bot has said something: it reads as continuous and is nearly free."""


class Outside:
    """Starts tasks that the simulation does not wait for."""

    def __init__(self) -> None:
        self._context = contextvars.copy_context()
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self) -> None:
        """Start tasks in this context from here on: call it inside the simulation and outside the bot."""
        self._context = contextvars.copy_context()

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start a task outside the bot, as ``asyncio.create_task`` does in production."""
        task: asyncio.Task[None] = self._context.copy().run(asyncio.create_task, work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float) -> None:
        """Wait for what still runs, at most ``seconds``; then cancel it."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


class Live:
    """One simulation with one preview of it, kept at the present time and published as the bot speaks."""

    def __init__(self, env: Env, preview: Preview, now: Callable[[], datetime], heard: Heard) -> None:
        self._heard = heard
        self._env = env
        self._preview = preview
        self._now = now
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the simulation for one action of a person, at the present time."""
        async with self._turn:
            await self._keep_time()
            yield

    async def publish_forever(self) -> None:
        """Publish what the bot says to the open pages, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._env.http_requests:
                await self._publish()

    async def _publish(self) -> None:
        async with self._turn:
            for request in self._env.http_requests:
                self._heard(request.method, request.path)
            self._env.http_requests.clear()
            # A bot that is busy for long is published at the next look; a closed preview has no pages.
            with suppress(TimeoutError, SetupError):
                await self._keep_time()
                await self._preview.refresh()

    async def _keep_time(self) -> None:
        behind = (self._now() - self._env.now()).total_seconds()
        if behind > 0:
            await self._env.advance_time(behind)
