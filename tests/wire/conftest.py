"""The stand-ins as fixtures."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.app import Parlance
from tests.support.databases import Database, SqliteDatabase
from tests.wire import launch
from tests.wire.crowd import NO_CEILINGS, WORDS, Crowd, log_of
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_contract import Contract, load
from tests.wire.minimal_bot import MinimalBot
from tests.wire.online import online
from tests.wire.process import Running, Start
from tests.wire.replicate import ReplicateStandIn, standing_in
from tests.wire.replicate_script import Script


@pytest.fixture(scope="session")
def contract() -> Contract | None:
    """Discord's description of its API, where it lies beside the repository."""
    return load()


@pytest.fixture
async def standin(contract: Contract | None, request: pytest.FixtureRequest) -> AsyncIterator[DiscordStandIn]:
    """A Discord on 127.0.0.1; fails the test for anything Discord would have refused or limited."""
    request.node.user_properties.append(
        ("discord contract", "checked" if contract else "not beside the repository")
    )
    async with DiscordStandIn(contract=contract) as discord:
        yield discord
    problems = discord.problems()
    assert not problems, "\n".join(problems)


@pytest.fixture
async def replicate() -> AsyncIterator[ReplicateStandIn]:
    """A Replicate on 127.0.0.1."""
    async with standing_in() as replicate:
        yield replicate


@pytest.fixture
async def minimal_bot(standin: DiscordStandIn) -> AsyncIterator[MinimalBot]:
    """The bot that proves the stand-in, logged in and listening in this process."""
    with launch.pointed(standin.environment()):
        async with MinimalBot() as bot:
            running = asyncio.create_task(bot.start(standin.world.token))
            await standin.online()
            yield bot
            await bot.close()
            await running


@pytest.fixture
async def bot(
    standin: DiscordStandIn, replicate: ReplicateStandIn, tmp_path: Path
) -> AsyncIterator[Parlance]:
    """The bot, in this process."""
    async with online(
        standin, tmp_path, replicate_api_token=replicate.token, replicate_base_url=replicate.base_url
    ) as parlance:
        yield parlance


@pytest.fixture
async def start(standin: DiscordStandIn, replicate: ReplicateStandIn, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts the bot as a process."""
    started: list[Running] = []

    async def begin(
        *arguments: str, online: bool = True, output: int = asyncio.subprocess.PIPE, **environment: str
    ) -> Running:
        database = tmp_path / "parlance.db"
        environment = {
            **standin.environment(),
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_BASE_URL": replicate.base_url,
            "DATABASE_URL": f"sqlite:///{database}",
            **environment,
        }
        process = await launch.start(environment, "run", *arguments, output=output)
        started.append(Running(process, database))
        if online:
            await standin.online()
        return started[-1]

    yield begin
    for running in started:
        if running.process.returncode is None:
            running.process.kill()
            await running.process.wait()
        if running.process.stderr is not None:
            await running.log()


@pytest.fixture
def answer() -> Script:
    """What every model writes to a crowd, unless a test says otherwise."""
    return Script(tokens=[f"{word} " for word in WORDS.split()], rate=40.0)


CrowdOn = Callable[[Database], AbstractAsyncContextManager[Crowd]]


@pytest.fixture
def crowd_on(
    standin: DiscordStandIn, replicate: ReplicateStandIn, answer: Script, start: Start, tmp_path: Path
) -> CrowdOn:
    """Starts a bot without ceilings on a database, for people who will ask it."""

    @asynccontextmanager
    async def crowd_on(database: Database) -> AsyncIterator[Crowd]:
        replicate.respond = lambda _: replace(answer)
        standin.gateway.heartbeat_ms = 500
        with log_of(tmp_path) as (path, output):
            environment: dict[str, Any] = {
                "DATABASE_URL": database.url,
                "LOG_FORMAT": "json",
                "DISCORD_SILENCE": "6",
            }
            environment |= {"CENSUS": str(tmp_path / "census"), **NO_CEILINGS}
            yield Crowd(standin, await start(output=output, **environment), database, path)

    return crowd_on


@pytest.fixture
async def crowd(crowd_on: CrowdOn, tmp_path: Path) -> AsyncIterator[Crowd]:
    """Such a crowd, and a bot with a file."""
    async with crowd_on(SqliteDatabase(tmp_path / "parlance.db")) as crowd:
        yield crowd
