"""One process alone loses the database: just when it commits, or for so long that another goes on for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.anchor import Anchor
from bot.domain import Ending, Metric, PredictionState, Request, Stage, Subject, Tokens, Window
from bot.errors import LimitReached, Refused
from bot.limits import Ledger, memory
from bot.limits.inflight import LEASE_SECONDS
from bot.store import Store, StoreUnavailable
from bot.store.inflight import InflightRow
from tests.limits.world import BOUND, GUILD, MODEL, USER, Faulty, World, limit, servers_limit, world
from tests.support.databases import SEAL, Database

APPLICATION = 77
ANCHOR = Anchor(APPLICATION, 9)
USED = Tokens(10, 20)
LIMITS = (limit(10), limit(5_000, Metric.TOKENS), limit(10, Metric.CONCURRENT, Window.NOW, Subject.GUILD))


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database, *LIMITS, kind=Faulty) as opened:
        yield opened


@pytest.fixture
def store(place: World) -> Faulty:
    assert isinstance(place.store, Faulty)
    return place.store


@pytest.fixture
async def others(place: World, database: Database) -> AsyncIterator[list[Ledger]]:
    """The ledgers of two more processes on the same database."""
    async with AsyncExitStack() as stack:
        ledgers = []
        for _ in range(2):
            store = await stack.enter_async_context(Store.open(database.url, place.clock))
            ledgers.append(await stack.enter_async_context(Ledger.open(store, SEAL, place.clock)))
        yield ledgers


def reading(requests: int, tokens: int, concurrent: int) -> dict[str, int]:
    return {
        f"user requests day {USER}": requests,
        f"user tokens day {USER}": tokens,
        f"server concurrent now {GUILD}": concurrent,
    }


async def asked(ledger: Ledger, place: World) -> Request:
    request = place.request()
    await ledger.admit(request, MODEL, BOUND, ANCHOR)
    return request


async def test_what_was_taken_over_unheard_is_taken_by_one_other(
    place: World, store: Faulty, others: list[Ledger]
) -> None:
    request = await asked(others[0], place)
    place.clock.move(seconds=LEASE_SECONDS)
    store.unheard = True
    with pytest.raises(StoreUnavailable):
        await place.ledger.leases.take_over(APPLICATION, 10)
    store.unheard = False
    everyone = [place.ledger, others[1]]
    taken: list[InflightRow] = []
    for _ in range(10):
        place.clock.move(seconds=LEASE_SECONDS / 3)
        for ledger in everyone:
            await ledger.leases.renew()
            taken += await ledger.leases.take_over(APPLICATION, 10)
    # Nor does it count as one of the times that it brought a process down.
    assert [(row.request_id, row.taken) for row in taken] == [(request.id, 1)]


async def test_what_ends_meanwhile_is_not_thought_lost(place: World, store: Faulty) -> None:
    leases = place.ledger.leases
    shown, going = await asked(place.ledger, place), await asked(place.ledger, place)
    store.away = True
    await leases.closed(shown.id)
    await leases.let_go(going.id)
    store.away = False
    # That both are ours no longer is still to be written.
    assert place.ledger.kept
    await leases.renew()
    await place.caught_up()
    place.clock.move(seconds=LEASE_SECONDS)
    await leases.renew()
    assert [row.request_id for row in await leases.take_over(APPLICATION, 10)] == [going.id]


async def test_one_admitted_unheard_and_refused_then_is_not_left_behind(
    place: World, store: Faulty, others: list[Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "USER_ALLOWANCE", 0)
    store.unheard = True
    request = place.request()
    with pytest.raises(Refused):
        await place.ledger.admit(request, MODEL, BOUND, ANCHOR)
    store.unheard = False
    await place.caught_up()
    assert await place.database.select("SELECT state, ending, error, counts FROM usage") == [
        ("settled", "refused", "Refused", 0)
    ]
    assert await place.database.select("SELECT refused FROM usage_days WHERE kind = 'member'") == [(1,)]
    assert await place.counters() == reading(0, 0, 0)
    place.clock.move(seconds=LEASE_SECONDS)
    assert await others[0].leases.take_over(APPLICATION, 10) == ()


async def test_a_call_recorded_unheard_and_refused_then_was_never_made(place: World, store: Faulty) -> None:
    request = await asked(place.ledger, place)
    await place.ledger.call(request.id, MODEL, BOUND, {})
    store.unheard = True
    # The server's own limits are not known without the database; the operator's are.
    place.ledger._memory.opened[request.id].limits = {
        hold: limit(100, Metric.TOKENS) for hold in place.ledger._memory.opened[request.id].limits
    }
    with pytest.raises(LimitReached):
        await place.ledger.call(request.id, MODEL, BOUND, {})
    store.unheard = False
    await place.caught_up()
    states = await place.database.select("SELECT state, output_tokens FROM predictions ORDER BY id")
    assert states == [("starting", 0), ("aborted", 0)]


async def test_how_a_call_ended_is_said_by_whoever_goes_on_with_it(
    place: World, others: list[Ledger]
) -> None:
    request = await asked(place.ledger, place)
    call = await place.ledger.call(request.id, MODEL, BOUND, {})
    await place.ledger.created(call, "provider's")
    place.clock.move(seconds=LEASE_SECONDS)
    await others[0].leases.take_over(APPLICATION, 10)
    # The first one was not dead, only late, and has heard less.
    await place.ledger.ended(call, PredictionState.CANCELED, Tokens(0, 1), 0)
    await others[0].ended(call, PredictionState.SUCCEEDED, USED, MODEL.cost(USED))
    assert await others[0].settle(request.id, Ending.DONE)
    assert await place.database.select("SELECT state, output_tokens FROM predictions") == [
        ("succeeded", USED.output)
    ]
    assert await place.counters() == reading(1, USED.total, 0)


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("ending", [Ending.DONE, Ending.FAILED])
async def test_a_call_that_is_told_of_after_its_request_was_settled_counts_all_the_same(
    place: World, store: Faulty, others: list[Ledger], ending: Ending, *, ends: bool
) -> None:
    await place.set_limit(servers_limit(10**9, Metric.COST, Window.MONTH, Subject.EVERYONE))
    request = await asked(place.ledger, place)
    store.away = True
    call = await place.ledger.call(request.id, MODEL, BOUND, {}, stage=Stage.LAST)
    await place.ledger.created(call, "provider's")
    if ends:
        await place.ledger.ended(call, PredictionState.SUCCEEDED, USED, MODEL.cost(USED))
    place.clock.move(seconds=LEASE_SECONDS)
    await others[0].leases.take_over(APPLICATION, 10)
    assert await others[0].settle(request.id, ending)
    await others[0].leases.closed(request.id)
    store.away = False
    await place.caught_up()
    took = USED if ends else Tokens(0, BOUND.total)
    cost = MODEL.cost(USED if ends else BOUND)
    assert await place.database.select("SELECT input_tokens, output_tokens, cost, counts FROM usage") == [
        (took.input, took.output, cost, 1)
    ]
    assert await place.counters() == reading(1, took.total, 0) | {"everyone cost month 0": cost}
    summed = "SELECT requests, input_tokens, output_tokens, cost FROM usage_days WHERE kind = 'model'"
    assert await place.database.select(summed) == [(1, took.input, took.output, cost)]
