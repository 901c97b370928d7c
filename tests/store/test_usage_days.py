"""The sums by day are those of the rows, whatever was asked, refused and settled, in every time zone."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Command, Ending, Metric, PredictionState, Request, Surroundings, Tokens
from bot.errors import LimitReached
from bot.store import Store, UsageRow
from bot.store.migrations import known_migrations
from bot.store.rows import milliseconds
from bot.store.usage_days import (
    Figures,
    Part,
    Selection,
    Span,
    Sums,
    sums,
    usage_page,
)
from tests.limits.world import CHANNEL, GUILD, MODEL, START, World, limit, world
from tests.support.databases import Database, Databases

FEW_A_DAY = limit(7)
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "Australia/Lord_Howe")
LATER = (20, 3_000, 40_000, 200_000)


@dataclass(frozen=True)
class Ask:
    user: int
    channel: int
    surroundings: Surroundings
    command: Command


@dataclass(frozen=True)
class Settle:
    nth: int
    ending: Ending
    tokens: int


@dataclass(frozen=True)
class Later:
    seconds: int


Step = Ask | Settle | Later

asks = st.builds(
    Ask,
    user=st.integers(1, 2),
    channel=st.sampled_from([CHANNEL, CHANNEL + 1]),
    surroundings=st.sampled_from(list(Surroundings)),
    command=st.sampled_from([Command.ASK, Command.STORY]),
)
settlements = st.builds(
    Settle, nth=st.integers(0, 5), ending=st.sampled_from(list(Ending)), tokens=st.integers(0, 60)
)
steps = st.lists(st.one_of(asks, settlements, st.builds(Later, st.sampled_from(LATER))), max_size=30)


async def replay(world: World, wanted: list[Step]) -> None:
    """Do all of it; what is settled twice is settled once, and some stay open."""
    admitted: list[Request] = []
    for step in wanted:
        match step:
            case Ask():
                guild = None if step.surroundings is Surroundings.BOT_DM else GUILD
                request = world.request(
                    step.user,
                    command=step.command,
                    guild=guild,
                    channel=step.channel,
                    surroundings=step.surroundings,
                )
                try:
                    await world.ledger.admit(request, MODEL, Tokens(5, 5))
                except LimitReached:
                    continue
                admitted.append(request)
            case Settle() if admitted:
                request = admitted[step.nth % len(admitted)]
                if request.id in world.ledger._memory.opened:
                    call = await world.ledger.call(request.id, MODEL, Tokens(5, 5), {})
                    await world.ledger.created(call, "one")
                    tokens = Tokens(step.tokens, 2 * step.tokens)
                    await world.ledger.ended(call, PredictionState.SUCCEEDED, tokens, MODEL.cost(tokens))
                await world.ledger.settle(request.id, step.ending)
            case Later():
                world.clock.move(seconds=step.seconds)


NAMES: dict[Part, Callable[[UsageRow], object]] = {
    Part.QUARTER: lambda row: int(row.asked_at.timestamp()) // 900,
    Part.MEMBER: lambda row: row.user_id,
    Part.COMMAND: lambda row: row.command.value,
    Part.MODEL: lambda row: row.model,
    Part.CHANNEL: lambda row: row.channel_id,
    Part.GUILD: lambda row: row.guild_id if row.surroundings is Surroundings.GUILD else 0,
}


def naive(rows: list[UsageRow], part: Part, selection: Selection, span: Span) -> Sums:
    """Add up a list."""
    found: Sums = {}
    for row in rows:
        in_guild = row.guild_id == selection.guild_id and row.surroundings is Surroundings.GUILD
        if (
            row.ending is not None
            and span.start <= row.asked_at
            and (span.end is None or row.asked_at < span.end)
            and (selection.guild_id is None or in_guild)
            and selection.channel_id in {None, row.channel_id}
            and selection.user_id in {None, row.user_id}
        ):
            refused = row.ending is Ending.REFUSED
            figures = Figures(not refused, refused, row.tokens.input, row.tokens.output, row.cost)
            name = str(NAMES[part](row))
            if (
                part is Part.CHANNEL
                and selection == Selection()
                and row.surroundings is not Surroundings.GUILD
            ):
                # The channel of direct messages stands for a person, and is in no sum.
                name = "0"
            found[name] = found.get(name, Figures()) + figures
    return found


async def every_row(database: Database, store: World) -> list[UsageRow]:
    ids = [int(str(id_)) for (id_,) in await database.select("SELECT id FROM usage")]
    found = [await store.ledger.lookup.details(id_) for id_ in ids]
    return [details.usage for details in found if details is not None]


async def summed(store: Store, part: Part, selection: Selection, span: Span) -> Sums:
    return await store.read(lambda transaction: sums(transaction, part, selection, span))


def spans(zone: str) -> list[Span]:
    """Days and longer, from midnight to midnight; the first are before anything was asked."""
    today = START.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    midnights = [(today + timedelta(days=days)).astimezone(UTC) for days in (-3, 0, 1, 2, 5, 30)]
    pairs = [(0, 1), (0, 5), (1, 2), (1, 4), (2, 3), (3, 4)]
    return [Span(midnights[1]), Span(midnights[3]), *(Span(midnights[a], midnights[b]) for a, b in pairs)]


@pytest.mark.slow
@settings(max_examples=8)
@given(wanted=steps, zone=st.sampled_from(ZONES))
def test_sums_are_those_of_the_rows(databases: Databases, wanted: list[Step], zone: str) -> None:
    async def run() -> None:
        async with databases() as database, world(database, FEW_A_DAY) as opened:
            await replay(opened, wanted)
            rows = await every_row(database, opened)
            for part in set(Part) - {Part.GUILD}:
                for selection in (
                    Selection(GUILD),
                    Selection(GUILD, CHANNEL),
                    Selection(GUILD, None, 1),
                    Selection(GUILD, CHANNEL, 1),
                    Selection(None, None, 1),
                ):
                    for span in spans(zone):
                        found = await summed(opened.store, part, selection, span)
                        assert found == naive(rows, part, selection, span), (part, selection, span)
            for part in Part:
                for span in spans("UTC"):
                    found = await summed(opened.store, part, Selection(), span)
                    assert found == naive(rows, part, Selection(), span), (part, span)

    asyncio.run(run())


async def test_a_settlement_and_a_refusal_written_again_count_once(database: Database) -> None:
    async with world(database, limit(1, Metric.REQUESTS)) as opened:
        request = await opened.admitted()
        for _ in range(3):
            await opened.ledger.settle(request.id, Ending.DONE)
        with pytest.raises(LimitReached):
            await opened.admitted()
        found = await summed(opened.store, Part.COMMAND, Selection(GUILD), Span(START - timedelta(days=1)))
        assert found["ask"] == Figures(requests=1, refused=1)


async def test_rows_from_before_the_sums_are_counted_in(tmp_path: Path) -> None:
    path = tmp_path / "parlance.db"
    async with Store.open(str(path), migrations=known_migrations()[:2]):
        pass
    with closing(sqlite3.connect(path)) as database:
        database.executemany(
            """INSERT INTO usage (id, user_id, guild_id, channel_id, surroundings, command, model, visibility,
            locale, asked_at, state, ending, input_tokens, output_tokens, cost)
            VALUES (?, 1, 7, 9, 'guild', 'ask', 'small', 'public', 'en-US', 1778051289000, ?, ?, 10, 20, 30)
            """,
            [(1, "settled", "done"), (2, "settled", "failed"), (3, "settled", "refused"), (4, "open", None)],
        )
        database.commit()
    async with Store.open(str(path)) as store:
        span = Span(datetime(2026, 5, 6, tzinfo=UTC))
        expected = Figures(2, 1, 30, 60, 90)
        assert await summed(store, Part.MODEL, Selection(7), span) == {"small": expected}
        assert await summed(store, Part.GUILD, Selection(), span) == {"7": expected}


async def test_pages_have_every_settled_row_once_in_the_order_of_asking(database: Database) -> None:
    async with world(database) as opened:
        asked = []
        for number in range(11):
            if number % 4 == 0:
                opened.clock.move(seconds=1)
            asked.append(await opened.admitted())
            await opened.ledger.settle(asked[-1].id, Ending.DONE)
        await opened.admitted()
        found: list[UsageRow] = []
        after = (0, 0)
        while page := await _page(opened.store, after):
            assert len(page) <= 3
            found += page
            after = (milliseconds(page[-1].asked_at), page[-1].id)
        assert [row.id for row in found] == [request.id for request in asked]


async def _page(store: Store, after: tuple[int, int]) -> tuple[UsageRow, ...]:
    return await store.read(lambda transaction: usage_page(transaction, GUILD, Span(START), after, 3))
