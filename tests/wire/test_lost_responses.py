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
