"""The benches' own way of driving both bots: all streams are seen whole. No figure is held here, for a
machine may be busy; `make bench` does that.
"""

import math

import pytest

from bench import growth
from bench.driving import Contender
from tests.wire.crowd import IN_FULL

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

STREAMS = {Contender.PARLANCE: 400 if IN_FULL else 8, Contender.BARE: 8}


@pytest.mark.parametrize("contender", Contender)
async def test_all_streams_are_seen_whole(contender: Contender, monkeypatch: pytest.MonkeyPatch) -> None:
    if not IN_FULL:
        monkeypatch.setattr(growth, "SECONDS", 3)
    async with growth.warmed(contender) as bench:
        seen = await growth.measured(bench, STREAMS[contender], growth.SLOW)
        refused = bench.discord.breaches
    assert seen.complete == STREAMS[contender]
    assert 0 < seen.first <= seen.slowest < math.inf
    assert 0 < seen.pause < math.inf
    assert seen.processor > 0
    assert not refused
