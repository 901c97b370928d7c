"""Processes that do something at the same moment."""

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

STARTING_SECONDS = 40

T = TypeVar("T")


class Processes:
    """So many processes that wait for each other before they begin."""

    def __init__(self, executor: ProcessPoolExecutor, start: Barrier, count: int) -> None:
        self._executor = executor
        self._start = start
        self._count = count

    async def each(self, function: Callable[..., T], *arguments: object) -> list[T]:
        """Call a function in every process at once, with the barrier to wait at as its first argument."""
        loop = asyncio.get_running_loop()
        calls = (
            loop.run_in_executor(self._executor, function, self._start, *arguments)
            for _ in range(self._count)
        )
        return await asyncio.gather(*calls)


@contextmanager
def processes(count: int) -> Iterator[Processes]:
    """Start processes, and let each end by itself: one that is ended may lose what it has measured."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(count, mp_context=context) as executor:
        yield Processes(executor, manager.Barrier(count, timeout=STARTING_SECONDS), count)
