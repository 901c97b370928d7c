"""Which limits apply to a request: one pure function, and what each then counts."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b

from bot.domain import Command, Limit, Place, Scope, Subject, Surroundings
from bot.limits.windows import FOREVER, resets_at, window_start
from bot.store.rows import Hold, milliseconds

EXEMPT = -1
"""The amount of a limit that lets its subject go free; for a role: its members have no such limit there."""

CLOSEST_FIRST = (Place.CHANNEL, Place.CATEGORY, Place.GUILD)


def resolve(limits: Iterable[Limit], scope: Scope, command: Command) -> tuple[Limit, ...]:
    """Return the limits that apply to a command in a scope, by their ids; ``limits`` may hold more than can.

    - The operator's limits, at place ``bot``, always apply, on top of all others. Those per server apply in
      servers the bot is in.
    - Of a server's limits for each member, each member with a role, or everyone together, the closest place
      that has one for the same metric, window and command (or for all commands) replaces the wider ones:
      channel, then category, then server.
    - In that place a role's limit replaces that for each member, for those who have the role; of several
      roles' the most generous counts, and a role that is exempt frees them.
    - Limits of different metrics, windows or commands all apply.
    - Direct messages and user-installed use have the operator's limits only. A thread's scope has its parent
      as channel.

    >>> from bot.domain import Metric, Window
    >>> def limit(id, place, place_id, subject, amount, role=0, metric=Metric.REQUESTS, command=None):
    ...     return Limit(id, place, place_id, subject, metric, Window.DAY, amount, role, command)
    >>> table = [
    ...     limit(1, Place.BOT, 0, Subject.USER, 100),
    ...     limit(2, Place.BOT, 0, Subject.GUILD, 900),
    ...     limit(3, Place.GUILD, 7, Subject.USER, 10),
    ...     limit(4, Place.GUILD, 7, Subject.ROLE, 20, role=70),
    ...     limit(5, Place.GUILD, 7, Subject.ROLE, 5, role=71),
    ...     limit(6, Place.GUILD, 7, Subject.ROLE, EXEMPT, role=72),
    ...     limit(7, Place.CATEGORY, 8, Subject.EVERYONE, 50),
    ...     limit(8, Place.CHANNEL, 9, Subject.USER, 3),
    ...     limit(9, Place.CHANNEL, 9, Subject.EVERYONE, 30),
    ...     limit(10, Place.GUILD, 7, Subject.USER, 2, command=Command.STORY),
    ...     limit(11, Place.GUILD, 7, Subject.USER, 4000, metric=Metric.TOKENS),
    ... ]
    >>> def applies(channel, *roles, category=8, guild=7, kind=Surroundings.GUILD, command=Command.ASK):
    ...     scope = Scope(kind, 1, channel, guild, category, None, roles)
    ...     return [found.id for found in resolve(table, scope, command)]
    >>> applies(1, category=None)                      # each member of the server; its tokens too
    [1, 2, 3, 11]
    >>> applies(1, 70, category=None)                  # a role replaces "each member"
    [1, 2, 4, 11]
    >>> applies(1, 70, 71, category=None)              # the most generous role
    [1, 2, 4, 11]
    >>> applies(1, 71, category=None)                  # a role may also get less
    [1, 2, 5, 11]
    >>> applies(1, 71, 72, category=None)              # an exempt role frees
    [1, 2, 11]
    >>> applies(1)                                     # the category's for everyone, on top of each member's
    [1, 2, 3, 7, 11]
    >>> applies(9)                                     # the channel's replace the server's and the category's
    [1, 2, 8, 9, 11]
    >>> applies(9, 72)                                 # also for a role that is exempt further out
    [1, 2, 8, 9, 11]
    >>> applies(9, command=Command.STORY)              # a command's own limit, on top
    [1, 2, 8, 9, 10, 11]
    >>> applies(9, kind=Surroundings.BOT_DM, guild=None)
    [1]
    >>> applies(9, kind=Surroundings.USER_INSTALL)
    [1]
    """
    reaching = [limit for limit in limits if _applies(limit, scope, command)]
    chosen = [limit for limit in reaching if limit.place is Place.BOT]
    chosen += [_closest(rivals) for rivals in _rivals(reaching)]
    return tuple(sorted((limit for limit in chosen if limit.amount != EXEMPT), key=lambda limit: limit.id))


def for_anybody(limits: Iterable[Limit], scope: Scope) -> tuple[Limit, ...]:
    """Return the limits, exemptions too, that apply in a scope to somebody: with whatever role and command.

    >>> from bot.domain import Metric, Window
    >>> def limit(id, place, place_id, amount, role=0):
    ...     subject = Subject.ROLE if role else Subject.USER
    ...     return Limit(id, place, place_id, subject, Metric.REQUESTS, Window.DAY, amount, role)
    >>> table = [
    ...     limit(1, Place.GUILD, 7, 10),
    ...     limit(2, Place.GUILD, 7, 20, role=70),
    ...     limit(3, Place.GUILD, 7, EXEMPT, role=71),
    ...     limit(4, Place.CHANNEL, 9, 5),
    ...     limit(5, Place.CHANNEL, 8, 6, role=70),
    ... ]
    >>> def apply(channel):
    ...     scope = Scope(Surroundings.GUILD, 1, channel, 7)
    ...     return [found.id for found in for_anybody(table, scope)]
    >>> apply(1)                                       # each member, and members with either role
    [1, 2, 3]
    >>> apply(9)                                       # the channel's replaces them all
    [4]
    >>> apply(8)                                       # the channel's role only that role's
    [1, 3, 5]
    """
    reaching = [limit for limit in limits if _reaches(limit, scope)]
    chosen = {limit for limit in reaching if limit.place is Place.BOT}
    for rivals in _rivals(reaching):
        everybodys = [limit for limit in rivals if limit.subject is not Subject.ROLE]
        roles: dict[int, list[Limit]] = {}
        for limit in rivals:
            if limit.subject is Subject.ROLE:
                roles.setdefault(limit.role_id, []).append(limit)
        for theirs in (everybodys, *(everybodys + own for own in roles.values())):
            if theirs:
                chosen.add(_closest(theirs))
    return tuple(sorted(chosen, key=lambda limit: limit.id))


def hold(limit: Limit, scope: Scope, now: datetime, tz: tzinfo = UTC) -> Hold:
    """Return the counter that a limit keeps for a scope: whose use it counts, and in which window."""
    subjects = {Subject.GUILD: scope.guild_id or 0, Subject.EVERYONE: 0}
    return Hold(
        limit_id=limit.id,
        subject_id=subjects.get(limit.subject, scope.user_id),
        window_start=milliseconds(window_start(limit.window, now, tz)),
        window_end=milliseconds(resets_at(limit.window, now, tz) or FOREVER),
        metric=limit.metric,
    )


def limit_id(limit: Limit) -> int:
    """Return the id that follows from what a limit is for, whatever its amount: the same in every process."""
    parts = (
        limit.place,
        limit.place_id,
        limit.subject,
        limit.role_id,
        limit.metric,
        limit.window,
        limit.command,
    )
    digest = blake2b(repr([str(part) for part in parts]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def identified(limit: Limit) -> Limit:
    """Return the limit with its own id."""
    return replace(limit, id=limit_id(limit))


def _applies(limit: Limit, scope: Scope, command: Command) -> bool:
    """Whether a limit would apply, were there no closer one."""
    if limit.command not in {None, command}:
        return False
    if limit.subject is Subject.ROLE and limit.role_id not in scope.role_ids:
        return False
    return _reaches(limit, scope)


def _reaches(limit: Limit, scope: Scope) -> bool:
    """Whether a scope is in the place of a limit."""
    in_guild = scope.surroundings is Surroundings.GUILD and scope.guild_id is not None
    match limit.place:
        case Place.BOT:
            return in_guild or limit.subject is not Subject.GUILD
        case Place.GUILD:
            return in_guild and limit.place_id == scope.guild_id
        case Place.CATEGORY:
            return in_guild and limit.place_id == scope.category_id
        case Place.CHANNEL:
            return in_guild and limit.place_id == scope.channel_id


def _rivals(reaching: Iterable[Limit]) -> Iterable[list[Limit]]:
    """Of the limits that admins set, those that are for the same thing, of which the closest counts."""
    rivals: dict[object, list[Limit]] = {}
    for limit in reaching:
        if limit.place is not Place.BOT:
            group = Subject.EVERYONE if limit.subject is Subject.EVERYONE else Subject.USER
            rivals.setdefault((group, limit.metric, limit.window, limit.command), []).append(limit)
    return rivals.values()


def _closest(rivals: list[Limit]) -> Limit:
    """Of limits for the same thing, the one that counts."""
    place = next(place for place in CLOSEST_FIRST if any(limit.place is place for limit in rivals))
    here = [limit for limit in rivals if limit.place is place]
    roles = [limit for limit in here if limit.subject is Subject.ROLE]
    return max(roles or here, key=lambda limit: (limit.amount == EXEMPT, limit.amount, limit.id))
