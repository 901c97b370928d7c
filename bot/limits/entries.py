"""What is written about a request on its way, each as one entry that a transaction writes.

Every entry does nothing when it is written again. So one whose fate is unknown, because the database went
away while it was being committed, is kept and simply written once more.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from bot.domain import Ending, Limit, Metric, Model, Place, Request, Tokens, Window
from bot.errors import LimitReached, Refused
from bot.i18n import N_
from bot.ids import short
from bot.limits.inflight import Opened
from bot.limits.resolve import hold, resolve
from bot.limits.windows import resets_at as end_of
from bot.store import Transaction, counters, usage
from bot.store.notices import forget_notices, note_refusal, note_use
from bot.store.refusals import count_refusal, forget_refusals
from bot.store.rows import Amounts, Hold, moment
from bot.store.usage import Verdict

log = logging.getLogger(__name__)


class Entry(Protocol):
    """Something to be written in one transaction, any number of times with the effect of one."""

    async def write(self, transaction: Transaction) -> object:
        """Write it."""


@dataclass(frozen=True, slots=True)
class Level:
    """What a limit's counter shows after ``taken`` was added."""

    limit: Limit
    hold: Hold
    taken: int
    used: int

    @property
    def is_passed(self) -> bool:
        """Whether that is more than the limit allows."""
        return self.taken > 0 and self.used > self.limit.amount

    @property
    def resets_at(self) -> datetime | None:
        """When the counter's window ends; None for requests at the same time."""
        return None if self.limit.window is Window.NOW else moment(self.hold.window_end)


class Reached(NamedTuple):
    """A limit that left too little, as `LimitReached` tells it."""

    limit: Limit
    used: int
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class Admission:
    """A request takes from every limit that applies to it, and its open usage row is written."""

    request: Request
    model: str
    amounts: Amounts
    opened: Opened | None = None

    async def write(self, transaction: Transaction) -> None:
        """Write it, also where another process answers the same: this one has answered as well."""
        await self.take(transaction)

    async def take(self, transaction: Transaction) -> tuple[bool, tuple[Level, ...]]:
        """Write it; return whether no other process answers the same, and how full each limit then is:
        nothing where the request was admitted before.
        """
        scope = self.request.scope
        reaching = {stored.limit.id: stored for stored in await counters.limits_reaching(transaction, scope)}
        limits = resolve((stored.limit for stored in reaching.values()), scope, self.request.command)
        # One order everywhere, so that two processes never wait for each other's counters.
        asked_at = self.request.asked_at
        holds = sorted((hold(limit, scope, asked_at, reaching[limit.id].zone), limit) for limit in limits)
        if not await usage.open_usage(
            transaction, self.request, self.model, self.amounts, tuple(held for held, _ in holds)
        ):
            return True, ()
        is_alone = self.opened is None or await self.opened.write(transaction)
        levels = []
        for held, limit in holds:
            taken = self.amounts.of(held.metric)
            used = await counters.correct(transaction, held, taken)
            if used is None:
                await counters.begin(transaction, reaching[limit.id], held, scope, self.request.id)
                used = await counters.take(transaction, held, taken)
            levels.append(Level(limit, held, taken, used))
        return is_alone, tuple(levels)


class Recorded(NamedTuple):
    """What became of writing a refusal: whether the person was told before, and whether a notice is due."""

    again: bool = False
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request was not admitted; ``reached`` is the limit that left too little, if it was one."""

    request: Request
    model: str
    error: str
    now: datetime
    reached: Reached | None = None

    async def write(self, transaction: Transaction) -> Recorded:
        """Write its settled row the first time in a window of a limit; after that only count it."""
        if self.reached is None:
            await self._record(transaction)
            return Recorded()
        counted = await _count(
            transaction, self.reached, self.request.scope.user_id, self.request.id, self.now
        )
        if not counted.again:
            await self._record(transaction)
        return counted

    async def _record(self, transaction: Transaction) -> None:
        await usage.refuse_usage(transaction, self.request, self.model, self.error, self.now)


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A request that was admitted may not make a call that needs more; its own row says how it ends."""

    usage_id: int
    reached: Reached
    now: datetime

    async def write(self, transaction: Transaction) -> Recorded:
        """Count it as any refusal."""
        row = await usage.usage_of(transaction, self.usage_id)
        if row is None or row.user_id == usage.NOBODY:
            return Recorded()
        return await _count(transaction, self.reached, row.user_id, self.usage_id, self.now)


async def _count(
    transaction: Transaction, reached: Reached, user_id: int, request_id: int, now: datetime
) -> Recorded:
    """Count a refusal of a person in the window of a limit."""
    limit, used, resets_at = reached
    # Requests at the same time have no window: there the first refusal of a day is the first.
    ends = resets_at or end_of(Window.DAY, now) or now
    again = await count_refusal(transaction, limit.id, user_id, ends, request_id) > 1
    return Recorded(again, await note_refusal(transaction, limit, ends, used))


class Written(NamedTuple):
    """What became of a settlement: whether it was the one, and whether a notice to admins is due."""

    settled: bool
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Settlement:
    """A request ended: its row says how, and its counters go from what was reserved to what was used.

    Nothing of that where another process than ``owner`` goes on with its answer.
    """

    usage_id: int
    owner: int
    verdict: Verdict

    async def write(self, transaction: Transaction) -> Written:
        """Return whether this settled it, rather than another, and what that makes due."""
        calls = await usage.predictions_of(transaction, self.usage_id)
        taken = sum((call.taken for call in calls), Amounts())
        tokens = sum((call.tokens for call in calls), Tokens())
        unknown = taken.tokens - tokens.total
        if unknown:
            # A call whose end was never told counts with all it may have used.
            tokens += Tokens(output=unknown)
        kept = Amounts() if gives_back(self.verdict.ending, taken) else taken + Amounts(requests=1)
        settled = await usage.settle_usage(
            transaction, self.usage_id, self.owner, self.verdict, tokens, taken.cost, kept.requests
        )
        if settled is None:
            return Written(settled=False)
        over = kept - settled.reserved
        if over.tokens > 0 or over.cost > 0:
            log.warning(
                "request %s used more than it had reserved: %d tokens and %d nano-dollars over",
                short(self.usage_id),
                max(0, over.tokens),
                max(0, over.cost),
            )
        noted = False
        for held in settled.holds:
            if (change := over.of(held.metric)) or held.is_of_budget:
                used = await counters.correct(transaction, held, change)
                if used is not None and held.is_of_budget:
                    noted = await note_use(transaction, held, used) or noted
                if used == 0 and settled.is_nobodys and held.metric is Metric.CONCURRENT:
                    # No window ends that it could go with, and it names the person.
                    await counters.drop(transaction, held)
        return Written(settled=True, noted=noted)


@dataclass(frozen=True, slots=True)
class PlaceLimits:
    """These are the limits of a place from now on."""

    place: Place
    place_id: int
    limits: tuple[Limit, ...]
    now: datetime

    async def write(self, transaction: Transaction) -> None:
        """Write them, and drop those that are gone."""
        await counters.set_limits(transaction, self.place, self.place_id, self.limits, self.now)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Counters of windows that ended before are of no use any more."""

    before: datetime

    async def write(self, transaction: Transaction) -> None:
        """Drop them, and what was counted and told of those windows."""
        await counters.forget_counters(transaction, self.before)
        await forget_refusals(transaction, self.before)
        await forget_notices(transaction, self.before)


def gives_back(ending: Ending, taken: Amounts) -> bool:
    """Whether a request takes nothing from any limit: it failed, and its calls took nothing.

    Tokens of a model whose price is not known cost nothing that is known, and were used all the same.

    >>> nothing = Amounts()
    >>> gives_back(Ending.FAILED, nothing), gives_back(Ending.FAILED, Amounts(tokens=5))
    (True, False)
    >>> gives_back(Ending.STOPPED, nothing), gives_back(Ending.DONE, nothing)
    (False, False)
    """
    return taken == Amounts() and ending not in {Ending.DONE, Ending.STOPPED}


def check_price(model: Model, limits: Iterable[Limit]) -> None:
    """See that the price of a model is known where a cost limit applies.

    Raises:
        Refused: it is not.
    """
    if model.price is None and any(limit.metric is Metric.COST for limit in limits):
        raise Refused(
            N_("What {model} costs is not known, and a budget applies here. Please choose another model."),
            model=model.name,
        )


def within(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the levels, when none passes its limit.

    Raises:
        LimitReached: some do; the one that takes longest to reset.
    """
    passed = [level for level in levels if level.is_passed]
    if not passed:
        return levels
    worst = max(passed, key=lambda level: level.resets_at or datetime.min.replace(tzinfo=UTC))
    raise LimitReached(worst.limit, worst.used - worst.taken, worst.resets_at)
