import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from bot.offloading import LONG, TURN_SECONDS, offload, take_short_turns


async def test_short_work_is_done_at_once_and_long_work_elsewhere() -> None:
    here = threading.get_ident()
    assert await offload(LONG - 1, threading.get_ident) == here
    assert await offload(LONG, threading.get_ident) != here


async def test_the_loop_goes_on_meanwhile_and_work_waits_its_turn() -> None:
    begun, end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    done: list[int] = []

    def long() -> None:
        loop.call_soon_threadsafe(begun.set)
        end.wait()
        done.append(1)

    first = asyncio.create_task(offload(LONG, long))
    second = asyncio.create_task(offload(LONG, lambda: done.append(2)))
    await begun.wait()
    assert not done
    end.set()
    await asyncio.gather(first, second)
    assert done == [1, 2]


@pytest.fixture
def as_before() -> Iterator[None]:
    usual = sys.getswitchinterval()
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("as_before")
def test_threads_take_short_turns() -> None:
    take_short_turns()
    assert sys.getswitchinterval() == pytest.approx(TURN_SECONDS)
