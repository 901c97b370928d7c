"""What the ledger knows without asking the database.

Requests under way, how full limits were last seen, and the small allowance that people are served from while
the database cannot be written.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.domain import Limit, Request, Tokens
from bot.errors import Refused
from bot.i18n import N_
from bot.limits.entries import Level
from bot.limits.resolve import hold, resolve
from bot.store.rows import Amounts, Hold

SEEN_COUNTERS = 10_000
"""How many counters are remembered, the latest used."""
USER_ALLOWANCE = 20
TOTAL_ALLOWANCE = 500
"""Requests admitted from memory while the database is away once, for each person and in all."""


@dataclass(slots=True)
class OpenCall:
    """A model call of an open request: at most ``bound``, and what it took once that is known."""

    bound: Amounts
    created: bool = False
    ended: Amounts | None = None

    @property
    def taken(self) -> Amounts:
        """What it may have taken by now."""
        return self.bound if self.ended is None else self.ended


@dataclass(slots=True)
class OpenRequest:
    """A request that this process admitted and has not settled."""

    reserved: Amounts
    limits: dict[Hold, Limit] = field(default_factory=dict)
    calls: dict[int, OpenCall] = field(default_factory=dict)

    def missing(self, bound: Amounts) -> Amounts:
        """Return what the reservation lacks for another call with this bound."""
        needed = sum((call.taken for call in self.calls.values()), bound)
        return Amounts(
            tokens=max(0, needed.tokens - self.reserved.tokens), cost=max(0, needed.cost - self.reserved.cost)
        )

    @property
    def used(self) -> Amounts:
        """What its calls took; those that were never created at the provider took nothing."""
        taken = (call.taken for call in self.calls.values() if call.created or call.ended is not None)
        return sum(taken, Amounts())


class Memory:
    """Kept by one ledger; lost with its process, when the database has it all."""

    def __init__(self) -> None:
        self.opened: dict[int, OpenRequest] = {}
        self.limits: tuple[Limit, ...] = ()
        """The operator's."""
        self._seen: OrderedDict[Hold, int] = OrderedDict()
        self._allowed: Counter[int] = Counter()
        self._refusals = 0

    def saw(self, levels: Iterable[Level]) -> None:
        """Remember what counters showed."""
        for level in levels:
            self._seen[level.hold] = level.used
            self._seen.move_to_end(level.hold)
        while len(self._seen) > SEEN_COUNTERS:
            self._seen.popitem(last=False)

    def levels(self, limits: Iterable[tuple[Hold, Limit]], amounts: Amounts) -> tuple[Level, ...]:
        """Return how full limits would be with these amounts on top, as far as is known here."""
        return tuple(
            Level(limit, held, taken := amounts.of(held.metric), self._seen.get(held, 0) + taken)
            for held, limit in limits
        )

    def limits_of(self, request: Request) -> dict[Hold, Limit]:
        """Return the operator's limits that apply to a request, with the counters they keep."""
        limits = resolve(self.limits, request.scope, request.command)
        return {hold(limit, request.scope, request.asked_at): limit for limit in limits}

    def allow(self, request: Request) -> None:
        """Take a request from the allowance.

        Raises:
            Refused: it is used up.
        """
        user_id = request.scope.user_id
        if self._allowed[user_id] >= USER_ALLOWANCE or self._allowed.total() >= TOTAL_ALLOWANCE:
            raise Refused(
                N_(
                    "I cannot write my records right now, and without them I answer only a few requests. "
                    "Please try again in a few minutes."
                )
            )
        self._allowed[user_id] += 1

    def keeps_refusal(self) -> bool:
        """Whether one more refusal is kept for the records while the database is away."""
        self._refusals += 1
        return self._refusals <= TOTAL_ALLOWANCE

    def close(self, request_id: int, kept: Amounts | None) -> bool:
        """Forget an open request, giving back what it does not keep; False where it is not open here.

        ``kept`` is what stays counted, or None for what its calls took and the request itself.
        """
        opened = self.opened.pop(request_id, None)
        if opened is None:
            return False
        change = (opened.used + Amounts(requests=1) if kept is None else kept) - opened.reserved
        for held in opened.limits:
            if held in self._seen:
                self._seen[held] += change.of(held.metric)
        return True

    def refill(self) -> None:
        """Start a new allowance: the database is back."""
        self._allowed.clear()
        self._refusals = 0


def amounts_of(tokens: Tokens, cost: int) -> Amounts:
    """Return tokens and their cost as amounts."""
    return Amounts(tokens=tokens.total, cost=cost)
