"""Two processes of the bot, each with one shard, on one database of every kind.

What they share is one account; and of one that dies, the other takes over the answers, and no others.
"""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

import pytest

from cogs.buttons import NOT_ASKER, SOON
from tests.support.databases import Database, until
from tests.wire import launch
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_contract import Contract
from tests.wire.discord_world import Guild, Interaction
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
) -> AsyncIterator[list[Process]]:
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
    ended = [process for process in started if process.returncode is not None]
    living = [process for process in started if process.returncode is None]
    for process in living:
        process.terminate()
    assert {process.returncode for process in ended} <= {-signal.SIGKILL, 0}
    assert [await process.wait() for process in living] == [0] * len(living)


async def test_each_answers_its_servers_and_both_keep_one_account(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[Process],
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


async def half_told(
    standin: DiscordStandIn, replicate: ReplicateStandIn, guild: Guild
) -> tuple[Interaction, asyncio.Event]:
    """An answer of which half is shown, and what lets it go on."""
    middle = asyncio.Event()
    replicate.script(Script(tokens=["Half of it, ", "and the rest."], gates={1: middle}))
    asked = standin.slash(standin.other, standin.add_channel("talk", guild), "ask", {"question": "?"})
    await standin.shown(asked, "Half of it")
    return asked, middle


async def overslept(
    standin: DiscordStandIn, database: Database, process: Process, asked: Interaction
) -> None:
    """Let a process sleep until another goes on with its only answer, and know that when this returns."""
    (before,) = (await owned(database)).values()
    process.send_signal(signal.SIGSTOP)
    await until(database, f"SELECT COUNT(*) FROM inflight WHERE owner <> {before}", [(1,)])  # noqa: S608 - a number
    process.send_signal(signal.SIGCONT)
    # It is awake, and has written something: before that, it has renewed what it has.
    another = standin.slash(standin.other, asked.channel, "ask", {"question": "?"})
    await standin.shown(another, "-# meta")


async def test_only_the_dead_process_s_answers_are_taken_over(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[Process],
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
    processes: list[Process],
) -> None:
    middle = asyncio.Event()
    words = [f"word{number} " for number in range(600)]
    replicate.script(Script(tokens=words, gates={150: middle}))
    replicate.respond = lambda _: Script(tokens=["Hello ", "there."])
    channel = standin.add_channel("talk", guilds[0])
    asked = standin.slash(standin.other, channel, "ask", {"question": "?"})
    await standin.shown(asked, "word149")
    await overslept(standin, database, processes[0], asked)
    middle.set()
    await standin.shown(asked, "-# meta")
    await until(database, "SELECT COUNT(*) FROM inflight", [(0,)])
    assert [word for word in asked.text.split() if word.startswith("word")] == "".join(words).split()
    assert asked.text.count("-# meta") == 1
    assert await database.select("SELECT ending FROM usage") == [("done",)] * 2
    assert len(replicate.creations) == 2
    assert not any(run.cancels for run in replicate.runs.values())


async def test_who_is_told_to_stop_after_that_cancels_nothing(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[Process],
) -> None:
    asked, middle = await half_told(standin, replicate, guilds[0])
    replicate.respond = lambda _: Script(tokens=["Hello ", "there."])
    await overslept(standin, database, processes[0], asked)
    processes[0].terminate()
    assert await processes[0].wait() == 0
    middle.set()
    await standin.shown(asked, "-# meta")
    assert "Half of it, and the rest." in asked.text
    assert not any(run.cancels for run in replicate.runs.values())


async def test_a_token_and_a_hash_are_kept_only_while_its_answer_is_under_way(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[Process],
) -> None:
    asked, middle = await half_told(standin, replicate, guilds[0])
    assert await database.select("SELECT token FROM inflight") == [(asked.token,)]
    by_input = "SELECT COUNT(*) FROM predictions WHERE fingerprint IS NOT NULL"
    assert await database.select(by_input) == [(1,)]
    middle.set()
    await standin.shown(asked, "-# meta")
    await until(database, "SELECT COUNT(*) FROM inflight", [(0,)])
    assert await database.select(by_input) == [(0,)]


async def test_stop_reaches_the_process_that_took_an_answer_over(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[Process],
) -> None:
    asked, _ = await half_told(standin, replicate, guilds[0])
    await overslept(standin, database, processes[0], asked)
    stop = asked.messages[0].button("Stop")
    stranger = standin.add_user("stranger", guilds[0])
    await standin.shown(standin.press(stranger, asked.messages[0], stop), NOT_ASKER)
    assert await database.select("SELECT stop_asked_at FROM inflight") == [(None,)]
    await standin.shown(standin.press(asked.user, asked.messages[0], stop), SOON)
    await standin.shown(asked, "Stopped.")
    await until(database, "SELECT COUNT(*) FROM inflight", [(0,)])
    assert asked.text.count("Half of it") == 1
    assert await database.select("SELECT ending FROM usage ORDER BY id") == [("stopped",), ("done",)]
    assert not replicate.left_running()


async def test_messages_are_read_for_an_answer_of_a_server_that_another_shard_knows(
    standin: DiscordStandIn,
    replicate: ReplicateStandIn,
    database: Database,
    guilds: list[Guild],
    processes: list[Process],
) -> None:
    replicate.respond = lambda _: Script(tokens=["They ", "talk."])
    channel = standin.add_channel("talk", guilds[0])
    for number in range(5):
        standin.say(standin.other, channel, f"message {number}")
    async with standin.hold("GET /channels/*/messages") as reading:
        asked = standin.slash(standin.other, channel, "summarize", {"messages": 5})
        await reading.arrived()
        processes[0].kill()
        await processes[0].wait()
    await standin.shown(asked, "They talk.")
    await until(database, "SELECT COUNT(*) FROM inflight", [(0,)])
    assert await database.select("SELECT ending FROM usage") == [("done",)]
    assert "message 4" in str(replicate.creations[-1])
