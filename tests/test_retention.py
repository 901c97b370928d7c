"""Old records go by themselves, by one process at a time, and a fault only delays it."""

import asyncio
import logging

import pytest

from bot.retention import Retention
from bot.store import Store
from tests.limits.world import Clock
from tests.support.databases import Database


class Counting(Retention):
    """Counts how often it is asked to erase, and fails the first time."""

    times = 0

    def __init__(self, store: Store, clock: Clock) -> None:
        super().__init__(store, 365, 30, clock)
        self.clock = clock
        self.done = asyncio.Event()

    async def erase_old(self) -> int:
        self.times += 1
        self.clock.move(hours=1)
        if self.times == 1:
            raise RuntimeError("a fault")
        if self.times == 3:
            self.done.set()
        return await super().erase_old() + 7


async def test_it_goes_on_after_a_fault(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    async with Store.open(database.url, clock) as store:
        keeper = Counting(store, clock)
        async with keeper.running(every=0.001):
            await keeper.done.wait()
    assert "old records could not be erased" in caplog.text
    assert "7 requests were kept long enough and are erased" in caplog.text


async def test_of_two_processes_one_does_it(database: Database) -> None:
    async with Store.open(database.url, Clock()) as store:
        assert await store.claim("retention", 3600)
        keeper = Counting(store, Clock())
        async with keeper.running(every=0.001):
            for _ in range(5):
                assert not await store.claim("retention", 3600)
        assert keeper.times == 0


async def test_a_database_that_is_away_is_waited_for(database: Database) -> None:
    told = asyncio.Event()
    log = logging.getLogger("bot.retention")
    listener = logging.Handler()
    listener.emit = lambda record: told.set()  # type: ignore[method-assign] # a handler of one line
    log.addHandler(listener)
    try:
        async with Store.open(database.url, Clock(), patience=0.05) as store:
            keeper = Counting(store, Clock())
            async with database.locked(), keeper.running(every=0.001):
                await told.wait()
    finally:
        log.removeHandler(listener)
    assert keeper.times == 0
