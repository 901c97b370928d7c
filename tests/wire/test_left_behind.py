"""Answers of a dead process that come late, that nobody may have seen, or that somebody has removed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.seal import Seal
from tests.support.databases import SqliteDatabase, until
from tests.wire.discord import DiscordStandIn, Phase
from tests.wire.process import Running, Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LEASE = "1.5"
EARLY, LATE = "Half of it, ", "and the rest."
REMOVED = "the answer's message was deleted meanwhile"
RESTARTED = "I was restarted before the answer was whole"


@pytest.fixture
def goes_on(replicate: ReplicateStandIn) -> asyncio.Event:
    """Every answer stops in the middle until this is set."""
    event = asyncio.Event()
    replicate.respond = lambda _: Script(tokens=[EARLY, LATE], gates={1: event})
    return event


async def ended(bot: Running, ending: str) -> None:
    """Wait until its one request is settled like this, and nothing is under way."""
    await until(SqliteDatabase(bot.database), "SELECT COUNT(*) FROM inflight", [(0,)])
    assert [each for _, each in bot.usage()] == [ending]


def age(bot: Running, standin: DiscordStandIn, minutes: float) -> None:
    """Make the request that is under way so much older."""
    seal = Seal(standin.world.token)
    [(request_id, sealed)] = bot.select("SELECT request_id, request FROM inflight")
    request = seal.unsealed(sealed, request_id)
    assert request is not None
    older = seal.sealed(replace(request, asked_at=request.asked_at - timedelta(minutes=minutes)))
    bot.change(f"UPDATE inflight SET request = '{older}'")  # noqa: S608 - of our own


async def test_what_comes_too_late_for_another_call_shows_what_was_written_and_makes_none(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, goes_on: asyncio.Event
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    text = "\n\n".join(f"Paragraph {index} says this. " * 6 for index in range(26))
    asked = standin.slash(standin.member, standin.channel, "translate", {"text": text, "to": "French"})
    await standin.shown(asked, EARLY.strip())
    await bot.kill()
    age(bot, standin, 40)
    goes_on.set()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, RESTARTED)
    assert asked.text.startswith(f"{EARLY}{LATE}\n-# {RESTARTED}")
    await ended(again, "shutdown")
    assert await again.end() == 0
    assert len(replicate.creations) == 1


async def test_what_nobody_may_have_seen_is_not_begun_once_its_token_is_dead(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    async with standin.hold("POST /interactions/*", Phase.BEFORE) as hold:
        asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
        await hold.arrived()
        await bot.kill()
    asked.expired = True
    bot.change("UPDATE inflight SET expires_at = 1")
    again = await start(LEASE_SECONDS=LEASE)
    await ended(again, "unseen")
    assert await again.end() == 0
    assert not replicate.creations
    assert not standin.requests("POST /channels/*/messages")


@pytest.mark.parametrize("gone", [0, 1])
async def test_a_message_that_was_removed_is_shown_again_while_another_stands(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, gone: int
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    whole = asyncio.Event()
    words = [f"word{number:04} " for number in range(400)]
    replicate.respond = lambda _: Script(tokens=words, gates={300: whole})
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "word0299")
    on_record = SqliteDatabase(bot.database)
    await until(on_record, "SELECT json_array_length(messages) FROM inflight", [(2,)])
    await bot.kill()
    standin.remove(asked.messages[gone])
    whole.set()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "-# meta")
    await ended(again, "done")
    assert await again.end() == 0
    assert [word for word in asked.text.split() if word.startswith("word")] == "".join(words).split()
    assert sum("Stop" in str(message.components) for message in asked.messages) == 0


async def test_a_private_answer_that_was_removed_is_spoken_of_in_private(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, goes_on: asyncio.Event
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asker = standin.add_user("someone", standin.guild, locale="zh-CN")
    asked = standin.slash(asker, standin.channel, "ask", {"question": "why?", "private": True})
    await standin.shown(asked, EARLY.strip())
    await bot.kill()
    standin.remove(asked.messages[0])
    again = await start(LEASE_SECONDS=LEASE)
    told = await standin.shown(asked, "回答的消息在此期间已被删除")
    assert asked.messages == [told]
    assert told.ephemeral
    await ended(again, "lost")
    assert await again.end() == 0
    assert not replicate.left_running()


async def test_an_answer_to_a_message_that_was_removed_is_spoken_of_below_that_message(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, goes_on: asyncio.Event
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    question = standin.say(standin.member, standin.channel, f"{standin.mention} why?")
    sent = standin.sent
    await standin.wait_for(lambda: any(EARLY.strip() in each.content for each in sent(standin.channel)))
    await bot.kill()
    standin.remove(sent(standin.channel)[0])
    again = await start(LEASE_SECONDS=LEASE)
    await standin.wait_for(lambda: REMOVED in sent(standin.channel)[-1].content)
    await ended(again, "lost")
    assert await again.end() == 0
    assert [message.reference for message in sent(standin.channel)] == [question, question]
    assert not replicate.left_running()


async def test_what_nobody_foresaw_is_tried_again_a_little_later(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, goes_on: asyncio.Event
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, EARLY.strip())
    await bot.kill()
    standin.fault("GET /webhooks/*", status=200, body={"what": "nobody knows"}, times=2)
    goes_on.set()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, f"{EARLY}{LATE}\n-# meta")
    await ended(again, "done")
    assert await again.end() == 0
    assert len(replicate.creations) == 1


async def test_what_nobody_foresaw_time_after_time_ends_with_a_sentence(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, goes_on: asyncio.Event
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, EARLY.strip())
    await bot.kill()
    bot.change("UPDATE inflight SET taken = 2")
    standin.fault("GET /webhooks/*", status=200, body={"what": "nobody knows"}, times=2)
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "Something went wrong on my side")
    assert asked.messages[-1].ephemeral
    await ended(again, "failed")
    assert await again.end() == 0
    assert not replicate.left_running()
