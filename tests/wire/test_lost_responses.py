"""A message that Discord takes and whose response is lost: what it says is not said again."""

import pytest

from tests.wire.crowd import Crowd
from tests.wire.discord import DiscordStandIn, Phase
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = pytest.mark.slow

WORDS = [f"word{number:04}" for number in range(700)]
"""An answer of three messages."""


@pytest.mark.parametrize("status", [500, 503, None])
async def test_a_message_whose_response_is_lost_stands_once(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, status: int | None
) -> None:
    replicate.respond = lambda _: Script(tokens=[f"{word} " for word in WORDS], rate=200.0)
    standin.fault("POST /channels/*/messages", status=status, phase=Phase.AFTER, times=3)
    asked = crowd.write()
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert asked.answer.split() == WORDS
    await crowd.leave()


@pytest.mark.parametrize("status", [500, 503, None])
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
