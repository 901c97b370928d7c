"""What Discord counts together: never more than it takes in a second, whatever it is for and however late."""

from collections.abc import Sequence

import pytest

from bot.replies.lanes import GATE_MOST
from tests.wire.crowd import NO_CEILINGS
from tests.wire.discord import DiscordStandIn, Message
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = pytest.mark.slow

MANY = GATE_MOST + 15
"""People who ask at once: more than Discord takes requests in a second."""


def is_answered(messages: Sequence[Message]) -> bool:
    return any("-# meta" in message.content for message in messages)


async def test_requests_that_arrive_late_and_together_are_not_too_many(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    replicate.respond = lambda _: Script(tokens=["Yes."])
    await start(**NO_CEILINGS)
    people = [standin.add_user(f"person{number}", standin.guild) for number in range(MANY)]
    async with standin.hold("POST /channels/*") as hold:
        channels = [standin.dm(person, "why?").channel for person in people]
        await hold.arrived(GATE_MOST)
    await standin.wait_for(lambda: all(is_answered(standin.sent(channel)) for channel in channels))


async def test_requests_that_no_reply_makes_are_not_too_many(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    replicate.respond = lambda _: Script(tokens=["Much was said."])
    await start(**NO_CEILINGS)
    standin.say(standin.owner, standin.channel, "The boat leaves at noon.")
    people = [standin.add_user(f"person{number}", standin.guild) for number in range(MANY)]
    asked = [standin.slash(person, standin.channel, "summarize", {"messages": 5}) for person in people]
    await standin.wait_for(lambda: all(is_answered(one.messages) for one in asked))
