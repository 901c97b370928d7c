"""A request that another process admitted, and that this one makes calls for, on each kind of database."""

from collections.abc import AsyncIterator

import pytest

from bot.domain import Ending, Metric, PredictionState, Stage, Tokens
from bot.errors import LimitReached, Refused
from bot.limits import Ledger
from tests.limits.world import BOUND, MODEL, USER, World, limit, world
from tests.support.databases import SEAL, Database

RESERVED = "SELECT reserved_tokens FROM usage"


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database, limit(3 * BOUND.total, Metric.TOKENS)) as opened:
        yield opened


@pytest.fixture
async def other(place: World) -> AsyncIterator[Ledger]:
    """Another process's ledger on the same database."""
    async with Ledger.open(place.store, SEAL, place.clock) as ledger:
        yield ledger


async def test_its_calls_go_on_from_what_is_reserved_and_used(place: World, other: Ledger) -> None:
    request = await place.admitted()
    first = await place.ledger.call(request.id, MODEL, BOUND, {}, stage=Stage.SILENT)
    await place.ledger.created(first, "provider's")
    await place.ledger.ended(first, PredictionState.SUCCEEDED, Tokens(BOUND.input, 0), 0)
    await other.take_up(request.id)
    # What the first did not use of the reservation is the second's.
    await other.call(request.id, MODEL, Tokens(0, BOUND.output), {})
    assert await place.database.select(RESERVED) == [(BOUND.total,)]
    third = await other.call(request.id, MODEL, BOUND, {})
    assert await place.database.select(RESERVED) == [(2 * BOUND.total,)]
    with pytest.raises(LimitReached):
        await other.call(request.id, MODEL, Tokens(0, BOUND.total + 1), {})
    await other.created(third, "provider's too")
    await other.ended(third, PredictionState.SUCCEEDED, Tokens(1, 2), 0)
    assert await other.settle(request.id, Ending.DONE)
    assert await place.counters() == {f"user tokens day {USER}": BOUND.input + 3}


async def test_a_call_that_may_still_run_counts_with_its_bound(place: World, other: Ledger) -> None:
    request = await place.admitted()
    running = await place.ledger.call(request.id, MODEL, BOUND, {})
    await place.ledger.created(running, "provider's")
    await other.take_up(request.id)
    await other.reserve(request.id, MODEL, BOUND)
    assert await place.database.select(RESERVED) == [(2 * BOUND.total,)]


@pytest.mark.parametrize("is_there", [True, False])
async def test_no_call_is_made_for_what_has_ended(place: World, other: Ledger, is_there: bool) -> None:
    request = await place.admitted()
    await place.ledger.settle(request.id, Ending.STOPPED)
    asked = request.id if is_there else request.id + 1
    await other.take_up(asked)
    with pytest.raises(Refused):
        await other.call(asked, MODEL, BOUND, {})
