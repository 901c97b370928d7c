"""Time-ordered 63-bit ids, and the short form in which people meet them.

An id is 41 bits of milliseconds since 2025 and 22 bits that begin at random in each millisecond, so that
processes sharing a database need not talk to each other. A database sees them in nearly rising order; they
last until the year 2094.
"""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

RANDOM_BITS = 22
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like a digit."""
SHORT_LENGTH = 8

Clock = Callable[[], datetime]
"""The time in UTC."""


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class Ids:
    """Makes ids. Within one process each is greater than the one before, also when the clock goes back."""

    def __init__(self, clock: Clock = utc_now, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._last = 0

    def new(self) -> int:
        """Return a new id."""
        milliseconds = int((self._clock() - EPOCH).total_seconds() * 1000)
        started = max(0, milliseconds) << RANDOM_BITS
        if started >> RANDOM_BITS > self._last >> RANDOM_BITS:
            # The upper half of the range stays free, for the ids that follow in the same millisecond.
            self._last = started | self._random_bits(RANDOM_BITS - 1)
        else:
            self._last += 1
        return self._last


def short(id: int) -> str:  # noqa: A002 - the word of the domain
    """Return the last 40 bits as eight characters, which tell the ids of months apart.

    >>> short(0), short(31), short(32), short(2**63 - 1)
    ('00000000', '0000000Z', '00000010', 'ZZZZZZZZ')
    """
    return "".join(ALPHABET[id >> shift & 31] for shift in range(5 * (SHORT_LENGTH - 1), -1, -5))
