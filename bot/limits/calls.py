"""What is written about a request's calls of the model, each as one entry that a transaction writes (see
`entries`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain import Model, PredictionState, Stage, Tokens
from bot.ids import short
from bot.limits.entries import Level
from bot.limits.resolve import hold
from bot.store import Transaction, counters, usage
from bot.store.notices import note_use
from bot.store.rows import Amounts, Hold, PredictionRow, StoredLimit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Growth:
    """A request's reservation grows by ``raised``. Alone this is the one entry that counts each time."""

    usage_id: int
    raised: Amounts

    async def write(self, transaction: Transaction) -> tuple[Level, ...]:
        """Return how full the limits are that it grew in."""
        if self.raised == Amounts():
            return ()
        grown = await usage.raise_reservation(transaction, self.usage_id, self.raised)
        if grown is None:
            return ()
        levels = await self._taken(transaction, grown)
        if not any(level.is_passed for level in levels):
            return levels
        # What the request holds and has not used is given back when it settles: nobody has used that.
        calls = await usage.predictions_of(transaction, self.usage_id)
        used = sum((call.taken for call in calls if call.ended_at is not None), Amounts())
        unused = grown.reserved - used
        return tuple(replace(level, taken=unused.of(level.hold.metric)) for level in levels)

    async def _taken(self, transaction: Transaction, grown: usage.OpenUsage) -> tuple[Level, ...]:
        """Take what the reservation grew by from the counters that hold it."""
        reaching = await counters.limits_reaching(transaction, grown.scope)
        limits = {stored.limit.id: stored for stored in reaching}
        levels = []
        for held in grown.holds:
            taken = self.raised.of(held.metric)
            used = await counters.correct(transaction, held, taken) if taken else None
            stored = limits.get(held.limit_id)
            if not taken or stored is None:
                continue
            if used is None:
                levels.append(await self._begun(transaction, stored, held, grown))
            else:
                levels.append(Level(stored.limit, held, taken, used))
        return tuple(levels)

    async def _begun(
        self, transaction: Transaction, stored: StoredLimit, gone: Hold, grown: usage.OpenUsage
    ) -> Level:
        """Begin the counter of a limit that was set again, or is in another time zone, since the request was
        admitted. It counts this request as well, with what that has just been raised to.
        """
        # By the hold: the row does not name a person who was erased meanwhile.
        scope = replace(grown.scope, user_id=gone.subject_id)
        held = hold(stored.limit, scope, grown.asked_at, stored.zone)
        await counters.begin(transaction, stored, held, scope, but=0)
        used = await counters.shown(transaction, stored, held, scope)
        return Level(stored.limit, held, self.raised.of(held.metric), used)


@dataclass(frozen=True, slots=True)
class Call:
    """A model is about to be called; the reservation grows by ``raised``, where too little is left of it."""

    id: int
    usage_id: int
    model: Model
    bound: Amounts
    raised: Amounts
    settings: Mapping[str, object]
    now: datetime
    stage: Stage = Stage.LAST
    fingerprint: str | None = None
    read: Mapping[str, int | str] = field(default_factory=dict)

    async def write(self, transaction: Transaction) -> tuple[Level, ...]:
        """Return how full the limits are that the reservation grew in."""
        begun = await usage.begin_prediction(
            transaction,
            self.id,
            self.usage_id,
            self.model,
            self.bound,
            self.settings,
            self.now,
            self.stage,
            self.fingerprint,
        )
        if not begun:
            return ()
        if self.read:
            await usage.note_usage(transaction, self.usage_id, self.read)
        return await Growth(self.usage_id, self.raised).write(transaction)


@dataclass(frozen=True, slots=True)
class Created:
    """The provider's id of a call is known."""

    call_id: int
    provider_id: str

    async def write(self, transaction: Transaction) -> None:
        """Add it to the call's row."""
        late = await usage.name_prediction(transaction, self.call_id, self.provider_id)
        if late is not None:
            await _correct(transaction, replace(late, provider_id=None), late)


@dataclass(frozen=True, slots=True)
class Ended:
    """A call ended; nothing of that where another process than ``owner`` goes on with its answer."""

    call_id: int
    owner: int
    state: PredictionState
    tokens: Tokens
    cost: int
    now: datetime

    async def write(self, transaction: Transaction) -> None:
        """Write what it used."""
        late = await usage.end_prediction(
            transaction, self.call_id, self.owner, self.state, self.tokens, self.cost, self.now
        )
        if late is not None:
            await _correct(transaction, replace(late, ended_at=None), late)


async def _correct(transaction: Transaction, before: PredictionRow, after: PredictionRow) -> None:
    """Let a request that was settled meanwhile count with what one of its calls takes by now.

    So comes what a process made that was cut off from the database alone, while another ended the answer.
    """
    change = after.taken - before.taken
    if change == Amounts():
        return
    tokens = after.tokens if after.ended_at is not None else Tokens()
    # As in a settlement: what is not known in detail counts as output.
    tokens += Tokens(output=change.tokens - tokens.total)
    log.warning("request %s used %d tokens that are told late", short(after.usage_id), change.tokens)
    over, holds = await usage.correct_usage(transaction, after.usage_id, tokens, change.cost)
    for held in holds:
        used = await counters.correct(transaction, held, over.of(held.metric))
        if used is not None and held.is_of_budget:
            await note_use(transaction, held, used)
