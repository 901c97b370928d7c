"""Usage for the person who runs the bot: everything of all servers, as ``python -m bot usage`` prints it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TextIO

from bot.i18n import language
from bot.store import Store
from bot.store.usage_days import Figures, Selection
from bot.usage.export import Format, header, lines, pages
from bot.usage.period import since
from bot.usage.report import By, Report, Reports, Share

OF_ALL = (By.SERVER, By.MODEL, By.COMMAND, By.MEMBER)
LISTED = 20
ENGLISH = language("en-US")
COLUMNS = ("", "dollars", "requests", "refused", "tokens in", "tokens out")
DIRECT = "direct messages"
"""What belongs to no server: direct messages, and use by those who installed the bot themselves."""


async def print_report(store: Store, first: date, now: datetime, out: TextIO) -> None:
    """Print what was used since a day, in UTC.

    Raises:
        StoreUnavailable: the database cannot be read.
    """
    report = await Reports(store).of(Selection(), since(first, now), OF_ALL, now)
    print("\n".join(_told(report)), file=out)


async def print_rows(store: Store, first: date, now: datetime, out: TextIO) -> None:
    """Print every settled request since a day as CSV.

    Raises:
        StoreUnavailable: the database cannot be read.
    """
    out.write(header(Format.CSV))
    async for page in pages(store, None, since(first, now).span):
        out.write(lines(page, Format.CSV))


def _told(report: Report) -> Iterator[str]:
    yield f"{report.stretch.first} to {report.stretch.last}, UTC"
    pace = f"; a month at this pace: about {ENGLISH.money(report.pace)}" if report.pace else ""
    if not (report.total.requests or report.total.refused):
        yield "Nothing was used."
        return
    yield f"{ENGLISH.money(report.total.cost)}{pace}"
    yield ""
    yield from _table("total", [Share("all", report.total)])
    for by in OF_ALL:
        yield ""
        yield from _table(by.value, report.shares[by])


def _table(heading: str, shares: Sequence[Share]) -> Iterator[str]:
    rows = [(heading, *COLUMNS[1:]), *(_row(share) for share in shares[:LISTED])]
    if others := shares[LISTED:]:
        rest = sum((share.figures for share in others), Figures())
        rows.append(_row(Share(f"{len(others)} others", rest)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for name, *figures in rows:
        numbers = "  ".join(text.rjust(width) for text, width in zip(figures, widths[1:], strict=True))
        yield f"{name.ljust(widths[0])}  {numbers}"


def _row(share: Share) -> tuple[str, ...]:
    figures = share.figures
    counts = (figures.requests, figures.refused, figures.input_tokens, figures.output_tokens)
    name = DIRECT if share.name == "0" else share.name
    return (name, ENGLISH.money(figures.cost), *map(ENGLISH.number, counts))
