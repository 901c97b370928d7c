"""Answers whose process is killed, each at another moment of its way, and what has become of them in the end.

`make kills` does the same on both databases.
"""

import tempfile
from pathlib import Path

from bench.table import Row
from tests.support.databases import Database, SqliteDatabase
from tests.wire.discord import DiscordStandIn
from tests.wire.kills import POINTS, Answer
from tests.wire.outcomes import checked, killed, starting
from tests.wire.replicate import ReplicateStandIn, standing_in


async def rows() -> list[Row]:
    """Kill the bot with an answer at each of the moments."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        database = SqliteDatabase(Path(directory) / "bench.db")
        async with (
            DiscordStandIn() as discord,
            standing_in() as replicate,
            starting(discord, replicate, database) as start,
        ):
            async for answer in killed(discord, replicate, database, start, POINTS):
                faults += await faults_of(answer, replicate, database)
            ((settled,),) = await database.select("SELECT COUNT(ending) FROM usage")
            left = replicate.left_running()
    name = f"kill -9 at {len(POINTS)} moments"
    ended, lost = len(POINTS) - len(faults), len(POINTS) - int(str(settled))
    return [
        Row(
            f"{name}: finished or marked",
            ended,
            "answers",
            len(POINTS),
            at_most=False,
            note=" ".join(faults[:1]),
        ),
        Row(f"{name}: usage rows lost", lost, "rows", 0),
        Row(f"{name}: predictions left running", len(left), "predictions", 0),
    ]


async def faults_of(answer: Answer, replicate: ReplicateStandIn, database: Database) -> list[str]:
    """What is wrong with an answer in the end."""
    try:
        await checked(answer, replicate, database)
    except AssertionError as fault:
        return [str(fault)]
    return []
