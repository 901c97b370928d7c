"""Keeps one person's flood away from everything that costs: a bucket in memory for each person.

Limits are checked in the database, and every refusal is said in Discord. Both are cheap for people and too
dear for what a program does in their name, so that is stopped here, before anything is read or written.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

PER_SECOND = 3.0
"""How many times a second one person gets in for as long as they like: quicker than anybody types."""
LEAST_BURST = 30
"""How many times at once, at least; also where the operator set no ceiling for people."""
BURST_OF_MINUTE = 5
"""How many times at once, by the requests a minute that a person may make."""
REMEMBERED = 10_000
"""People whose buckets are kept, the latest seen. A bucket that is full again is as good as none."""


class Entry(Enum):
    """What becomes of somebody at the gate."""

    OPEN = auto()
    TOLD = auto()
    """Not let in, and told so: the first time."""
    SHUT = auto()
    """Not let in, and not worth a word any more."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    told: bool = False


class Gate:
    """Lets each person in ``burst`` times at once and a few times a second after that."""

    def __init__(self, clock: Callable[[], float], burst: int) -> None:
        self._clock = clock
        self._burst = burst
        self._buckets: OrderedDict[int, _Bucket] = OrderedDict()

    def enter(self, user_id: int) -> Entry:
        """Let a person in, or not; each time counts."""
        bucket = self._filled(user_id)
        if bucket.left >= 1:
            bucket.left -= 1
            return Entry.OPEN
        if bucket.told:
            return Entry.SHUT
        bucket.told = True
        return Entry.TOLD

    def _filled(self, user_id: int) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.setdefault(user_id, _Bucket(self._burst, now))
        self._buckets.move_to_end(user_id)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        bucket.left = min(self._burst, bucket.left + (now - bucket.at) * PER_SECOND)
        bucket.at = now
        if bucket.left == self._burst:
            bucket.told = False
        return bucket


def burst_of(requests_per_minute: int | None) -> int:
    """Return the burst for the requests a minute that the operator allows a person; None is no ceiling.

    >>> burst_of(6), burst_of(60), burst_of(None)
    (30, 300, 30)
    """
    return max(LEAST_BURST, BURST_OF_MINUTE * (requests_per_minute or 0))
