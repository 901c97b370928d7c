"""The process is killed in the middle of many answers, and started again: nothing is lost or said twice."""

import os

import pytest

from tests.support.databases import Database
from tests.wire.crowd import IN_FULL
from tests.wire.discord import DiscordStandIn
from tests.wire.kills import POINTS, SAMPLE
from tests.wire.outcomes import accounts_agree, checked, killed, starting
from tests.wire.replicate import ReplicateStandIn

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]


async def test_a_killed_process_loses_nothing(
    standin: DiscordStandIn, replicate: ReplicateStandIn, database: Database
) -> None:
    points = POINTS if IN_FULL or os.environ.get("KILLS") == "all" else SAMPLE
    async with starting(standin, replicate, database) as start:
        rows = [
            (answer.point, await checked(answer, replicate, database))
            async for answer in killed(standin, replicate, database, start, points)
        ]
    assert not replicate.left_running()
    assert not standin.pings
    await accounts_agree(database)
    print(f"\n{len(rows)} points")
    for point, outcome in rows:
        print(f"  {point!s:60} {outcome.name.lower()}")
