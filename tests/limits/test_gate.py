"""The gate: everybody gets in as fast as people are, and nobody as fast as programs are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.limits import gate
from bot.limits.gate import PER_SECOND, Entry, Gate, burst_of
from tests.support.clock import Clock


def test_a_flood_is_told_once_and_then_shut_out() -> None:
    gate = Gate(Clock(), 30)
    entries = [gate.enter(1) for _ in range(1000)]
    assert entries == [Entry.OPEN] * 30 + [Entry.TOLD] + [Entry.SHUT] * 969


def test_others_are_not_held_up() -> None:
    gate = Gate(Clock(), 30)
    for _ in range(1000):
        gate.enter(1)
    assert gate.enter(2) is Entry.OPEN


def test_it_opens_again_with_time() -> None:
    clock = Clock()
    gate = Gate(clock, 30)
    for _ in range(40):
        gate.enter(1)
    clock.now += 1 / PER_SECOND
    assert [gate.enter(1) for _ in range(2)] == [Entry.OPEN, Entry.SHUT]
    clock.now += 3600
    assert [gate.enter(1) for _ in range(32)] == [Entry.OPEN] * 30 + [Entry.TOLD, Entry.SHUT]


@given(st.lists(st.floats(0, 2), max_size=300))
def test_nobody_gets_in_more_often_than_that(pauses: list[float]) -> None:
    clock = Clock()
    gate = Gate(clock, 30)
    entered = 0
    for pause in pauses:
        clock.now += pause
        entered += gate.enter(1) is Entry.OPEN
        assert entered <= 30 + clock.now * PER_SECOND + 1e-6


def test_without_a_ceiling_for_people_it_is_there_all_the_same() -> None:
    gate = Gate(Clock(), burst_of(None))
    assert [gate.enter(1) for _ in range(1000)].count(Entry.OPEN) == 30


def test_it_remembers_so_many_people_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REMEMBERED", 100)
    door = Gate(Clock(), 30)
    for user_id in range(1000):
        door.enter(user_id)
    assert list(door._buckets) == list(range(900, 1000))
