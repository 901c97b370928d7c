"""The process is killed in the middle of many answers, and started again: nothing is lost or said twice."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.support.databases import Database, until
from tests.wire import launch
from tests.wire.crowd import IN_FULL
from tests.wire.discord import DiscordStandIn, Message
from tests.wire.kills import (
    FOOTER,
    POINTS,
    SAMPLE,
    Answer,
    Kind,
    Life,
    Outcome,
    Point,
    plain,
)
from tests.wire.replicate import ReplicateStandIn

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

LIFE = 16
"""Answers of one life of a process."""
LEASE = "1.5"

UNDER_WAY = """SELECT (SELECT COUNT(*) FROM usage WHERE state = 'open') + (SELECT COUNT(*) FROM inflight)"""

Start = Callable[[], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start(
    standin: DiscordStandIn, replicate: ReplicateStandIn, database: Database
) -> AsyncIterator[Start]:
    standin.rules.clear()
    environment = standin.environment() | {
        "REPLICATE_API_TOKEN": replicate.token,
        "REPLICATE_BASE_URL": replicate.base_url,
        "DATABASE_URL": database.url,
        "SERVER_REQUESTS_PER_MINUTE": "none",
        "LEASE_SECONDS": LEASE,
    }
    processes = []

    async def begin() -> asyncio.subprocess.Process:
        processes.append(await launch.start(environment, "run"))
        await standin.wait_for(lambda: standin.gateway.connected and standin.world.commands)
        return processes[-1]

    yield begin
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_killed_process_loses_nothing(
    standin: DiscordStandIn, replicate: ReplicateStandIn, database: Database, start: Start
) -> None:
    points = POINTS if IN_FULL or os.environ.get("KILLS") == "all" else SAMPLE
    process = await start()
    rows: list[tuple[Point, Outcome]] = []
    for first in range(0, len(points), LIFE):
        life = Life(standin, replicate, first)
        life.begin(points[first : first + LIFE])
        await life.arrive()
        process.kill()
        await process.wait()
        life.die()
        await standin.drop_gateway()
        process = await start()
        await until(database, UNDER_WAY, [(0,)])
        rows += [(answer.point, await checked(answer, replicate, database)) for answer in life.answers]
    process.terminate()
    assert await process.wait() == 0
    assert not replicate.left_running()
    assert not standin.pings
    await accounts_agree(database)
    print(f"\n{len(rows)} points")
    for point, outcome in rows:
        print(f"  {point!s:60} {outcome.name.lower()}")


async def checked(answer: Answer, replicate: ReplicateStandIn, database: Database) -> Outcome:
    """See that an answer ended as it may, on the screen, at the provider and on record."""
    point, messages = answer.point, answer.messages
    where = f"{point}: {[message.content[-200:] for message in messages]}"
    shown = "\n".join(message.content for message in messages)
    rows = await database.select("SELECT ending, output_tokens, counts FROM usage ORDER BY id")
    ending, tokens, counts = rows[answer.number]
    runs = [run for run in replicate.runs.values() if answer.key in str(run.input)]
    if not messages:
        outcome = Outcome.UNSEEN
        assert (ending, counts, runs) == ("unseen", 0, []), where
    else:
        outcome = Outcome.WHOLE
        assert ending == "done", where
        # Nothing is paid for twice.
        assert len(runs) == point.kind.calls, where
        assert shown.count(FOOTER) == 1, where
        assert words(messages, point) == written(answer, replicate), where
        # Nobody knows of a follow-up whose id was never stored, so nobody takes its button away.
        assert sum("Stop" in str(message.components) for message in messages) <= point.may_repeat, where
    assert outcome is point.outcome, where
    assert tokens == sum(len(run.written) for run in runs), where
    assert all(message.ephemeral for message in messages) or not point.kind.is_private, where
    return outcome


def words(messages: list[Message], point: Point) -> list[str]:
    """All words of an answer's messages; of one follow-up that may stand there twice, the longer one's."""
    texts = [plain(message.content).split() for message in messages]
    if point.may_repeat:
        repeated = [
            index
            for index, text in enumerate(texts)
            if index > 0 and any(other[: len(text)] == text for other in texts[index + 1 :])
        ]
        for index in repeated[:1]:
            del texts[index]
    return [word for text in texts for word in text]


def written(answer: Answer, replicate: ReplicateStandIn) -> list[str]:
    """All words that the models wrote to be shown."""
    runs = [run for run in replicate.runs.values() if answer.key in str(run.input)]
    if answer.point.kind in {Kind.SUMMARY, Kind.MESSAGES}:
        runs = runs[-1:]
    return "".join("".join(run.written) for run in runs).split()


async def accounts_agree(database: Database) -> None:
    """The counters show what the settled rows used, no more and no less."""
    ((counted,),) = await database.select(
        """SELECT SUM(used) FROM counters JOIN limits ON limits.id = limit_id
        WHERE subject = 'everyone' AND metric = 'cost'"""
    )
    ((used,),) = await database.select("SELECT SUM(cost) FROM usage")
    assert int(str(counted)) == int(str(used)) > 0
