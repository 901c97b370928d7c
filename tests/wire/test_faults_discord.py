"""Discord in trouble: everyone gets a whole answer or a clear sentence, and when it is over all is well."""

from typing import Any

import pytest

from tests.wire.crowd import IN_FULL, SIZE, Crowd, End
from tests.wire.discord import DiscordStandIn, Phase
from tests.wire.discord_log import Fault, made_fault
from tests.wire.replicate import ReplicateStandIn

pytestmark = [pytest.mark.slow, pytest.mark.soak]

SHARE = 0.05 if IN_FULL else 0.15
"""Of all requests meet trouble: more of a few."""


def both_ways(**fault: Any) -> list[Fault]:
    """The fault before Discord acted, and after it did."""
    return [made_fault(phase=phase, **fault) for phase in Phase]


TROUBLES: dict[str, list[Fault]] = {
    "5xx": [fault for status in (500, 502, 503) for fault in both_ways(status=status)],
    "429 with headers": [made_fault(status=429, delay=0.5)],
    "429 without headers": [made_fault(status=429, headers={})],
    "cut connections": both_ways(status=None),
}


ROUNDS = TROUBLES if IN_FULL else {"everything": [fault for faults in TROUBLES.values() for fault in faults]}


@pytest.mark.timeout(600)
async def test_a_share_of_the_requests_fails(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    for seed, (name, faults) in enumerate(ROUNDS.items()):
        with standin.weather(seed=seed, share=SHARE, faults=faults):
            ends = await crowd.ends(crowd.ask())
        print(f"{name}: {dict(ends)}")
        assert ends == {End.WHOLE: SIZE}, f"{name}: {ends}"
        await crowd.is_whole_again()
    await crowd.leave()


@pytest.mark.timeout(600)
async def test_every_request_is_slow(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd
) -> None:
    with standin.weather(seed=1, slowest=2.0):
        ends = await crowd.ends(crowd.ask())
    assert ends == {End.WHOLE: SIZE}
    await crowd.is_whole_again()
    await crowd.leave()
