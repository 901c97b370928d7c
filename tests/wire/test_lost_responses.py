"""A message that Discord takes and whose response is lost: what it says is not said again."""

import asyncio

import pytest

from tests.support.databases import SqliteDatabase, until
from tests.support.patience import PATIENCE
from tests.wire.crowd import SHORT_ID, Crowd, End
from tests.wire.discord import DiscordStandIn, Install, Phase
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script
from tests.wire.test_faults_discord import TROUBLES

pytestmark = pytest.mark.slow

WORDS = [f"word{number:04}" for number in range(700)]
"""An answer of three messages."""


@pytest.mark.parametrize("status", [503, None])
async def test_a_message_whose_response_is_lost_stands_once(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, status: int | None
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS], rate=200.0)
    standin.fault("POST /channels/*/messages", status=status, phase=Phase.AFTER, times=3)
    asked = crowd.write()
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert asked.answer.split() == WORDS
    await crowd.leave()


@pytest.mark.parametrize("status", [503, None])
async def test_a_follow_up_whose_response_is_lost_stands_once(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, status: int | None
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS], rate=200.0)
    standin.fault("POST /webhooks/*", status=status, phase=Phase.AFTER, times=3)
    asked, others = crowd.command(), crowd.command()
    await standin.wait_for(lambda: "-# meta" in asked.text and "-# meta" in others.text)
    assert asked.answer.split() == others.answer.split() == WORDS
    await crowd.leave()


async def test_what_discord_does_not_take_is_sent_again_as_it_is_by_then(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS[:100]], rate=30.0)
    standin.fault("PATCH /webhooks/*", status=503)
    asked = crowd.command()
    await standin.wait_for(lambda: "-# meta" in asked.text)
    refused, taken, *_ = (each.body["content"] for each in standin.requests("PATCH /webhooks/*"))
    assert taken.startswith(refused.rstrip())
    assert len(taken) > len(refused)
    await crowd.leave()


@pytest.mark.parametrize(("status", "phase"), [(503, Phase.BEFORE), (503, Phase.AFTER), (None, Phase.AFTER)])
async def test_what_is_too_much_goes_though_discord_does_not_take_it_at_once(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, status: int | None, phase: Phase
) -> None:
    written = asyncio.Event()
    tokens = [f"{word} " for word in WORDS]
    replicate.respond = lambda _: Script(tokens=tokens, rate=300.0, end_gate=written, output=["Less."])
    standin.fault("DELETE /webhooks/*", status=status, phase=phase, times=2)
    asked = crowd.command()
    await standin.wait_for(lambda: WORDS[-10] in asked.text)
    written.set()
    await standin.wait_for(lambda: "-# meta" in asked.text and asked.answer.split() == ["Less."])
    await crowd.leave()


async def test_a_follow_up_that_is_wanted_no_more_goes_again(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    written = asyncio.Event()
    tokens = [f"{word} " for word in WORDS[:300]]
    replicate.respond = lambda _: Script(tokens=tokens, end_gate=written, output=["Less."])
    standin.fault("POST /webhooks/*", status=503, phase=Phase.AFTER)
    asked = crowd.command()
    await standin.wait_for(lambda: standin.requests("POST /webhooks/*"))
    written.set()
    await standin.wait_for(lambda: "-# meta" in asked.text and asked.answer.split() == ["Less."])
    await crowd.leave()


async def test_a_follow_up_is_found_though_others_write_much_meanwhile(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    more = asyncio.Event()
    tokens = [f"{word} " for word in WORDS[:400]]
    replicate.respond = lambda _: Script(tokens=tokens, gates={150: more})
    standin.fault("POST /webhooks/*", status=503, phase=Phase.AFTER)
    asked = crowd.command()
    await standin.wait_for(lambda: WORDS[100] in asked.text)
    for number in range(110):
        standin.say(standin.other, standin.channel, f"And another thing, {number}.")
    more.set()
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert asked.answer.split() == WORDS[:400]
    await crowd.leave()


async def test_where_the_bot_may_not_look_a_part_is_rather_said_twice_than_never(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS[:400]])
    channel = standin.add_channel("elsewhere", standin.add_guild("other", standin.other))
    standin.fault("POST /webhooks/*", status=503, phase=Phase.AFTER)
    asked = standin.slash(standin.other, channel, "ask", {"question": "long?"}, install=Install.USER)
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert set(WORDS[:400]) <= set(asked.text.split())
    assert [asked.text.count(WORDS[index]) for index in (0, 399)] == [1, 2]


async def test_a_channel_that_cannot_be_read_now_keeps_no_part_back(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS[:400]])
    standin.fault("POST /webhooks/*", status=503)
    standin.fault("GET /channels/*/messages", status=503, times=100)
    asked = crowd.command()
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert asked.answer.split() == WORDS[:400]
    await crowd.leave()


@pytest.mark.parametrize("status", [503, None])
async def test_a_first_response_is_tried_again_while_there_is_time(
    standin: DiscordStandIn, crowd: Crowd, status: int | None
) -> None:
    standin.fault("POST /interactions/*", status=status, times=3)
    assert await crowd.ends([crowd.command()]) == {End.WHOLE: 1}
    await crowd.leave()


async def test_a_first_response_that_nobody_could_ask_about_is_ended_later(
    standin: DiscordStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS="1.5")
    async with standin.hold("POST /interactions/*", Phase.AFTER) as hold:
        standin.fault("POST /interactions/*", status=503, phase=Phase.AFTER)
        asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
        await hold.arrived()
        standin.fault("POST /interactions/*", status=503, times=1000)
        standin.fault("GET /webhooks/*", status=503, times=1000)
    await until(SqliteDatabase(bot.database), "SELECT ending FROM usage", [("unseen",)])
    assert "starting" in asked.text
    standin.server.interference.faults.clear()
    await standin.wait_for(lambda: SHORT_ID.search(asked.text))
    assert await bot.end() == 0
    assert bot.select("SELECT request_id FROM inflight") == []


async def test_long_answers_come_whole_through_much_trouble(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS], rate=200.0)
    faults = [fault for kinds in TROUBLES.values() for fault in kinds]
    with standin.weather(seed=1, share=0.15, faults=faults):
        asked = [*(crowd.command() for _ in range(4)), crowd.write()]
        await standin.wait_for(lambda: all("-# meta" in one.text for one in asked), 2 * PATIENCE)
    assert all(one.answer.split() == WORDS for one in asked)
    await crowd.leave()
