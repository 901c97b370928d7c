"""Which limits apply, against the rules said a second time and more slowly."""

import doctest
import importlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Command, Limit, Metric, Place, Scope, Subject, Surroundings, Window
from bot.limits import EXEMPT, limit_id, resolve
from bot.limits.resolve import for_anybody, identified

MODULES = (
    "bot.limits.resolve",
    "bot.limits.windows",
    "bot.limits.entries",
    "bot.limits_desk.look",
    "bot.i18n.numbers",
    "bot.limits.gate",
    "bot.ids",
    "bot.store.postgres",
    "bot.store.sqlite",
)

limits = st.builds(
    Limit,
    id=st.just(0),
    place=st.sampled_from(Place),
    place_id=st.sampled_from([0, 7, 8, 9]),
    subject=st.sampled_from(Subject),
    metric=st.sampled_from([Metric.REQUESTS, Metric.COST]),
    window=st.sampled_from([Window.DAY, Window.MONTH]),
    amount=st.sampled_from([EXEMPT, 0, 1, 2]),
    role_id=st.sampled_from([0, 70, 71]),
    command=st.sampled_from([None, Command.ASK, Command.STORY]),
).map(identified)
scopes = st.builds(
    Scope,
    surroundings=st.sampled_from(Surroundings),
    user_id=st.just(1),
    channel_id=st.sampled_from([7, 9]),
    guild_id=st.sampled_from([None, 7]),
    category_id=st.sampled_from([None, 8]),
    role_ids=st.sampled_from([(), (70,), (70, 71)]),
)


def slowly(limits: Sequence[Limit], scope: Scope, command: Command) -> set[Limit]:
    """For each limit, whether any other takes its place."""
    in_guild = scope.surroundings is Surroundings.GUILD and scope.guild_id is not None
    where = {Place.GUILD: scope.guild_id, Place.CATEGORY: scope.category_id, Place.CHANNEL: scope.channel_id}

    def meant(limit: Limit) -> bool:
        here = limit.place is Place.BOT or (in_guild and where[limit.place] == limit.place_id)
        if limit.subject is Subject.GUILD and limit.place is Place.BOT:
            here = in_guild
        return (
            here
            and (limit.command is None or limit.command == command)
            and (limit.subject is not Subject.ROLE or limit.role_id in scope.role_ids)
        )

    def rank(limit: Limit) -> tuple[object, ...]:
        closeness = [Place.GUILD, Place.CATEGORY, Place.CHANNEL].index(limit.place)
        generosity = float("inf") if limit.amount == EXEMPT else limit.amount
        return (closeness, limit.subject is Subject.ROLE, generosity, limit.id)

    def rivals(one: Limit, other: Limit) -> bool:
        together = (one.subject is Subject.EVERYONE) == (other.subject is Subject.EVERYONE)
        return together and (one.metric, one.window, one.command) == (
            other.metric,
            other.window,
            other.command,
        )

    candidates = [limit for limit in limits if meant(limit)]
    return {
        limit
        for limit in candidates
        if limit.amount != EXEMPT
        and (
            limit.place is Place.BOT
            or all(
                rank(limit) >= rank(other)
                for other in candidates
                if other.place is not Place.BOT and rivals(limit, other)
            )
        )
    }


@given(st.lists(limits, max_size=12, unique_by=lambda limit: limit.id), scopes, st.sampled_from([*Command]))
def test_applies_what_the_rules_say(table: list[Limit], scope: Scope, command: Command) -> None:
    found = resolve(table, scope, command)
    assert set(found) == slowly(table, scope, command)
    assert [limit.id for limit in found] == sorted(limit.id for limit in found)


@given(st.lists(limits, max_size=12, unique_by=lambda limit: limit.id), scopes)
def test_applies_to_anybody_what_applies_to_members_of_every_kind(table: list[Limit], scope: Scope) -> None:
    kinds = [(), *((role,) for role in (0, 70, 71))]
    members = [replace(scope, role_ids=roles) for roles in kinds]
    theirs = {found for member in members for command in Command for found in resolve(table, member, command)}
    assert {found for found in for_anybody(table, scope) if found.amount != EXEMPT} == theirs


def test_ids_follow_from_what_a_limit_is_for() -> None:
    one = Limit(0, Place.BOT, 0, Subject.USER, Metric.COST, Window.DAY, 5)
    # The same in every process and version: counters are found by it.
    assert limit_id(one) == limit_id(Limit(3, Place.BOT, 0, Subject.USER, Metric.COST, Window.DAY, 9))
    others = [
        Limit(0, Place.GUILD, 0, Subject.USER, Metric.COST, Window.DAY, 5),
        Limit(0, Place.BOT, 1, Subject.USER, Metric.COST, Window.DAY, 5),
        Limit(0, Place.BOT, 0, Subject.GUILD, Metric.COST, Window.DAY, 5),
        Limit(0, Place.BOT, 0, Subject.USER, Metric.TOKENS, Window.DAY, 5),
        Limit(0, Place.BOT, 0, Subject.USER, Metric.COST, Window.HOUR, 5),
        Limit(0, Place.BOT, 0, Subject.USER, Metric.COST, Window.DAY, 5, 70),
        Limit(0, Place.BOT, 0, Subject.USER, Metric.COST, Window.DAY, 5, command=Command.ASK),
    ]
    ids = {limit_id(limit) for limit in [one, *others]}
    assert len(ids) == 8
    assert all(0 <= id_ < 2**63 for id_ in ids)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
