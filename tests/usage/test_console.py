"""What the person who runs the bot reads of all servers together."""

import csv
import io
from datetime import date

from bot.domain import Ending, PredictionState, Surroundings, Tokens
from bot.usage.console import LISTED, print_report, print_rows
from tests.limits.world import GUILD, MODEL, START, World, world
from tests.support.databases import Database

DAY = date(2026, 5, 6)


async def used(opened: World, user: int, surroundings: Surroundings = Surroundings.GUILD) -> None:
    guild = GUILD if surroundings is Surroundings.GUILD else None
    request = opened.request(user, guild=guild, surroundings=surroundings)
    await opened.ledger.admit(request, MODEL, Tokens(5, 5))
    call = await opened.ledger.call(request.id, MODEL, Tokens(5, 5), {})
    tokens = Tokens(1_000, 2_000)
    await opened.ledger.ended(call, PredictionState.SUCCEEDED, tokens, MODEL.cost(tokens))
    await opened.ledger.settle(request.id, Ending.DONE)


async def test_everything_is_told_by_server_model_command_and_person(database: Database) -> None:
    async with world(database) as opened:
        for user in range(101, LISTED + 103):
            await used(opened, user)
        await used(opened, 101, Surroundings.BOT_DM)
        out = io.StringIO()
        await print_report(opened.store, DAY, START, out)
    told = out.getvalue().splitlines()
    # 23 requests of 1,000 tokens in and 2,000 out, at 50 and 250 nano-dollars.
    assert told[:2] == ["2026-05-06 to 2026-05-06, UTC", "$0.013; a month at this pace: about $0.38"]
    assert [line.split() for line in told if line.startswith(("all", "7 ", "direct", "small", "ask"))] == [
        ["all", "$0.013", "23", "0", "23,000", "46,000"],
        ["7", "$0.012", "22", "0", "22,000", "44,000"],
        ["direct", "messages", "$0.00055", "1", "0", "1,000", "2,000"],
        ["small", "$0.013", "23", "0", "23,000", "46,000"],
        ["ask", "$0.013", "23", "0", "23,000", "46,000"],
    ]
    assert told[-1].split() == ["2", "others", "$0.0011", "2", "0", "2,000", "4,000"]


async def test_every_request_is_printed_as_csv(database: Database) -> None:
    async with world(database) as opened:
        await used(opened, 1)
        await used(opened, 2, Surroundings.BOT_DM)
        out = io.StringIO()
        await print_rows(opened.store, DAY, START, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [(row["user_id"], row["guild_id"]) for row in rows] == [("1", str(GUILD)), ("2", "")]
