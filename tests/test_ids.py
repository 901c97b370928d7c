"""Ids are unique, rise with time, and fit a BIGINT."""

from datetime import UTC, datetime, timedelta

from bot.ids import ALPHABET, EPOCH, Ids, short


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_are_ordered_by_time() -> None:
    clock = Clock()
    ids = Ids(clock)
    made = []
    for _ in range(50):
        made.append(ids.new())
        clock.now += timedelta(milliseconds=1)
    assert made == sorted(set(made))


def test_differ_within_a_millisecond_and_when_the_clock_goes_back() -> None:
    clock = Clock()
    ids = Ids(clock)
    made = [ids.new() for _ in range(1000)]
    clock.now -= timedelta(hours=1)
    made += [ids.new() for _ in range(1000)]
    assert made == sorted(set(made))


def test_differ_between_processes() -> None:
    clock = Clock()
    assert Ids(clock, lambda _: 1).new() != Ids(clock, lambda _: 2).new()
    assert len({Ids(clock).new() for _ in range(20)}) == 20


def test_fit_63_bits_until_2094() -> None:
    clock = Clock()
    clock.now = datetime(2094, 1, 1, tzinfo=UTC)
    assert 0 < Ids(clock, lambda bits: 2**bits - 1).new() < 2**63
    clock.now = EPOCH - timedelta(days=1)
    assert Ids(clock).new() >= 0


def test_short_is_readable_and_tells_neighbours_apart() -> None:
    ids = Ids()
    made = [short(ids.new()) for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(len(text) == 8 and set(text) <= set(ALPHABET) for text in made)
