"""Work on long texts away from the event loop, so that nobody waits for another person's file."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

LONG = 8192
"""Characters from which work on a text is worth a thread: the loop would stand still for milliseconds."""

TURN_SECONDS = 0.0002
"""How long a thread may keep Python while another waits for it; by default it is 25 times as long."""

# One thread for all: Python runs one at a time anyway, and the loop would have to wait for each in turn.
_WORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="texts")


async def offload(length: int, work: Callable[[], T]) -> T:
    """Do work on a text of so many characters in the worker thread, or at once where it is short.

    Work waits its turn there: what takes long is to be handed over in steps.
    """
    if length < LONG:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_WORKER, work)


def take_short_turns() -> None:
    """Let the event loop wait less for the worker thread: each command needs many turns of the loop."""
    sys.setswitchinterval(TURN_SECONDS)
