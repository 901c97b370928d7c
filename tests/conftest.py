"""Fixtures that tests of several modules share."""

import os
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.canaries import spilled
from tests.support.databases import Database, Databases, on_postgres, on_sqlite
from tests.support.postgres import NotStarted, Server, running
from tests.support.simulated import World, settings_for, simulated

Worlds = Callable[..., AbstractAsyncContextManager[World]]

# How fast a machine is decides about no test, and where a change is judged neither does chance.
settings.register_profile(
    "parlance",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("parlance")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in whose output there is a secret."""
    report = yield
    written = "".join(text for _, text in report.sections)
    if found := spilled(written):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} wrote {found} to its output"
    return report


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The bot online in a simulated Discord, without ceilings."""
    async with simulated(settings_for(tmp_path)) as opened:
        yield opened


@pytest.fixture
def world_with(tmp_path: Path) -> Worlds:
    """Open such a world with other settings."""

    def open_world(**changes: Any) -> AbstractAsyncContextManager[World]:
        return simulated(settings_for(tmp_path, **changes))

    return open_world


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL server; one for each process that runs tests."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running(tmp_path_factory.mktemp("postgres")))
        except NotStarted as error:
            reason = f"PostgreSQL cannot be started on this machine: {error}"
            if "CI" in os.environ:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes databases of each kind: a test that asks for it runs on all of them."""
    if request.param == "sqlite":
        return on_sqlite(request.getfixturevalue("tmp_path"))
    return on_postgres(request.getfixturevalue("server"))


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    """A database of each kind, which no store has been opened on."""
    async with databases() as database:
        yield database
