"""Answers of a dead process that come too late to be called for, or that nobody may have seen."""

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
