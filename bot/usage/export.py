"""The rows of what was used, as CSV or JSON lines.

Rows are read by key in pages, beside those that are written: a million need no more memory than a thousand.
"""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum
from io import StringIO
from typing import Final

from bot.store import Store, UsageRow
from bot.store.rows import milliseconds
from bot.store.usage_days import Span, usage_page

PAGE_ROWS: Final = 500
"""Read at once: more of them would hold up the event loop for longer than a few milliseconds."""
COLUMNS: Final[Mapping[str, Callable[[UsageRow], object]]] = {
    "id": lambda row: row.id,
    "asked_at": lambda row: row.asked_at.isoformat(timespec="milliseconds"),
    "settled_at": lambda row: row.settled_at and row.settled_at.isoformat(timespec="milliseconds"),
    "user_id": lambda row: row.user_id,
    "guild_id": lambda row: row.guild_id,
    "category_id": lambda row: row.category_id,
    "channel_id": lambda row: row.channel_id,
    "thread_id": lambda row: row.thread_id,
    "surroundings": lambda row: row.surroundings.value,
    "command": lambda row: row.command.value,
    "model": lambda row: row.model,
    "visibility": lambda row: row.visibility.value,
    "locale": lambda row: row.locale,
    "ending": lambda row: row.ending and row.ending.value,
    "error": lambda row: row.error,
    "input_tokens": lambda row: row.tokens.input,
    "output_tokens": lambda row: row.tokens.output,
    "cost_nano_dollars": lambda row: row.cost,
    "first_text_ms": lambda row: row.first_text_ms,
    "total_ms": lambda row: row.total_ms,
}
"""What a file tells of each request, in this order; nothing that anybody wrote is on record."""


class Format(StrEnum):
    """How a row is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"


async def pages(store: Store, guild_id: int | None, span: Span) -> AsyncIterator[Sequence[UsageRow]]:
    """Yield the settled rows of a server, or of all, in the order of asking.

    Raises:
        StoreUnavailable: the database cannot be read.
    """
    after = (0, 0)
    while True:
        where = after
        page = await store.read(
            lambda transaction: usage_page(transaction, guild_id, span, where, PAGE_ROWS)  # noqa: B023 - read at once
        )
        if page:
            yield page
        if len(page) < PAGE_ROWS:
            return
        after = (milliseconds(page[-1].asked_at), page[-1].id)


def header(form: Format) -> str:
    """Return what stands above the rows."""
    return "" if form is Format.JSON_LINES else _csv([list(COLUMNS)])


def lines(rows: Sequence[UsageRow], form: Format) -> str:
    """Return the rows as text."""
    if form is Format.CSV:
        return _csv([list(told(row).values()) for row in rows])
    return "".join(json.dumps(told(row), separators=(",", ":")) + "\n" for row in rows)


def told(row: UsageRow) -> dict[str, object]:
    """Return a row by its columns."""
    return {name: column(row) for name, column in COLUMNS.items()}


async def encoded(rows: AsyncIterator[Sequence[UsageRow]], form: Format) -> AsyncIterator[bytes]:
    """Yield pages of rows as they are written into a file."""
    async for page in rows:
        yield (await asyncio.to_thread(lines, page, form)).encode()


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
