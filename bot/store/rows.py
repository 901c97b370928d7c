"""What the tables hold, as data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from bot.domain import (
    Command,
    Ending,
    Limit,
    Metric,
    PredictionState,
    ProviderName,
    Stage,
    Surroundings,
    Tokens,
    Visibility,
)
from bot.store.driver import Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Return a time as it is stored: whole milliseconds since 1970, UTC."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment(stored: int) -> datetime:
    """Return a stored time as a datetime in UTC."""
    return EPOCH + timedelta(milliseconds=stored)


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of each metric: requests, tokens, nano-dollars, requests at the same time."""

    requests: int = 0
    tokens: int = 0
    cost: int = 0
    concurrent: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.cost + other.cost,
            self.concurrent + other.concurrent,
        )

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.requests - other.requests,
            self.tokens - other.tokens,
            self.cost - other.cost,
            self.concurrent - other.concurrent,
        )

    def of(self, metric: Metric) -> int:
        """Return the amount of one metric."""
        match metric:
            case Metric.REQUESTS:
                return self.requests
            case Metric.TOKENS:
                return self.tokens
            case Metric.COST:
                return self.cost
            case Metric.CONCURRENT:
                return self.concurrent


@dataclass(frozen=True, slots=True, order=True)
class Hold:
    """One counter that a request takes from. The window is in milliseconds, its end excluded."""

    limit_id: int
    subject_id: int
    window_start: int
    window_end: int
    metric: Metric

    @property
    def is_of_budget(self) -> bool:
        """Whether it may count what everyone in a place spends together."""
        return self.metric is Metric.COST and self.subject_id == 0


def dump_holds(holds: tuple[Hold, ...]) -> str:
    """Return holds as they are stored."""
    return json.dumps([[h.limit_id, h.subject_id, h.window_start, h.window_end, h.metric] for h in holds])


def load_holds(stored: str) -> tuple[Hold, ...]:
    """Return stored holds in the order in which counters are touched everywhere."""
    holds = (
        Hold(limit, subject, start, end, Metric(metric))
        for limit, subject, start, end, metric in json.loads(stored)
    )
    return tuple(sorted(holds))


@dataclass(frozen=True, slots=True)
class StoredLimit:
    """A limit, and when it began.

    The window that ``since`` is in counts from ``counts_from`` where that is earlier than its start. Days and
    months begin at midnight in ``zone``: the server's, or UTC for the operator's limits.
    """

    limit: Limit
    since: int
    counts_from: int | None = None
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The record of one request. While it is open, ``reserved_*`` is what it holds of its limits."""

    id: int
    user_id: int
    guild_id: int | None
    category_id: int | None
    channel_id: int
    thread_id: int | None
    surroundings: Surroundings
    command: Command
    model: str
    visibility: Visibility
    locale: str
    asked_at: datetime
    ending: Ending | None
    """How it ended, or None while it is open."""
    error: str | None
    tokens: Tokens
    cost: int
    first_text_ms: int | None
    total_ms: int | None
    reserved_tokens: int
    reserved_cost: int
    counts: int
    """1 while it counts against limits, 0 when it gave everything back."""
    settled_at: datetime | None
    read: Mapping[str, int | str] = field(default_factory=dict)
    """What went in: counts and kinds, never names or text."""

    @property
    def is_open(self) -> bool:
        """Whether it has not been settled."""
        return self.ending is None


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """The record of one model call."""

    id: int
    usage_id: int
    provider: ProviderName
    provider_id: str | None
    model: str
    state: PredictionState
    reserved_tokens: int
    reserved_cost: int
    tokens: Tokens
    cost: int
    created_at: datetime
    ended_at: datetime | None
    settings: Mapping[str, Any]
    stage: Stage
    fingerprint: str | None
    """A hash of the input, as long as the answer is under way."""

    @property
    def taken(self) -> Amounts:
        """What it counts with: what it used, or, where its end was never told, all it may have used."""
        if self.ended_at is not None:
            return Amounts(tokens=self.tokens.total, cost=self.cost)
        if self.provider_id is not None:
            return Amounts(tokens=self.reserved_tokens, cost=self.reserved_cost)
        return Amounts()


def usage_row(row: Row) -> UsageRow:
    """Read a row of ``usage``."""
    return UsageRow(
        id=row["id"],
        user_id=row["user_id"],
        guild_id=row["guild_id"],
        category_id=row["category_id"],
        channel_id=row["channel_id"],
        thread_id=row["thread_id"],
        surroundings=Surroundings(row["surroundings"]),
        command=Command(row["command"]),
        model=row["model"],
        visibility=Visibility(row["visibility"]),
        locale=row["locale"],
        asked_at=moment(row["asked_at"]),
        ending=None if row["ending"] is None else Ending(row["ending"]),
        error=row["error"],
        tokens=Tokens(row["input_tokens"], row["output_tokens"]),
        cost=row["cost"],
        first_text_ms=row["first_text_ms"],
        total_ms=row["total_ms"],
        reserved_tokens=row["reserved_tokens"],
        reserved_cost=row["reserved_cost"],
        counts=row["counts"],
        settled_at=None if row["settled_at"] is None else moment(row["settled_at"]),
        read=json.loads(row["facts"]),
    )


def prediction_row(row: Row) -> PredictionRow:
    """Read a row of ``predictions``."""
    return PredictionRow(
        id=row["id"],
        usage_id=row["usage_id"],
        provider=ProviderName(row["provider"]),
        provider_id=row["provider_id"],
        model=row["model"],
        state=PredictionState(row["state"]),
        reserved_tokens=row["reserved_tokens"],
        reserved_cost=row["reserved_cost"],
        tokens=Tokens(row["input_tokens"], row["output_tokens"]),
        cost=row["cost"],
        created_at=moment(row["created_at"]),
        ended_at=None if row["ended_at"] is None else moment(row["ended_at"]),
        settings=json.loads(row["settings"]),
        stage=Stage(row["stage"]),
        fingerprint=row["fingerprint"],
    )
