"""The tables ``limits`` and ``counters``."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from bot.choices import loaded, zone_of
from bot.domain import Command, Limit, Metric, Place, Scope, Setting, Subject, Window
from bot.store.driver import Row, Transaction
from bot.store.rows import Amounts, Hold, StoredLimit, dump_holds, load_holds, milliseconds


async def limits_reaching(transaction: Transaction, scope: Scope) -> tuple[StoredLimit, ...]:
    """Return the limits of the bot and of the scope's places; which of them apply is decided elsewhere."""
    rows = await transaction.rows(
        "limits_reaching", guild_id=scope.guild_id, category_id=scope.category_id, channel_id=scope.channel_id
    )
    return tuple(stored_limit(row, _zone(row)) for row in rows)


async def limits_at(transaction: Transaction, place: Place, place_id: int) -> tuple[StoredLimit, ...]:
    """Return the limits set at one place."""
    rows = await transaction.rows("limits_at", place=place.value, place_id=place_id)
    return tuple(stored_limit(row) for row in rows)


async def set_limits(
    transaction: Transaction, place: Place, place_id: int, limits: Iterable[Limit], now: datetime
) -> None:
    """Make these the limits of a place. One that only changes its amount goes on counting where it was."""
    wanted = {limit.id: limit for limit in limits}
    for stored in await limits_at(transaction, place, place_id):
        if stored.limit.id not in wanted:
            await clear_limit(transaction, stored.limit.id)
    for limit in wanted.values():
        await put_limit(transaction, limit, now)


async def limits_in(transaction: Transaction, guild_id: int) -> tuple[StoredLimit, ...]:
    """Return the limits of a server, at all of its places."""
    return tuple(stored_limit(row) for row in await transaction.rows("limits_in", guild_id=guild_id))


async def put_limit(transaction: Transaction, limit: Limit, now: datetime) -> None:
    """Add a limit, or change the amount of the one with its id, which goes on counting where it was."""
    await transaction.run(
        "set_limit",
        id=limit.id,
        place=limit.place.value,
        place_id=limit.place_id,
        subject=limit.subject.value,
        role_id=limit.role_id,
        metric=limit.metric.value,
        window=limit.window.value,
        amount=limit.amount,
        command=None if limit.command is None else limit.command.value,
        guild_id=limit.guild_id,
        since=milliseconds(now),
    )


async def clear_limit(transaction: Transaction, limit_id: int) -> None:
    """Take a limit away with its counters; set again, it starts from what its window has used."""
    await transaction.run("clear_limit", id=limit_id)
    await transaction.run("clear_counters", limit_id=limit_id)
    await transaction.run("clear_refusals", limit_id=limit_id)


async def recount(
    transaction: Transaction, guild_id: int, window: Window, window_start: datetime, now: datetime
) -> None:
    """Let a server's limits per day or per month begin elsewhere from now on, and give nothing back.

    ``window_start`` is where they count from so far. The window that they are in from now on counts from
    there as well, if that is earlier than its own start.
    """
    which = {"guild_id": guild_id, "window": window.value, "now": milliseconds(now)}
    await transaction.run("drop_counters", **which)
    await transaction.run("recount_limits", **which, window_start=milliseconds(window_start))


async def take(transaction: Transaction, hold: Hold, amount: int) -> int:
    """Add to a counter; return what it then shows."""
    row = await transaction.row(
        "take",
        limit_id=hold.limit_id,
        subject_id=hold.subject_id,
        window_start=hold.window_start,
        window_end=hold.window_end,
        amount=amount,
    )
    if row is None:
        raise RuntimeError("an insert with RETURNING returned nothing")
    return int(row["used"])


async def correct(transaction: Transaction, hold: Hold, amount: int) -> int | None:
    """Add to a counter that is still there, a negative amount to give back; return what it then shows."""
    row = await transaction.row(
        "correct",
        limit_id=hold.limit_id,
        subject_id=hold.subject_id,
        window_start=hold.window_start,
        amount=amount,
    )
    return None if row is None else int(row["used"])


async def drop(transaction: Transaction, hold: Hold) -> None:
    """Take a counter away."""
    await transaction.run(
        "drop_counter",
        limit_id=hold.limit_id,
        subject_id=hold.subject_id,
        window_start=hold.window_start,
    )


async def begin(transaction: Transaction, stored: StoredLimit, hold: Hold, scope: Scope, but: int) -> None:
    """Begin a counter that is missing.

    Where the limit is younger than its window, it starts from what the window has used already, except by the
    request ``but``, which is just being admitted; the open requests that are counted in will let go of it
    when they settle.
    """
    begun = await transaction.row(
        "begin_counter",
        limit_id=hold.limit_id,
        subject_id=hold.subject_id,
        window_start=hold.window_start,
        window_end=hold.window_end,
    )
    if begun is None or stored.since < hold.window_start:
        return
    counted, span = _counted(stored.limit, scope), _span(stored, hold, but)
    for row in await transaction.rows("open_holds", **counted, **span):
        holds = {*load_holds(row["holds"]), hold}
        await transaction.run("set_holds", id=row["id"], holds=dump_holds(tuple(sorted(holds))))
    if used := await _used_before(transaction, hold.metric, counted, span):
        await take(transaction, hold, used)


async def shown(transaction: Transaction, stored: StoredLimit, hold: Hold, scope: Scope) -> int:
    """Return what a counter shows, or would show were it begun now; nothing is written."""
    row = await transaction.row(
        "counter", limit_id=hold.limit_id, subject_id=hold.subject_id, window_start=hold.window_start
    )
    if row is not None:
        return int(row["used"])
    if stored.since < hold.window_start:
        return 0
    return await _used_before(transaction, hold.metric, _counted(stored.limit, scope), _span(stored, hold, 0))


async def forget_counters(transaction: Transaction, before: datetime) -> None:
    """Drop the counters of windows that ended before."""
    await transaction.run("forget_counters", before=milliseconds(before))


def _span(stored: StoredLimit, hold: Hold, but: int) -> dict[str, int]:
    """The times from which a limit counts requests in the window it began in, and the request it does not."""
    start = hold.window_start if stored.counts_from is None else min(hold.window_start, stored.counts_from)
    return {"window_start": start, "window_end": hold.window_end, "but": but}


async def _used_before(
    transaction: Transaction, metric: Metric, counted: dict[str, object], span: dict[str, int]
) -> int:
    """What the usage rows of a span add up to, asked by the narrowest index there is."""
    if metric is Metric.CONCURRENT:
        return len(await transaction.rows("open_holds", **counted, **span))
    if counted["user_id"] is not None:
        row = await transaction.row("used_by_user", **counted, **span)
    elif counted["guild_id"] is not None:
        narrowed = {name: value for name, value in counted.items() if name != "user_id"}
        row = await transaction.row("used_by_guild", **narrowed, **span)
    else:
        row = await transaction.row("used_by_all", command=counted["command"], **span)
    if row is None:
        raise RuntimeError("a sum returned nothing")
    return Amounts(requests=row["requests"], tokens=row["tokens"], cost=row["cost"]).of(metric)


def _counted(limit: Limit, scope: Scope) -> dict[str, object]:
    """Which rows a limit counts for this scope; what is None does not narrow."""
    in_guild = limit.place is not Place.BOT or limit.subject is Subject.GUILD
    return {
        "user_id": scope.user_id if limit.subject in {Subject.USER, Subject.ROLE} else None,
        "guild_id": scope.guild_id if in_guild else None,
        "category_id": scope.category_id if limit.place is Place.CATEGORY else None,
        "channel_id": scope.channel_id if limit.place is Place.CHANNEL else None,
        "command": None if limit.command is None else limit.command.value,
    }


def _zone(row: Row) -> tzinfo:
    """Where the day of a limit's server begins."""
    if row["time_zone"] is None or row["place"] == Place.BOT.value:
        return UTC
    return zone_of(loaded({Setting.TIME_ZONE.value: row["time_zone"]}).time_zone)


def stored_limit(row: Row, zone: tzinfo = UTC) -> StoredLimit:
    """Read a row of ``limits``."""
    limit = Limit(
        id=row["id"],
        place=Place(row["place"]),
        place_id=row["place_id"],
        subject=Subject(row["subject"]),
        metric=Metric(row["metric"]),
        window=Window(row["window"]),
        amount=row["amount"],
        role_id=row["role_id"],
        command=None if row["command"] is None else Command(row["command"]),
        guild_id=row["guild_id"],
    )
    return StoredLimit(limit, row["since"], row["counts_from"], zone)
