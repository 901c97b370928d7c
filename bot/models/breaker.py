"""When a model that does not answer is left alone for a while, and when it is tried again. Pure.

A breaker is closed while predictions of its model can be made. Too much trouble in a row opens it: for a
pause nothing is sent, and people are told at once when it is tried again. After the pause one request may
try. If that goes well the breaker closes; if not, the pause begins again and is longer.

Trouble is what says that the model, or the way to it, is down: no connection, a 5xx, no answer in time. What
one request did wrong (422) is none, nor is a token or a credit that the provider refuses: those get their own
sentence every time, and a provider that says so is not down. A 429 that stays one after all waiting as told
counts a quarter: a provider with too many requests still serves those that wait, and only where twenty in a
row could not be served (a storm) more of them would make it worse.

Times are seconds of any one monotonic clock.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto

TOO_MUCH = 20
"""Trouble in a row, weighed, that opens a breaker."""
FIRST_PAUSE = 15.0
"""Seconds; each further pause is twice as long."""
LONGEST_PAUSE = 300.0
TRY_SECONDS = 2.0
"""When others may come back while one tries: by then it is mostly known how that went."""


class Trouble(IntEnum):
    """What went wrong, by its weight."""

    BUSY = 1
    DOWN = 4


class State(Enum):
    """Whether predictions can be made."""

    CLOSED = auto()
    OPEN = auto()
    TRYING = auto()
    """One request tries after the pause; others wait for what becomes of it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A prediction that may be made; its verdict counts only in the state that it was begun in."""

    number: int


@dataclass(slots=True)
class Breaker:
    """The breaker of one model."""

    state: State = State.CLOSED
    _trouble: int = 0
    _pause: float = FIRST_PAUSE
    _until: float = 0.0
    _chosen_until: float = 0.0
    _number: int = 0
    """Counts the states that there were."""

    def wait(self, now: float) -> float:
        """Seconds until a prediction may be tried; 0.0 when it may be tried now."""
        match self.state:
            case State.CLOSED:
                return 0.0
            case State.OPEN:
                return max(0.0, self._until - now)
            case State.TRYING:
                return TRY_SECONDS

    def chooses(self, now: float) -> bool:
        """Return whether a request that need not wait is to try; after a pause, one is chosen for a while."""
        if self.wait(now) > 0 or (self.state is State.OPEN and now < self._chosen_until):
            return False
        self._chosen_until = now + TRY_SECONDS
        return True

    def begin(self, now: float) -> Attempt:
        """Begin a prediction, when there is nothing to wait for.

        Raises:
            ValueError: there is.
        """
        if self.wait(now) > 0:
            raise ValueError("the model is to be left alone")
        if self.state is State.OPEN:
            self._enter(State.TRYING)
        return Attempt(self._number)

    def took(self, attempt: Attempt) -> None:
        """The model's provider took the prediction: one that tried after a pause shows that it is back."""
        if self._counts(attempt) and self.state is State.TRYING:
            self._close()

    def went_well(self, attempt: Attempt) -> None:
        """The prediction ended without trouble, whatever else it ended with."""
        if self._counts(attempt):
            self._close()

    def failed(self, attempt: Attempt, trouble: Trouble, now: float) -> bool:
        """The prediction met trouble; return whether the model is left alone from now on."""
        if not self._counts(attempt):
            return False
        self._trouble += trouble
        if self.state is State.CLOSED and self._trouble < TOO_MUCH:
            return False
        self._until = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._enter(State.OPEN)
        return True

    def left(self, attempt: Attempt, now: float) -> None:
        """The prediction was given up before anything was known: the next may try instead."""
        if self._counts(attempt) and self.state is State.TRYING:
            self._until = now
            self._enter(State.OPEN)

    def _counts(self, attempt: Attempt) -> bool:
        return attempt.number == self._number

    def _close(self) -> None:
        self._trouble = 0
        if self.state is not State.CLOSED:
            self._pause = FIRST_PAUSE
            self._enter(State.CLOSED)

    def _enter(self, state: State) -> None:
        self.state = state
        self._number += 1
