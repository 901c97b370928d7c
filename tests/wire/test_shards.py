"""Two processes of the bot, each with one shard, on one database of every kind.

What they share is one account; and of one that dies, the other takes over the answers, and no others.
"""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from tests.support.databases import Database, until
from tests.wire import launch
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_contract import Contract
from tests.wire.discord_world import Guild
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = pytest.mark.slow

SHARDS = 2


@pytest.fixture
async def standin(contract: Contract | None) -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(shards=SHARDS, contract=contract) as discord:
        yield discord
    problems = discord.problems()
    assert not problems, "\n".join(problems)


@pytest.fixture
async def guilds(standin: DiscordStandIn) -> list[Guild]:
    """One for each shard."""
    found: dict[int, Guild] = {}
    while len(found) < SHARDS:
        guild = standin.add_guild("elsewhere", standin.other, standin.bot)
        found[standin.gateway.shard_of(guild.id, SHARDS)] = guild
        await asyncio.sleep(0.001)
    return [found[shard] for shard in range(SHARDS)]


@pytest.fixture
async def processes(
    standin: DiscordStandIn, replicate: ReplicateStandIn, database: Database, guilds: list[Guild]
) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Started at the same time."""
    environment = standin.environment() | {
        "REPLICATE_API_TOKEN": replicate.token,
        "REPLICATE_BASE_URL": replicate.base_url,
        "DATABASE_URL": database.url,
        "SHARD_COUNT": str(SHARDS),
        "LEASE_SECONDS": "1.5",
    }
    started = await asyncio.gather(
        *(launch.start({**environment, "SHARD_IDS": str(shard)}, "run") for shard in range(SHARDS))
    )
    await standin.wait_for(lambda: len(standin.gateway.connected) == SHARDS and standin.world.commands)
    yield list(started)
    killed = [process for process in started if process.returncode is not None]
    living = [process for process in started if process.returncode is None]
    for process in living:
        process.terminate()
    assert [process.returncode for process in killed] == [-signal.SIGKILL] * len(killed)
    assert [await process.wait() for process in living] == [0] * len(living)


async def test_each_answers_its_servers_and_both_keep_one_account(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[asyncio.subprocess.Process],
) -> None:
    assert sorted(session.shard for session in standin.gateway.sessions) == [0, 1]
    assert standin.commands.syncs == 1
    replicate.respond = lambda _: Script(tokens=["Hello ", "there."])
    for guild in guilds:
        channel = standin.add_channel("talk", guild)
        asked = standin.slash(standin.other, channel, "ask", {"question": "hello?"})
        await standin.shown(asked, "-# meta")
    rows = await database.select("SELECT guild_id, ending FROM usage ORDER BY id")
    assert rows == [(guild.id, "done") for guild in guilds]
    ((asked_together,),) = await database.select(
        """SELECT SUM(used) FROM counters JOIN limits ON limits.id = limit_id
        WHERE subject = 'everyone' AND metric = 'requests'"""
    )
    assert asked_together == SHARDS


async def owned(database: Database) -> dict[object, object]:
    """Which process each answer under way belongs to."""
    return {row[0]: row[1] for row in await database.select("SELECT request_id, owner FROM inflight")}


async def test_only_the_dead_process_s_answers_are_taken_over(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[asyncio.subprocess.Process],
) -> None:
    middle = asyncio.Event()
    replicate.respond = lambda _: Script(tokens=["Half of it, ", "and the rest."], gates={1: middle})
    asked = [
        [
            standin.slash(
                standin.other, standin.add_channel(f"talk{number}", guild), "ask", {"question": "?"}
            )
            for number in range(3)
        ]
        for guild in guilds
    ]
    for each in [*asked[0], *asked[1]]:
        await standin.shown(each, "Half of it")
    owners = await owned(database)
    assert len(set(owners.values())) == SHARDS
    processes[0].kill()
    await processes[0].wait()
    await until(database, "SELECT COUNT(DISTINCT owner) FROM inflight", [(1,)])
    now = await owned(database)
    assert now.keys() == owners.keys()
    # What the living one had, it has kept.
    (heir,) = set(now.values())
    assert sum(owner == heir for owner in owners.values()) == len(asked[1])
    middle.set()
    for each in [*asked[0], *asked[1]]:
        await standin.shown(each, "-# meta")
        assert each.text.count("Half of it, and the rest.") == 1
        assert len(each.messages) == 1
    assert await database.select("SELECT DISTINCT ending FROM usage") == [("done",)]
    assert len(replicate.creations) == len(owners)


async def test_who_wakes_up_after_its_answers_were_taken_over_shows_no_more_of_them(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[asyncio.subprocess.Process],
) -> None:
    middle = asyncio.Event()
    words = [f"word{number} " for number in range(600)]
    replicate.script(Script(tokens=words, gates={150: middle}))
    replicate.respond = lambda _: Script(tokens=["Hello ", "there."])
    channel = standin.add_channel("talk", guilds[0])
    asked = standin.slash(standin.other, channel, "ask", {"question": "?"})
    await standin.shown(asked, "word149")
    (before,) = (await owned(database)).values()
    processes[0].send_signal(signal.SIGSTOP)
    await until(database, f"SELECT COUNT(*) FROM inflight WHERE owner <> {before}", [(1,)])  # noqa: S608 - a number
    processes[0].send_signal(signal.SIGCONT)
    # It is awake, and has written something: before that, it has renewed what it has.
    await standin.shown(standin.slash(standin.other, channel, "ask", {"question": "?"}), "-# meta")
    middle.set()
    await standin.shown(asked, "-# meta")
    await until(database, "SELECT COUNT(*) FROM inflight", [(0,)])
    assert [word for word in asked.text.split() if word.startswith("word")] == "".join(words).split()
    assert asked.text.count("-# meta") == 1
    assert await database.select("SELECT ending FROM usage") == [("done",)] * 2
    assert len(replicate.creations) == 2
    assert not any(run.cancels for run in replicate.runs.values())


async def test_a_token_is_kept_only_while_its_answer_is_under_way(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[asyncio.subprocess.Process],
) -> None:
    middle = asyncio.Event()
    replicate.script(Script(tokens=["Half of it, ", "and the rest."], gates={1: middle}))
    asked = standin.slash(standin.other, standin.add_channel("talk", guilds[0]), "ask", {"question": "?"})
    await standin.shown(asked, "Half of it")
    assert await database.select("SELECT token FROM inflight") == [(asked.token,)]
    ((fingerprint,),) = await database.select("SELECT fingerprint FROM predictions")
    assert fingerprint is None
    middle.set()
    await standin.shown(asked, "-# meta")
    await until(database, "SELECT COUNT(*) FROM inflight", [(0,)])
