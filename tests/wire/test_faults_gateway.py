"""The gateway in trouble: answers under way go on, and the next ones are heard."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.wire.crowd import IN_FULL, SIZE, Crowd, End
from tests.wire.discord import DiscordStandIn
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]


Trouble = Callable[[DiscordStandIn], Coroutine[Any, Any, None]]


async def drops(standin: DiscordStandIn) -> None:
    resumed = standin.gateway.resumed
    await standin.drop_gateway()
    await standin.wait_for(lambda: standin.gateway.resumed > resumed)


async def refuses_to_resume(standin: DiscordStandIn) -> None:
    standin.refuse_resume()
    await begins_anew(standin, standin.drop_gateway())


async def invalidates_the_session(standin: DiscordStandIn) -> None:
    await begins_anew(standin, standin.invalidate_session())


async def invalidates_it_for_a_moment(standin: DiscordStandIn) -> None:
    resumed = standin.gateway.resumed
    await standin.invalidate_session(resumable=True)
    await standin.wait_for(lambda: standin.gateway.resumed > resumed)


async def goes_quiet(standin: DiscordStandIn) -> None:
    resumed = standin.gateway.resumed
    standin.mute_gateway()
    await standin.wait_for(lambda: standin.gateway.resumed > resumed)


async def begins_anew(standin: DiscordStandIn, trouble: Awaitable[None]) -> None:
    """Wait until the bot has begun another session."""
    sessions = len(standin.gateway.sessions)
    await trouble
    await standin.wait_for(lambda: len(standin.gateway.sessions) > sessions)


ALL = (drops, goes_quiet, invalidates_the_session, invalidates_it_for_a_moment, refuses_to_resume)
TROUBLES: tuple[Trouble, ...] = ALL if IN_FULL else ALL[:3]


async def test_answers_under_way_end_whole_and_the_next_are_heard(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, answer: Script
) -> None:
    for trouble in TROUBLES:
        middle, before = asyncio.Event(), len(replicate.runs)
        replicate.respond = partial(_pausing, answer, middle)
        asked = crowd.ask()
        await standin.wait_for(lambda: len(replicate.runs) == before + SIZE)  # noqa: B023 - waited for at once
        met = asyncio.create_task(trouble(standin))
        middle.set()
        assert await crowd.ends(asked) == {End.WHOLE: SIZE}, trouble
        await met
        await crowd.is_whole_again()
    await crowd.leave()


async def test_what_is_asked_while_it_is_away_is_heard_when_it_resumes(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    await standin.drop_gateway()
    assert await crowd.ends(crowd.ask()) == {End.WHOLE: SIZE}
    assert standin.gateway.resumed == 1
    await crowd.leave()


def _pausing(answer: Script, middle: asyncio.Event, _: object) -> Script:
    return replace(answer, gates={3: middle})
