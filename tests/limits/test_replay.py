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
        (Place.GUILD, GUILD, Subject.EVERYONE, Metric.REQUESTS, Window.HOUR, 4, 0, None),
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
    """A request makes one call and ends; ``over`` says that the call uses more than was known before it."""

    nth: int
    ending: Ending
    tokens: int
    over: bool = False


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


@dataclass(frozen=True)
class Amount:
    """Admins set this limit of the server to so many halves of its usual amount."""

    limit: int
    halves: int

    @property
    def wanted(self) -> Limit:
        usual = SERVERS[self.limit]
        return usual if usual.amount == EXEMPT else replace(usual, amount=usual.amount * self.halves // 2)


Step = Ask | Settle | Later | Change | Toggle | Amount

few_tokens = st.one_of(st.just(0), st.integers(0, 60))
steps = st.one_of(
    st.builds(
        Ask,
        user=st.integers(1, 2),
        channel=st.sampled_from([CHANNEL, CHANNEL + 1]),
        direct=st.booleans(),
        command=st.sampled_from([Command.ASK, Command.STORY]),
        roles=st.sampled_from([(), (70,), (70, 71)]),
        tokens=few_tokens,
    ),
    st.builds(
        Settle,
        nth=st.integers(0, 5),
        ending=st.sampled_from([Ending.DONE, Ending.STOPPED, Ending.FAILED, Ending.UNSEEN]),
        tokens=few_tokens,
        over=st.booleans(),
    ),
    st.builds(Later, seconds=st.sampled_from([1, 40, 3_000, 60_000, 2_000_000])),
    st.builds(Change, limits=st.frozensets(st.integers(0, len(OPERATORS) - 1))),
    st.builds(Toggle, limit=st.integers(0, len(SERVERS) - 1), times=st.integers(1, 2)),
    st.builds(Amount, limit=st.integers(0, len(SERVERS) - 1), halves=st.integers(1, 4)),
)


ASKED = Ask(1, CHANNEL, direct=False, command=Command.ASK, roles=(), tokens=0)
WITH_ROLE = replace(ASKED, roles=(70,))
ELSEWHERE = replace(ASKED, channel=CHANNEL + 1)
DONE = Settle(0, Ending.DONE, 0)
FAILED = Settle(0, Ending.FAILED, 0)


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
        del self.servers[limit.id]
        self._forget(limit)

    def change(self, limits: tuple[Limit, ...], now: datetime) -> None:
        for gone in set(self.limits) - set(limits):
            self._forget(gone)
        self.limits = limits
        for each in limits:
            self.since.setdefault(each.id, now)

    def used(self, limit: Limit, by: Request) -> int:
        before = self.counted_before(limit, by)

        def counted(nth: int, other: Asked) -> bool:
            is_applied = limit.place is Place.BOT or limit.id in other.applied
            return reaches(limit, other.request, by) and (is_applied or nth < before)

        return sum(other.amounts[limit.metric] for nth, other in enumerate(self.asked) if counted(nth, other))

    def counted_before(self, limit: Limit, by: Request) -> int:
        """How many of the list a limit counts, whether it applied to them or not."""
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
            self._begin(each, request)
        self.asked.append(Asked(request, frozenset(limit.id for limit in applied), amounts))
        return True

    def allows(self, asked: Asked, needed: dict[Metric, int]) -> bool:
        """Whether an open request may make a call that needs so much: what is not reserved has to fit."""
        more = {metric: needed[metric] - asked.amounts[metric] for metric in (Metric.TOKENS, Metric.COST)}
        holding = [
            limit
            for limit in (*self.limits, *self.servers.values())
            if more.get(limit.metric, 0) > 0 and self._holds(limit, asked)
        ]
        if any(self.used(limit, asked.request) + more[limit.metric] > limit.amount for limit in holding):
            return False
        for each in holding:
            self._begin(each, asked.request)
        return True

    def _holds(self, limit: Limit, asked: Asked) -> bool:
        """Whether a limit applied to a request, or was set later and has counted it in."""
        if limit.id in asked.applied:
            return True
        before = self.begun.get(hold(limit, asked.request.scope, asked.request.asked_at), 0)
        return self.asked.index(asked) < before and reaches(limit, asked.request, asked.request)

    def _begin(self, limit: Limit, by: Request) -> None:
        self.begun[hold(limit, by.scope, by.asked_at)] = self.counted_before(limit, by)

    def _forget(self, limit: Limit) -> None:
        del self.since[limit.id]
        self.begun = {held: many for held, many in self.begun.items() if held.limit_id != limit.id}


def reaches(limit: Limit, other: Request, by: Request) -> bool:
    """Whether a limit that counts what ``by`` asks could count what ``other`` asked, too."""
    if window_start(limit.window, other.asked_at) != window_start(limit.window, by.asked_at):
        return False
    if limit.command not in {None, other.command}:
        return False
    if limit.place is not Place.BOT and not in_place(limit, other.scope):
        return False
    match limit.subject:
        case Subject.USER | Subject.ROLE:
            return other.scope.user_id == by.scope.user_id
        case Subject.GUILD:
            return other.scope.guild_id == by.scope.guild_id
        case Subject.EVERYONE:
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
    if step.channel != CHANNEL and not step.direct:
        # In another category.
        request = replace(request, scope=replace(request.scope, category_id=CATEGORY + 1))
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
    is_allowed = step.over or naive.allows(asked, amounts(1, used, 1))
    try:
        call = await place.ledger.call(asked.request.id, MODEL, Tokens() if step.over else used, {})
    except LimitReached:
        assert not is_allowed
        used = Tokens()
    else:
        assert is_allowed
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


async def amount(place: World, naive: Naive, wanted: Limit) -> None:
    await place.change_limit(wanted, limit_json(wanted))
    naive.servers[wanted.id] = wanted
    naive.since.setdefault(wanted.id, place.clock())


async def replay(databases: Databases, script: Sequence[Step]) -> None:
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
                    limits = tuple(identified(OPERATORS[number]) for number in sorted(step.limits))
                    await place.ledger.set_operator_limits(limits)
                    naive.change(limits, place.clock())
                case Toggle():
                    await toggle(place, naive, step)
                case Amount():
                    await amount(place, naive, step.wanted)


@settings(max_examples=40)
@given(script=st.lists(steps, min_size=10, max_size=30))
@example(script=[ASKED, DONE, Toggle(6, times=2), ASKED])
@example(script=[ASKED, DONE, Later(60_000), Later(60_000), Toggle(6, times=2), ASKED])
@example(script=[Toggle(6), Later(60_000), Later(60_000), WITH_ROLE, DONE, WITH_ROLE, DONE, ASKED])
# What a failure gives back; what was used while a limit was not there; another category; another amount; more
# than was reserved; and what a request still needs when a limit is set again under it.
@example(script=[Toggle(6), WITH_ROLE, FAILED, WITH_ROLE, DONE, WITH_ROLE, DONE, WITH_ROLE, DONE, WITH_ROLE])
@example(script=[Toggle(9), *[replace(ELSEWHERE, user=2, roles=(71,)), FAILED] * 5, Toggle(9), ELSEWHERE])
@example(script=[ASKED, DONE, Toggle(6), ASKED, DONE, Toggle(6), ASKED])
@example(
    script=[
        Toggle(5),
        replace(ELSEWHERE, tokens=50),
        Settle(0, Ending.DONE, 50),
        Toggle(5),
        replace(ASKED, user=2, tokens=60),
    ]
)
@example(script=[ELSEWHERE, DONE, Amount(0, 1), ELSEWHERE, Amount(0, 4), ELSEWHERE])
@example(
    script=[
        replace(ASKED, tokens=20),
        Settle(0, Ending.DONE, 60, over=True),
        replace(ASKED, user=2, tokens=60),
    ]
)
@example(
    script=[
        replace(ASKED, user=2),
        Settle(0, Ending.DONE, 40),
        replace(ASKED, tokens=20),
        Toggle(5, times=2),
        Settle(0, Ending.DONE, 60),
    ]
)
def test_verdicts_are_those_of_a_list_added_up(databases: Databases, script: list[Step]) -> None:
    asyncio.run(replay(databases, script))
