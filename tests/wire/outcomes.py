"""What becomes of answers whose process is killed: on the screen, at the provider and on record."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from tests.support.databases import Database, until
from tests.wire import launch
from tests.wire.discord import DiscordStandIn, Message
from tests.wire.kills import FOOTER, Answer, Kind, Life, Outcome, Point, plain
from tests.wire.replicate import ReplicateStandIn

LIFE = 16
"""Answers of one life of a process."""
LEASE = "1.5"

UNDER_WAY = """SELECT (SELECT COUNT(*) FROM usage WHERE state = 'open') + (SELECT COUNT(*) FROM inflight)"""

Start = Callable[[], Awaitable[asyncio.subprocess.Process]]
"""Starts the bot and waits until it is online."""


@asynccontextmanager
async def starting(
    discord: DiscordStandIn, replicate: ReplicateStandIn, database: Database
) -> AsyncIterator[Start]:
    """What starts the bot, where Discord limits nothing and leases are short."""
    discord.rules.clear()
    environment = discord.environment() | {
        "REPLICATE_API_TOKEN": replicate.token,
        "REPLICATE_BASE_URL": replicate.base_url,
        "DATABASE_URL": database.url,
        "SERVER_REQUESTS_PER_MINUTE": "none",
        "LEASE_SECONDS": LEASE,
        "LOG_LEVEL": "ERROR",
    }
    processes = []

    async def start() -> asyncio.subprocess.Process:
        processes.append(await launch.start(environment, "run"))
        await discord.wait_for(lambda: discord.gateway.connected and discord.world.commands)
        return processes[-1]

    try:
        yield start
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def killed(
    discord: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    start: Start,
    points: Sequence[Point],
) -> AsyncIterator[Answer]:
    """Kill a process and start it again, with answers at some of the points in each of its lives; each answer
    when nothing is under way any more.
    """
    process = await start()
    for first in range(0, len(points), LIFE):
        life = Life(discord, replicate, first)
        life.begin(tuple(points[first : first + LIFE]))
        await life.arrive()
        process.kill()
        await process.wait()
        life.die()
        await discord.drop_gateway()
        process = await start()
        await until(database, UNDER_WAY, [(0,)])
        for answer in life.answers:
            yield answer
    process.terminate()
    assert await process.wait() == 0


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
