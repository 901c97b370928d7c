"""Replies wait for their turn and do no I/O of their own: their tests run in virtual time."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.support.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let time pass as fast as nothing happens."""
    return {"virtual time": VirtualTimeLoop}
