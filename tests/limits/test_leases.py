"""Leases of answers under way, on each kind of database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.anchor import Anchor
from bot.domain import Ending, Metric, PredictionState, Request
from bot.errors import LimitReached, PassedOn, Refused
from bot.limits import Ledger
from bot.limits.inflight import LEASE_SECONDS, Moved
from bot.limits.leases import LEFT_OPEN
from tests.limits.world import BOUND, MODEL, USER, World, limit, world
from tests.support.databases import SEAL, Database

APPLICATION = 77
ANCHOR = Anchor(APPLICATION, 9, "token", quoted=True)
LEASES = "SELECT request_id, owner, token, messages FROM inflight ORDER BY request_id"


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database) as opened:
        yield opened


@pytest.fixture
async def other(place: World) -> AsyncIterator[Ledger]:
    """Another process's ledger on the same database."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Ledger.open(place.store, SEAL, place.clock))


async def begun(place: World) -> int:
    return (await asked(place)).id


async def asked(place: World) -> Request:
    request = place.request()
    token = "token" if request.id == 1 else f"token {request.id}"
    await place.ledger.admit(request, MODEL, BOUND, replace(ANCHOR, token=token))
    return request


@pytest.mark.parametrize("anchor", [ANCHOR, Anchor(APPLICATION, 9, reply_to=5)])
async def test_of_two_that_begin_to_answer_the_same_one_does(
    place: World, other: Ledger, anchor: Anchor
) -> None:
    await place.ledger.set_operator_limits([limit(1_000)])
    counted = "SELECT used FROM counters"
    first, second = place.request(), place.request()
    await place.ledger.admit(first, MODEL, BOUND, anchor)
    with pytest.raises(PassedOn):
        await other.admit(second, MODEL, BOUND, anchor)
    assert await place.database.select(counted) == [(1,)]
    assert [row[0] for row in await place.database.select("SELECT id FROM usage")] == [first.id]
    with pytest.raises(Refused):
        await other.call(second.id, MODEL, BOUND, {})
    await other.leases.renew()
    assert len(await place.database.select(LEASES)) == 1


async def test_two_applications_may_answer_one_message(place: World) -> None:
    for application in (APPLICATION, APPLICATION + 1):
        await place.ledger.admit(place.request(), MODEL, BOUND, Anchor(application, 9, reply_to=5))
    assert len(await place.database.select(LEASES)) == 2


async def test_an_answer_is_on_record_from_its_admission_to_its_end(place: World) -> None:
    request_id = await begun(place)
    leases = place.ledger.leases
    assert await place.database.select(LEASES) == [(request_id, leases.owner, "token", "[]")]
    await leases.moved(request_id, ANCHOR, [5, 6])
    assert await place.database.select(LEASES) == [(request_id, leases.owner, "token", "[5, 6]")]
    await leases.moved(request_id, Anchor(APPLICATION, 9), [5, 6])
    assert await place.database.select(LEASES) == [(request_id, leases.owner, None, "[5, 6]")]
    await leases.closed(request_id)
    assert await place.database.select(LEASES) == []


async def test_a_token_is_not_shown_where_an_entry_is() -> None:
    assert "token" not in repr(Moved(1, 2, ANCHOR, ()))


async def test_a_refused_request_is_not_on_record(place: World) -> None:
    await place.ledger.set_operator_limits([limit(0)])
    with pytest.raises(LimitReached):
        await begun(place)
    assert await place.database.select(LEASES) == []


async def test_a_lease_that_lasts_is_not_taken(place: World, other: Ledger) -> None:
    await begun(place)
    place.clock.move(seconds=LEASE_SECONDS - 1)
    assert await other.leases.take_over(APPLICATION, 10) == ()
    assert await place.ledger.leases.renew()
    place.clock.move(seconds=LEASE_SECONDS - 1)
    assert await other.leases.take_over(APPLICATION, 10) == ()


async def test_a_lease_that_is_over_is_taken_once_with_all_it_says(place: World, other: Ledger) -> None:
    request = await asked(place)
    await place.ledger.leases.moved(request.id, ANCHOR, [5])
    place.clock.move(seconds=LEASE_SECONDS)
    [row] = await other.leases.take_over(APPLICATION, 10)
    assert (row.request_id, row.anchor, row.messages, row.taken) == (request.id, ANCHOR, (5,), 1)
    assert other.leases.request(row) == request
    assert other.leases.request(replace(row, request=None)) is None
    assert await place.ledger.leases.take_over(APPLICATION, 10) == ()
    # What its owner of before says no longer counts.
    await place.ledger.leases.closed(request.id)
    assert await place.database.select(LEASES) == [(request.id, other.leases.owner, "token", "[5]")]


async def test_what_another_goes_on_with_is_its_to_settle(place: World, other: Ledger) -> None:
    await place.ledger.set_operator_limits([limit(3 * BOUND.total, Metric.TOKENS)])
    request_id = await begun(place)
    place.clock.move(seconds=LEASE_SECONDS)
    await other.leases.take_over(APPLICATION, 10)
    await other.take_up(request_id)
    # The first one was not dead, only late.
    assert not await place.ledger.settle(request_id, Ending.SHUTDOWN)
    call = await other.call(request_id, MODEL, BOUND, {})
    await other.ended(call, PredictionState.SUCCEEDED, BOUND, 0)
    assert await other.settle(request_id, Ending.DONE)
    assert await place.database.select("SELECT ending FROM usage") == [("done",)]
    assert await place.counters() == {f"user tokens day {USER}": BOUND.total}


async def test_what_another_goes_on_with_is_its_to_call_for(place: World, other: Ledger) -> None:
    await place.ledger.set_operator_limits([limit(3 * BOUND.total, Metric.TOKENS)])
    request_id = await begun(place)
    place.clock.move(seconds=LEASE_SECONDS)
    await other.leases.take_over(APPLICATION, 10)
    await other.take_up(request_id)
    with pytest.raises(PassedOn):
        await place.ledger.call(request_id, MODEL, BOUND, {})
    with pytest.raises(PassedOn):
        await place.ledger.reserve(request_id, MODEL, BOUND + BOUND)
    assert await place.database.select("SELECT id FROM predictions") == []
    # What it asked for holds nothing back from whoever goes on.
    await other.reserve(request_id, MODEL, BOUND + BOUND + BOUND)


async def test_what_calls_are_found_again_by_is_kept_as_long_as_the_answer_is_under_way(place: World) -> None:
    request_id = await begun(place)
    call = await place.ledger.call(request_id, MODEL, BOUND, {}, fingerprint="of the input")
    await place.ledger.created(call, "provider's")
    await place.ledger.ended(call, PredictionState.SUCCEEDED, BOUND, 0)
    await place.ledger.settle(request_id, Ending.DONE)
    assert await place.database.select("SELECT fingerprint FROM predictions") == [("of the input",)]
    await place.ledger.leases.closed(request_id)
    assert await place.database.select("SELECT fingerprint FROM predictions") == [(None,)]


async def test_another_application_s_answers_are_left_alone(place: World, other: Ledger) -> None:
    await begun(place)
    place.clock.move(seconds=LEASE_SECONDS)
    assert await other.leases.take_over(APPLICATION + 1, 10) == ()


async def test_no_more_are_taken_than_there_is_room_for(place: World, other: Ledger) -> None:
    first, second, third = [await begun(place) for _ in range(3)]
    place.clock.move(seconds=LEASE_SECONDS)
    assert [row.request_id for row in await other.leases.take_over(APPLICATION, 2)] == [first, second]
    assert await other.leases.take_over(APPLICATION, 0) == ()
    assert [row.request_id for row in await other.leases.take_over(APPLICATION, 2)] == [third]


async def test_what_is_released_or_let_go_can_be_taken(place: World, other: Ledger) -> None:
    request_id = await begun(place)
    await place.ledger.leases.release()
    [row] = await other.leases.take_over(APPLICATION, 1)
    await other.leases.let_go(request_id)
    assert await place.ledger.leases.take_over(APPLICATION, 1) == ()
    place.clock.move(seconds=LEASE_SECONDS)
    assert await place.ledger.leases.take_over(APPLICATION, 1) == (row,)


@pytest.mark.parametrize(("tried", "taken"), [(False, 1), (True, 2)])
async def test_what_is_let_go_after_it_was_tried_counts_as_taken(
    place: World, other: Ledger, tried: bool, taken: int
) -> None:
    request_id = await begun(place)
    await place.ledger.leases.release()
    await other.leases.take_over(APPLICATION, 1)
    await other.leases.let_go(request_id, tried=tried)
    place.clock.move(seconds=LEASE_SECONDS)
    [row] = await other.leases.take_over(APPLICATION, 1)
    assert row.taken == taken


async def test_whoever_was_out_of_touch_takes_nothing_at_first(place: World) -> None:
    leases = place.ledger.leases
    assert await leases.renew()
    place.clock.move(seconds=LEASE_SECONDS)
    assert not await leases.renew()
    # Nor before everybody else has renewed, who may hear later that the database is back.
    place.clock.move(seconds=LEASE_SECONDS - 1)
    assert not await leases.renew()
    place.clock.move(seconds=1)
    assert await leases.renew()


async def test_what_another_has_taken_is_told_of_once(place: World, other: Ledger) -> None:
    leases = place.ledger.leases
    taken, ended = await begun(place), await begun(place)
    await leases.renew()
    assert await leases.lost() == ()
    place.clock.move(seconds=LEASE_SECONDS)
    await other.leases.take_over(APPLICATION, 2)
    await other.settle(ended, Ending.DONE)
    await other.leases.closed(ended)
    kept = await begun(place)
    # Admitted, and not written yet.
    leases.opened(place.request(), ANCHOR)
    await leases.renew()
    assert sorted(await leases.lost()) == [taken, ended]
    assert await leases.lost() == ()
    assert [await leases.is_under_way(each) for each in (taken, ended, kept)] == [True, False, True]


async def test_whoever_goes_on_with_an_answer_is_told_to_stop_it(place: World, other: Ledger) -> None:
    stopped, kept = await begun(place), await begun(place)
    leases = place.ledger.leases
    await leases.renew()
    assert leases.to_stop == frozenset()
    assert await other.leases.stop(stopped)
    # Asked for twice, it is stopped once.
    assert await other.leases.stop(stopped)
    await other.leases.renew()
    await leases.renew()
    assert leases.to_stop == {stopped}
    assert other.leases.to_stop == frozenset()
    await leases.closed(stopped)
    await leases.renew()
    assert leases.to_stop == frozenset()
    assert not await other.leases.stop(stopped)
    assert await leases.is_under_way(kept)


async def test_what_is_taken_over_is_still_to_be_stopped(place: World, other: Ledger) -> None:
    request_id = await begun(place)
    assert await place.ledger.leases.stop(request_id)
    await place.ledger.leases.let_go(request_id)
    place.clock.move(seconds=LEASE_SECONDS)
    assert len(await other.leases.take_over(APPLICATION, 1)) == 1
    await other.leases.renew()
    assert other.leases.to_stop == {request_id}


async def test_old_requests_that_nobody_answers_are_found(place: World) -> None:
    lost = await place.admitted()
    await begun(place)
    assert await place.ledger.leases.left_open(APPLICATION) == ()
    place.clock.move(seconds=LEFT_OPEN.total_seconds() + 1)
    assert await place.ledger.leases.left_open(APPLICATION) == (lost.id,)
    await place.ledger.settle(lost.id, Ending.SHUTDOWN)
    assert await place.ledger.leases.left_open(APPLICATION) == ()


async def test_what_another_application_left_behind_is_forgotten_after_a_while(place: World) -> None:
    request_id = await begun(place)
    for seconds in (0.0, LEFT_OPEN.total_seconds()):
        place.clock.move(seconds=seconds)
        assert await place.ledger.leases.left_open(APPLICATION + 1) == ()
    place.clock.move(seconds=LEASE_SECONDS + 1)
    assert await place.ledger.leases.left_open(APPLICATION) == ()
    assert await place.ledger.leases.left_open(APPLICATION + 1) == (request_id,)
    assert await place.database.select(LEASES) == []


async def test_settling_leaves_the_record_of_an_answer_that_is_not_shown_yet(place: World) -> None:
    request_id = await begun(place)
    await place.ledger.settle(request_id, Ending.DONE)
    assert len(await place.database.select(LEASES)) == 1
