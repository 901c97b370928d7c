"""Ready only when the gateway, the event loop and the database are."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.errors import ConfigError
from bot.health import Health, Lag, serving
from bot.metrics import Metrics
from bot.store import Store, StoreUnavailable
from bot.store.driver import T, Work
from tests.support.postgres import free_port


class Troubled(Store):
    """A store that can hang or fail."""

    hangs: asyncio.Event | None = None
    fails = False
    asked = 0

    async def read(self, work: Work[T]) -> T:
        self.asked += 1
        if self.hangs is not None:
            await self.hangs.wait()
        if self.fails:
            raise StoreUnavailable
        return await super().read(work)


class Place:
    """A health address, and what it looks at."""

    def __init__(self, store: Troubled, port: int) -> None:
        self.store = store
        self.lag = Lag()
        self.online = self.writes = True
        self.health = Health(store, lambda: self.online, lambda: self.writes, self.lag)
        self.address = f"http://127.0.0.1:{port}"

    async def ask(self, path: str = "/healthz") -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.address + path) as response:
            return response.status, await response.text()


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    return free_port()


@asynccontextmanager
async def placed(path: Path, port: int) -> AsyncIterator[Place]:
    async with Troubled.open(f"sqlite:///{path}") as store:
        assert isinstance(store, Troubled)
        place = Place(store, port)
        async with serving(place.health, Metrics(), "127.0.0.1", port):
            yield place


@pytest.fixture
async def place(tmp_path: Path, port: int) -> AsyncIterator[Place]:
    async with placed(tmp_path / "parlance.db", port) as place:
        yield place


async def test_ready(place: Place) -> None:
    assert await place.ask() == (200, "ready\n")


async def test_every_reason_is_told_at_once(place: Place) -> None:
    place.online = place.writes = False
    place.lag._late.append(2.0)
    status, told = await place.ask()
    assert status == 503
    assert told.splitlines() == [
        "Discord's gateway is not connected.",
        "The event loop was 2.0 s late.",
        "The database cannot be written.",
    ]


async def test_a_database_that_fails(place: Place) -> None:
    place.store.fails = True
    assert await place.ask() == (503, "The database does not answer.\n")
    place.store.fails = False
    assert (await place.ask())[0] == 200


async def test_a_database_that_hangs_is_asked_once_and_holds_nobody_up(place: Place) -> None:
    place.store.hangs = asyncio.Event()
    began = time.perf_counter()
    told = await asyncio.gather(*(place.ask() for _ in range(5)))
    assert time.perf_counter() - began < 5
    assert set(told) == {(503, "The database does not answer.\n")}
    assert place.store.asked == 1
    place.store.hangs.set()
    assert (await place.ask())[0] == 200


async def test_metrics_and_nothing_else(place: Place) -> None:
    status, text = await place.ask("/metrics")
    assert status == 200
    assert "# TYPE parlance_requests_total counter" in text
    assert (await place.ask("/"))[0] == 404


async def test_a_port_that_is_taken_is_said_in_one_sentence(place: Place, tmp_path: Path, port: int) -> None:
    with pytest.raises(ConfigError) as told:
        async with placed(tmp_path / "another.db", port):
            pass
    (fault,) = told.value.faults
    assert fault.startswith(f"HEALTH_PORT: 127.0.0.1, port {port}, cannot be listened on")


async def test_lag_is_how_long_the_loop_stood_still() -> None:
    lag = Lag()
    measuring = asyncio.create_task(lag.measure())
    await asyncio.sleep(0)
    assert lag.worst == 0.0
    time.sleep(0.4)  # noqa: ASYNC251 - a loop that stands still is what is measured
    await asyncio.sleep(0.01)
    assert 0.1 < lag.worst < 10
    measuring.cancel()
