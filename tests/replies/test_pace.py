"""The pace of one bucket: the sentences of the design as properties, with golden examples beside them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies.pace import ASSUMED_LIMIT, ASSUMED_SECONDS, LEAST_INTERVAL, Pace, Urgency

SLOTS_KEPT = 1


class Bucket:
    """A bucket as Discord keeps it: a window opens with its first request."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.remaining, self.resets_at = limit, float("-inf")

    def take(self, now: float) -> tuple[int, int, float]:
        if now >= self.resets_at:
            self.remaining, self.resets_at = self.limit, now + self.seconds
        assert self.remaining > 0, "the bucket would have answered 429"
        self.remaining -= 1
        return self.limit, self.remaining, self.resets_at - now


def send(pace: Pace, bucket: Bucket, urgency: Urgency, now: float) -> float:
    """Send as soon as the pace allows; returns when that was."""
    while (wait := pace.wait(urgency, now)) > 0:
        now += wait
    pace.took(now)
    pace.learn(*bucket.take(now), now)
    return now


def test_first_text_goes_at_once() -> None:
    assert Pace().wait(Urgency.FIRST, 0.0) == 0.0


def test_growing_text_is_spread_over_the_assumed_window() -> None:
    pace = Pace()
    bucket = Bucket(ASSUMED_LIMIT, ASSUMED_SECONDS)
    now, times = 0.0, []
    for _ in range(9):
        now = send(pace, bucket, Urgency.GROWS, now)
        times.append(now)
    assert times == pytest.approx([0.0, 1.25, 2.5, 3.75, 5.0, 6.25, 7.5, 8.75, 10.0], abs=0.02)


def test_the_kept_slot_lets_the_last_edit_go_at_once() -> None:
    pace, bucket = Pace(), Bucket(5, 5.0)
    now = 0.0
    for _ in range(4):
        now = send(pace, bucket, Urgency.GROWS, now)
    assert pace.wait(Urgency.GROWS, now + 0.01) > 0
    assert pace.wait(Urgency.COMPLETES, now + 0.01) == 0.0


def test_where_nothing_limits_four_changes_a_second() -> None:
    pace = Pace()
    pace.took(0.0)
    pace.learn_unlimited()
    assert pace.wait(Urgency.GROWS, 0.0) == pytest.approx(LEAST_INTERVAL)
    assert pace.wait(Urgency.COMPLETES, 0.0) == 0.0


def test_a_limit_of_one_keeps_no_slot_that_nobody_could_use() -> None:
    pace = Pace()
    pace.took(0.0)
    pace.learn(1, 0, 2.0, 0.0)
    assert pace.wait(Urgency.GROWS, 2.01) == 0.0


def test_headers_replace_what_was_assumed() -> None:
    pace, bucket = Pace(), Bucket(10, 2.0)
    now = send(pace, bucket, Urgency.GROWS, 0.0)
    assert pace.wait(Urgency.GROWS, now) == pytest.approx(LEAST_INTERVAL)


requests = st.lists(st.tuples(st.sampled_from(Urgency), st.floats(0, 3)), min_size=1, max_size=60)


@given(requests, st.integers(1, 12), st.floats(0.5, 10))
def test_the_bucket_is_never_overdrawn(
    wanted: list[tuple[Urgency, float]], limit: int, seconds: float
) -> None:
    """Whatever is asked, no request would meet a 429."""
    pace, bucket = Pace(), Bucket(limit, seconds)
    now = send(pace, bucket, Urgency.FIRST, 0.0)
    for urgency, pause in wanted:
        now = send(pace, bucket, urgency, now + pause)


@given(requests, st.integers(2, 12), st.floats(0.5, 10))
def test_one_slot_of_each_window_is_kept_for_the_last_edit(
    wanted: list[tuple[Urgency, float]], limit: int, seconds: float
) -> None:
    """As long as nothing completes, a completing edit could go at once at any moment."""
    pace, bucket = Pace(), Bucket(limit, seconds)
    now = send(pace, bucket, Urgency.FIRST, 0.0)
    for urgency, pause in wanted:
        if urgency is Urgency.COMPLETES:
            continue
        now = send(pace, bucket, urgency, now + pause)
        assert pace.wait(Urgency.COMPLETES, now) == 0.0


@given(st.integers(2, 12), st.floats(0.5, 10), st.integers(3, 40))
def test_growing_text_never_pauses_longer_than_its_even_share(
    limit: int, seconds: float, changes: int
) -> None:
    pace, bucket = Pace(), Bucket(limit, seconds)
    now, times = 0.0, []
    for _ in range(changes):
        now = send(pace, bucket, Urgency.GROWS, now)
        times.append(now)
    share = max(LEAST_INTERVAL, seconds / (limit - SLOTS_KEPT))
    assert max(later - earlier for earlier, later in pairwise(times)) <= max(share, seconds / limit) + 0.02
