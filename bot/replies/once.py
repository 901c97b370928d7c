"""Requests that are made once: discord.py would send again, uncounted and as it was, what meets a 5xx.

Who asks for such a request tries again by itself, with what is right by then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_once: ContextVar[bool] = ContextVar("once", default=False)


@contextmanager
def once() -> Iterator[None]:
    """Let requests in here fail where Discord answers 5xx."""
    before = _once.set(True)
    try:
        yield
    finally:
        _once.reset(before)


def is_made_once() -> bool:
    """Whether the request that is under way here is one of those."""
    return _once.get()
