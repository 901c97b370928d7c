"""Whatever is asked in whatever order, the ledger's verdicts are those of a list added up anew each time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain import (
    Command,
    Ending,
    Limit,
    Metric,
    Place,
    PredictionState,
    Request,
    Scope,
    Subject,
    Surroundings,
    Tokens,
    Window,
)
from bot.errors import LimitReached
from bot.limits import EXEMPT, resolve, window_start
from bot.limits.resolve import hold, identified
from bot.store.limits import limit_json
from bot.store.rows import Hold
from tests.limits.world import CATEGORY, CHANNEL, GUILD, MODEL, World, limit, servers_limit, world
from tests.support.databases import Databases

OPERATORS = (
    limit(4),
    limit(9, window=Window.MONTH),
    limit(120, Metric.TOKENS),
    limit(30_000, Metric.COST, Window.HOUR, Subject.EVERYONE),
    limit(25_000, Metric.COST, Window.MONTH, Subject.GUILD),
    limit(2, Metric.CONCURRENT, Window.NOW),
    limit(2, command=Command.STORY, window=Window.MINUTE),
)
SERVERS = tuple(
    servers_limit(amount, metric, window, subject, place=(place, place_id), role=role, command=command)
    for place, place_id, subject, metric, window, amount, role, command in (
        (Place.GUILD, GUILD, Subject.USER, Metric.REQUESTS, Window.DAY, 2, 0, None),
        (Place.GUILD, GUILD, Subject.ROLE, Metric.REQUESTS, Window.DAY, 3, 70, None),
        (Place.GUILD, GUILD, Subject.ROLE, Metric.REQUESTS, Window.DAY, EXEMPT, 71, None),
        (Place.GUILD, GUILD, Subject.EVERYONE, Metric.TOKENS, Window.DAY, 150, 0, None),
        (Place.GUILD, GUILD, Subject.EVERYONE, Metric.COST, Window.HOUR, 20_000, 0, None),
        (Place.CATEGORY, CATEGORY, Subject.EVERYONE, Metric.TOKENS, Window.DAY, 90, 0, None),
        (Place.CHANNEL, CHANNEL, Subject.USER, Metric.REQUESTS, Window.DAY, 1, 0, None),
        (Place.CHANNEL, CHANNEL, Subject.USER, Metric.REQUESTS, Window.DAY, 1, 0, Command.STORY),
        (Place.CHANNEL, CHANNEL, Subject.EVERYONE, Metric.CONCURRENT, Window.NOW, 1, 0, None),
    )
)


@dataclass(frozen=True)
class Ask:
    user: int
    channel: int
    direct: bool
    command: Command
    roles: tuple[int, ...]
    tokens: int


@dataclass(frozen=True)
class Settle:
    nth: int
    ending: Ending
    tokens: int


@dataclass(frozen=True)
class Later:
    seconds: int


@dataclass(frozen=True)
class Change:
    """These are the operator's limits from now on."""

    limits: frozenset[int]


@dataclass(frozen=True)
class Toggle:
    """Admins clear this limit of the server where it is there, and set it where it is not, so many times."""

    limit: int
    times: int = 1


steps = st.one_of(
    st.builds(
        Ask,
        user=st.integers(1, 2),
        channel=st.sampled_from([CHANNEL, CHANNEL + 1]),
        direct=st.booleans(),
        command=st.sampled_from([Command.ASK, Command.STORY]),
        roles=st.sampled_from([(), (70,), (70, 71)]),
        tokens=st.integers(0, 60),
    ),
    st.builds(
        Settle,
        nth=st.integers(0, 5),
        ending=st.sampled_from([Ending.DONE, Ending.STOPPED, Ending.FAILED, Ending.UNSEEN]),
        tokens=st.integers(0, 60),
    ),
    st.builds(Later, seconds=st.sampled_from([1, 40, 3_000, 60_000, 2_000_000])),
    st.builds(Change, limits=st.frozensets(st.integers(0, len(OPERATORS) - 1))),
    st.builds(Toggle, limit=st.integers(0, len(SERVERS) - 1), times=st.integers(1, 2)),
)


ASKED = Ask(1, CHANNEL, direct=False, command=Command.ASK, roles=(), tokens=0)
WITH_ROLE = replace(ASKED, roles=(70,))
DONE = Settle(0, Ending.DONE, 0)


@dataclass
class Asked:
    """One request on the list."""

    request: Request
    applied: frozenset[int]
    amounts: dict[Metric, int]


@dataclass
class Naive:
    """The list, and the limits of the moment.

    A limit of a server counts the requests it applied to. In the window in which it was set, it also counts
    all that was asked in its place before it first applied to somebody; ``begun`` says how many that were.
    """

    limits: tuple[Limit, ...] = ()
    servers: dict[int, Limit] = field(default_factory=dict)
    since: dict[int, datetime] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    begun: dict[Hold, int] = field(default_factory=dict)

    def set(self, limit: Limit, now: datetime) -> None:
        self.servers[limit.id], self.since[limit.id] = limit, now

    def clear(self, limit: Limit) -> None:
        del self.servers[limit.id], self.since[limit.id]
        self.begun = {held: many for held, many in self.begun.items() if held.limit_id != limit.id}

    def used(self, limit: Limit, by: Request) -> int:
        scope, start = by.scope, window_start(limit.window, by.asked_at)
        before = self.counted_before(limit, by)

        def counted(nth: int, other: Asked) -> bool:
            theirs = other.request.scope
            if window_start(limit.window, other.request.asked_at) != start:
                return False
            if limit.command not in {None, other.request.command}:
                return False
            if limit.place is not Place.BOT and limit.id not in other.applied:
                return (
                    nth < before
                    and in_place(limit, theirs)
                    and (limit.subject is Subject.EVERYONE or theirs.user_id == scope.user_id)
                )
            match limit.subject:
                case Subject.USER | Subject.ROLE:
                    return theirs.user_id == scope.user_id
                case Subject.GUILD:
                    return theirs.guild_id == scope.guild_id
                case Subject.EVERYONE:
                    return True

        return sum(other.amounts[limit.metric] for nth, other in enumerate(self.asked) if counted(nth, other))

    def counted_before(self, limit: Limit, by: Request) -> int:
        """How many of the list a limit of the server counts, whether it applied to them or not."""
        if limit.place is Place.BOT:
            return 0
        is_new = self.since[limit.id] >= window_start(limit.window, by.asked_at)
        return self.begun.get(hold(limit, by.scope, by.asked_at), len(self.asked) if is_new else 0)

    def admits(self, request: Request, amounts: dict[Metric, int]) -> bool:
        applied = resolve((*self.limits, *self.servers.values()), request.scope, request.command)
        if any(
            amounts[limit.metric] and self.used(limit, request) + amounts[limit.metric] > limit.amount
            for limit in applied
        ):
            return False
        for each in applied:
            self.begun[hold(each, request.scope, request.asked_at)] = self.counted_before(each, request)
        self.asked.append(Asked(request, frozenset(limit.id for limit in applied), amounts))
        return True


def in_place(limit: Limit, scope: Scope) -> bool:
    places = {
        Place.GUILD: scope.guild_id,
        Place.CATEGORY: scope.category_id,
        Place.CHANNEL: scope.channel_id,
    }
    return scope.surroundings is Surroundings.GUILD and places[limit.place] == limit.place_id


def amounts(requests: int, tokens: Tokens, concurrent: int) -> dict[Metric, int]:
    return {
        Metric.REQUESTS: requests,
        Metric.TOKENS: tokens.total,
        Metric.COST: MODEL.cost(tokens),
        Metric.CONCURRENT: concurrent,
    }


async def ask(place: World, naive: Naive, step: Ask) -> None:
    request = place.request(
        step.user,
        command=step.command,
        guild=None if step.direct else GUILD,
        channel=step.channel,
        surroundings=Surroundings.BOT_DM if step.direct else Surroundings.GUILD,
        roles=() if step.direct else step.roles,
    )
    bound = Tokens(step.tokens // 2, step.tokens // 2)
    refused: LimitReached | None = None
    try:
        await place.ledger.admit(request, MODEL, bound)
    except LimitReached as error:
        refused = error
    assert naive.admits(request, amounts(1, bound, 1)) == (refused is None)
    assert refused is None or refused.used == naive.used(refused.limit, request)


async def settle(place: World, naive: Naive, step: Settle) -> None:
    still_open = [asked for asked in naive.asked if asked.amounts[Metric.CONCURRENT]]
    if not still_open:
        return
    asked = still_open[step.nth % len(still_open)]
    used = Tokens(step.tokens, 0)
    try:
        call = await place.ledger.call(asked.request.id, MODEL, used, {})
    except LimitReached:
        used = Tokens()
    else:
        await place.ledger.ended(call, PredictionState.CANCELED, used, MODEL.cost(used))
    await place.ledger.settle(asked.request.id, step.ending)
    kept = used.total > 0 or step.ending in {Ending.DONE, Ending.STOPPED}
    asked.amounts = amounts(int(kept), used, 0)


async def toggle(place: World, naive: Naive, step: Toggle) -> None:
    changed = SERVERS[step.limit]
    for _ in range(step.times):
        is_set = changed.id in naive.servers
        await place.change_limit(changed, None if is_set else limit_json(changed))
        if is_set:
            naive.clear(changed)
        else:
            naive.set(changed, place.clock())


async def replay(databases: Databases, script: Sequence[Ask | Settle | Later | Change | Toggle]) -> None:
    async with databases() as database, world(database) as place:
        naive = Naive()
        for step in [Change(frozenset({0, 3, 5})), *map(Toggle, range(len(SERVERS))), *script]:
            match step:
                case Ask():
                    await ask(place, naive, step)
                case Settle():
                    await settle(place, naive, step)
                case Later():
                    place.clock.move(seconds=step.seconds)
                case Change():
                    naive.limits = tuple(identified(OPERATORS[number]) for number in sorted(step.limits))
                    await place.ledger.set_operator_limits(naive.limits)
                case Toggle():
                    await toggle(place, naive, step)


@settings(max_examples=40)
@given(script=st.lists(steps, min_size=10, max_size=30))
@example(script=[ASKED, DONE, Toggle(6, times=2), ASKED])
@example(script=[ASKED, DONE, Later(60_000), Later(60_000), Toggle(6, times=2), ASKED])
@example(script=[Toggle(6), Later(60_000), Later(60_000), WITH_ROLE, DONE, WITH_ROLE, DONE, ASKED])
def test_verdicts_are_those_of_a_list_added_up(
    databases: Databases, script: list[Ask | Settle | Later | Change | Toggle]
) -> None:
    asyncio.run(replay(databases, script))
