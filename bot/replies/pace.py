"""When the screen may change: one bucket's rate limit, told by its own headers, with time as an argument.

Discord allows a number of requests in a window and says so in each response. Spending them as fast as text
comes would use a window up in its first second and leave the screen still for the rest of it; so growing text
is spread evenly over the window, and one slot of each window stays free for the edit that completes an
answer, which therefore never waits behind text that is not final.

Times are seconds of any one monotonic clock.
"""

from dataclasses import dataclass
from enum import IntEnum

ASSUMED_LIMIT = 5
"""Requests a window until headers say otherwise.

Seen by others on channels and interaction tokens; Discord documents none.
"""
ASSUMED_SECONDS = 5.0
"""Length of the assumed window."""
MARGIN_SECONDS = 0.005
"""Added to a window: headers are rounded to milliseconds, and a request a hair too early would meet a 429."""
LEAST_INTERVAL = 0.25
"""Seconds between changes where nothing limits: four a second reads as continuous and costs little."""


class Urgency(IntEnum):
    """What a change means to the person who waits for it; the lowest goes first."""

    COMPLETES = 0
    """The last edit of an answer's text."""
    FIRST = 1
    """The first sign of an answer."""
    GROWS = 2
    """More text of an answer that is not complete."""
    DECORATES = 3
    """Footer and buttons of an answer whose text is complete; and why there is none: nobody who is refused
    holds up an answer.
    """


@dataclass(slots=True)
class Window:
    """What is known of a bucket's current window."""

    limit: int
    seconds: float
    remaining: int
    resets_at: float


class Pace:
    """The pace of one bucket: a window of five in five seconds is assumed until the route's headers say
    otherwise.
    """

    def __init__(self) -> None:
        self._window: Window | None = None
        self._limit = ASSUMED_LIMIT
        self._seconds = ASSUMED_SECONDS
        self._limited = True
        self._last = float("-inf")

    @property
    def interval(self) -> float:
        """Seconds between changes that can wait, so that they spread over the window with one slot kept."""
        if not self._limited:
            return LEAST_INTERVAL
        return max(LEAST_INTERVAL, self._seconds / max(1, self._limit - 1))

    def wait(self, urgency: Urgency, now: float) -> float:
        """Seconds until a request of this urgency may start; 0.0 when it may start now."""
        spaced = max(0.0, self._last + self.interval - now) if urgency >= Urgency.GROWS else 0.0
        window = self._current(now)
        if window is None:
            return spaced
        kept = 0 if urgency is Urgency.COMPLETES or window.limit == 1 else 1
        if window.remaining > kept:
            return spaced
        return max(spaced, window.resets_at - now)

    def took(self, now: float) -> None:
        """A request starts: its slot is taken before any header can say so."""
        self._last = now
        if not self._limited:
            return
        window = self._current(now)
        if window is None:
            window = Window(self._limit, self._seconds, self._limit, now + self._seconds)
            self._window = window
        window.remaining -= 1

    def learn(self, limit: int, remaining: int, reset_after: float, now: float) -> None:
        """Take in a response's X-RateLimit-Limit, -Remaining and -Reset-After (seconds)."""
        self._limited = True
        opened = self._window is None or remaining >= limit - 1
        self._limit = limit
        self._seconds = reset_after if opened else max(self._seconds, reset_after)
        self._window = Window(limit, self._seconds, remaining, now + reset_after + MARGIN_SECONDS)

    def learn_unlimited(self) -> None:
        """A response came without rate-limit headers: nothing limits this route."""
        self._limited = False
        self._window = None

    def _current(self, now: float) -> Window | None:
        if self._window is not None and now >= self._window.resets_at:
            self._window = None
        return self._window
