"""The bot is asked to stop in the middle of many answers."""

import asyncio

import pytest

from tests.wire.discord import DiscordStandIn
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ANSWERS = 50


async def test_a_shutdown_in_the_middle_of_50_answers_loses_none(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(SERVER_REQUESTS_PER_MINUTE="none")
    never, soon = asyncio.Event(), asyncio.Event()
    gates = iter([never, soon] * (ANSWERS // 2))
    replicate.respond = lambda _: Script(tokens=["It begins ", "and ends."], gates={1: next(gates)})
    asked = [
        standin.slash(
            standin.add_user(f"person{number}", standin.guild), standin.channel, "ask", {"question": "why?"}
        )
        for number in range(ANSWERS)
    ]
    for each in asked:
        await standin.shown(each, "It begins")
    ended = asyncio.ensure_future(bot.end())
    await bot.says("stopping")
    soon.set()
    assert await ended == 0
    whole = [each for each in asked if "It begins and ends." in each.text and "-# meta" in each.text]
    noted = [each for each in asked if "I was restarted before the answer was whole" in each.text]
    assert (len(whole), len(noted)) == (ANSWERS // 2, ANSWERS // 2)
    assert not replicate.left_running()
    endings = [ending for _, ending in bot.usage()]
    assert (endings.count("done"), endings.count("shutdown")) == (ANSWERS // 2, ANSWERS // 2)
    assert bot.select("SELECT request_id, token FROM inflight") == []


async def test_what_a_shutdown_cannot_say_in_time_the_next_start_says(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    replicate.script(Script(tokens=["It begins ", "and ends."], gates={1: asyncio.Event()}))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "It begins")
    standin.fault("PATCH /webhooks/*", status=503, times=100)
    assert await bot.end() == 0
    standin.server.interference.faults.clear()
    assert "restarted" not in asked.text
    again = await start()
    await standin.shown(asked, "I was restarted before the answer was whole")
    assert "It begins" in asked.text
    assert asked.messages[0].button("Details")
    assert await again.end() == 0
    assert again.usage() == [("ask", "shutdown")]
    assert again.select("SELECT request_id, token FROM inflight") == []


async def test_a_shutdown_that_replicate_holds_up_loses_none(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    replicate.script(Script(tokens=["It begins ", "and ends."], gates={1: asyncio.Event()}))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "It begins")
    replicate.refuse(Operation.CANCEL, Refusal(503), times=100)
    assert await bot.end() == 0
    assert "restarted" not in asked.text
    ((_, token),) = bot.select("SELECT request_id, token FROM inflight")
    assert token
    replicate.forgive(Operation.CANCEL)
    again = await start()
    await standin.shown(asked, "I was restarted before the answer was whole")
    assert await again.end() == 0
    assert not replicate.left_running()
    assert again.usage() == [("ask", "shutdown")]
    assert again.select("SELECT request_id, token FROM inflight") == []


@pytest.mark.parametrize(
    ("code", "word"), [(4004, "Discord does not accept DISCORD_TOKEN"), (4011, "close code 4011")]
)
async def test_when_discord_turns_it_away_its_answers_are_ended_too(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, code: int, word: str
) -> None:
    bot = await start()
    rest = asyncio.Event()
    replicate.script(Script(tokens=["It begins ", "and ends."], gates={1: rest}))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "It begins")
    await standin.gateway.drop(code)
    rest.set()
    await standin.shown(asked, "-# meta")
    await bot.says(word)
    assert await bot.process.wait() == 1
    assert bot.usage() == [("ask", "done")]
    assert "Traceback" not in await bot.log()
