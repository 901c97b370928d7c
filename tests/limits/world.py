"""Requests, models, limits and a clock to try them with."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from pydantic import SecretStr

from bot.config import Settings
from bot.domain import (
    AskOptions,
    Command,
    Limit,
    Metric,
    Model,
    Place,
    Price,
    ProviderName,
    Request,
    Scope,
    Setting,
    Subject,
    Surroundings,
    Tokens,
    Visibility,
    Window,
)
from bot.limits import Ledger
from bot.limits.resolve import identified
from bot.policies import Policies
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.audit import Change, ChangeKind, Json
from bot.store.driver import Row, T, Work
from bot.store.limits import change_limit, limit_json
from tests.support.databases import SEAL, Database

START = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
MODEL = Model("small", ProviderName.REPLICATE, 8192, 2048, "max_tokens", price=Price(50, 250))
UNPRICED = Model("unknown", ProviderName.REPLICATE, 8192, 2048, "max_tokens")
USER, OTHER, ADMIN = 1, 2, 3
GUILD, CATEGORY, CHANNEL = 7, 8, 9
BOUND = Tokens(100, 400)
"""What a request is admitted with in these tests: 500 tokens, 105,000 nano-dollars."""


@dataclass(slots=True)
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(slots=True)
class World:
    """A ledger on a real database, and what tests ask of it."""

    database: Database
    clock: Clock
    store: Store
    ledger: Ledger
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def request(
        self,
        user: int = USER,
        *,
        command: Command = Command.ASK,
        guild: int | None = GUILD,
        channel: int = CHANNEL,
        surroundings: Surroundings = Surroundings.GUILD,
        roles: tuple[int, ...] = (),
    ) -> Request:
        scope = Scope(surroundings, user, channel, guild, CATEGORY if guild else None, None, roles)
        return Request(
            id=next(self.ids),
            command=command,
            scope=scope,
            words="words that are nobody's business",
            options=AskOptions(),
            locale="en-US",
            visibility=Visibility.PRIVATE,
            asked_at=self.clock(),
        )

    async def admitted(self, user: int = USER, bound: Tokens = BOUND) -> Request:
        request = self.request(user)
        await self.ledger.admit(request, MODEL, bound)
        return request

    async def change_limit(
        self, limit: Limit, after: Json, *, admin: int = ADMIN, seen: str | None = None
    ) -> bool:
        """Set a limit of the server as an admin does, or clear it where ``after`` is None."""
        change = self.change(ChangeKind.LIMIT, limit.place, limit.place_id, str(limit.id), after)

        async def work(transaction: Transaction) -> bool:
            return await change_limit(transaction, replace(change, user_id=admin, seen=seen))

        return await self.store.write(work)

    async def set_limit(self, limit: Limit) -> None:
        assert await self.change_limit(limit, limit_json(limit))

    async def change_setting(self, setting: Setting, after: Json) -> None:
        """Change a setting of the server as an admin does."""
        change = self.change(ChangeKind.SETTING, Place.GUILD, GUILD, setting.value, after)
        policies = Policies(self.store, Settings(discord_token=SecretStr("token")), [], self.clock)
        await policies.change(change)

    def change(self, kind: ChangeKind, place: Place, place_id: int, name: str, after: Json) -> Change:
        return Change(next(self.ids), GUILD, ADMIN, self.clock(), kind, place, place_id, name, after)

    async def rows(self, query: str, **values: object) -> list[Row]:
        async def work(transaction: Transaction) -> list[Row]:
            return list(await transaction.rows(query, **values))

        return await self.store.read(work)

    async def counters(self) -> dict[str, int]:
        """What each counter shows, by "subject metric window subject_id"; the latest window of each."""
        found = await self.database.select(
            """SELECT l.subject, l.metric, l."window", c.subject_id, c.used FROM counters c
            JOIN limits l ON l.id = c.limit_id ORDER BY c.window_start"""
        )
        return {
            f"{subject} {metric} {window} {who}": int(str(used))
            for subject, metric, window, who, used in found
        }

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Keep the ledger from writing, as another process would, once it has nothing under way."""
        if self.ledger._tasks:
            await asyncio.wait(self.ledger._tasks)
        await self.store._driver.close()
        async with self.database.locked():
            yield

    async def caught_up(self) -> None:
        """Wait until everything that was kept is written."""
        returning = self.ledger._journal._returning
        if returning is not None:
            await returning


class Faulty(Store):
    """A store that hears of nothing it commits, or reaches no database, as a test says."""

    unheard = False
    away = False

    async def write(self, work: Work[T]) -> T:
        if self.away:
            raise StoreUnavailable
        result = await super().write(work)
        if self.unheard:
            raise StoreUnavailable
        return result


@asynccontextmanager
async def world(
    database: Database, *limits: Limit, patience: float = 2.0, kind: type[Store] = Store
) -> AsyncIterator[World]:
    """Open a ledger on the database with the operator's limits."""
    clock = Clock()
    async with (
        kind.open(database.url, clock, patience=patience) as store,
        Ledger.open(store, SEAL, clock, retry_seconds=0.02) as ledger,
    ):
        await ledger.set_operator_limits(limits)
        yield World(database, clock, store, ledger)


def limit(
    amount: int,
    metric: Metric = Metric.REQUESTS,
    window: Window = Window.DAY,
    subject: Subject = Subject.USER,
    command: Command | None = None,
) -> Limit:
    """One of the operator's limits."""
    return Limit(0, Place.BOT, 0, subject, metric, window, amount, command=command)


def servers_limit(
    amount: int,
    metric: Metric = Metric.REQUESTS,
    window: Window = Window.DAY,
    subject: Subject = Subject.USER,
    *,
    place: tuple[Place, int] = (Place.GUILD, GUILD),
    role: int = 0,
    command: Command | None = None,
) -> Limit:
    """A limit that the server's admins set."""
    return identified(Limit(0, *place, subject, metric, window, amount, role, command, GUILD))
