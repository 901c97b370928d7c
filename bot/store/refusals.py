"""The table ``refusals``: how often a person was refused by a limit in a window."""

from datetime import datetime

from bot.store.driver import Transaction
from bot.store.rows import milliseconds


async def count_refusal(
    transaction: Transaction, limit_id: int, user_id: int, window_end: datetime, request_id: int
) -> int:
    """Count a refusal, once however often it is written; return how many it makes in its window."""
    row = await transaction.row(
        "count_refusal",
        limit_id=limit_id,
        user_id=user_id,
        window_end=milliseconds(window_end),
        request_id=request_id,
    )
    if row is None:
        raise RuntimeError("an insert with RETURNING returned nothing")
    return int(row["count"])


async def refusals_of(transaction: Transaction, guild_id: int, now: datetime) -> dict[int, int]:
    """Return how often people were refused in windows that last, by the ids of a server's limits."""
    rows = await transaction.rows("refusals_of", guild_id=guild_id, now=milliseconds(now))
    return {row["limit_id"]: int(row["count"]) for row in rows}


async def forget_refusals(transaction: Transaction, before: datetime) -> None:
    """Drop those of windows that ended before."""
    await transaction.run("forget_refusals", before=milliseconds(before))
