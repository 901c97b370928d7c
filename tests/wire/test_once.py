"""Two processes that hear the same, as while one takes another's place: each request is answered once."""

import asyncio

import pytest

from tests.support.databases import SqliteDatabase, until
from tests.wire.discord import DiscordStandIn
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = pytest.mark.slow


async def test_of_two_processes_with_the_same_shard_one_answers(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    one, other = await start(), await start()
    await standin.wait_for(lambda: len(standin.gateway.connected) == 2)
    middle = asyncio.Event()
    replicate.respond = lambda _: Script(tokens=["Once ", "only."], gates={1: middle})
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "Once")
    standin.say(standin.other, standin.channel, f"{standin.mention} and why that?")
    await standin.wait_for(lambda: "Once" in standin.sent(standin.channel)[-1].content)
    middle.set()
    await standin.shown(asked, "-# meta")
    await until(SqliteDatabase(one.database), "SELECT ending FROM usage", [("done",), ("done",)])
    assert len(replicate.creations) == 2
    assert len(standin.sent(standin.channel)) == 2
    assert await one.end() == await other.end() == 0
