"""The bot seen from outside: whether it is ready, and what it counts, over HTTP.

``GET /healthz`` answers 200 while the bot can serve people, and 503 with every reason while it cannot; always
within a second or two. ``GET /metrics`` is for Prometheus. Neither tells anything of a person or a place.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from aiohttp import web

from bot.errors import ConfigError
from bot.metrics import Metrics
from bot.store import Store, StoreUnavailable

DATABASE_SECONDS: Final = 1.0
"""How long the database may take to answer."""
MOST_LAG: Final = 0.5
"""Seconds that the event loop may be late by."""
SAMPLE_SECONDS: Final = 0.25
SAMPLES: Final = 40
"""How often the lag is measured, and how many measurements are kept: those of ten seconds."""


class Lag:
    """How late the event loop runs what is due."""

    def __init__(self) -> None:
        self._late: deque[float] = deque([0.0], maxlen=SAMPLES)

    @property
    def worst(self) -> float:
        """Seconds, the most of the last ten seconds."""
        return max(self._late)

    async def measure(self) -> None:
        """Measure until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + SAMPLE_SECONDS
            await asyncio.sleep(SAMPLE_SECONDS)
            self._late.append(max(0.0, clock() - due))


class Health:
    """Whether the bot can serve people.

    Args:
        store: has to answer.
        online: tells whether Discord's gateway is connected.
        writes: tells whether the database takes what is to be recorded.
        lag: how late the event loop is.
    """

    def __init__(
        self, store: Store, online: Callable[[], bool], writes: Callable[[], bool], lag: Lag
    ) -> None:
        self._store = store
        self._online = online
        self._writes = writes
        self._lag = lag
        self._asking: asyncio.Task[bool] | None = None

    async def faults(self) -> list[str]:
        """Say what keeps the bot from serving people; empty when nothing does."""
        found = []
        if not self._online():
            found.append("Discord's gateway is not connected.")
        if self._lag.worst > MOST_LAG:
            found.append(f"The event loop was {self._lag.worst:.1f} s late.")
        if not await self._answers():
            found.append("The database does not answer.")
        elif not self._writes():
            found.append("The database cannot be written.")
        return found

    async def _answers(self) -> bool:
        """Ask the database, for a bounded time. One question at a time: one that hangs is not asked again."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked())
        done, _ = await asyncio.wait({self._asking}, timeout=DATABASE_SECONDS)
        return bool(done) and self._asking.result()

    async def _asked(self) -> bool:
        try:
            await self._store.mark("health")
        except StoreUnavailable:
            return False
        return True


@asynccontextmanager
async def serving(health: Health, metrics: Metrics, host: str, port: int) -> AsyncIterator[None]:
    """Serve both addresses until the end.

    Raises:
        ConfigError: nobody can listen there.
    """

    async def healthz(_request: web.Request) -> web.Response:
        faults = await health.faults()
        if faults:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="\n".join(faults) + "\n")
        return web.Response(text="ready\n")

    async def numbers(_request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/metrics", numbers)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError(
                (f"HEALTH_PORT: {host}, port {port}, cannot be listened on ({error.strerror}).",)
            ) from error
        yield
    finally:
        await runner.cleanup()
