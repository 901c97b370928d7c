"""Which chart goes with a report. Pure."""

from collections.abc import Mapping

from bot.charts import Bar, Chart, Shape, Unit
from bot.domain import NANO
from bot.store.usage_days import Figures
from bot.usage.report import By, Report
from bot.usage.words import LISTED


def picture(report: Report, by: By, names: Mapping[str, str]) -> Chart | None:
    """Return the chart of dollars, or of requests where nothing costs anything; None where nothing was used.

    ``names`` are shown for the shares that are in it; the others have no name but their number in the list.
    """
    if not report.total.requests:
        return None
    unit = Unit.DOLLARS if report.total.cost else Unit.REQUESTS

    def value(figures: Figures) -> float:
        return figures.cost / NANO if unit is Unit.DOLLARS else float(figures.requests)

    if by is By.DAY:
        return Chart(Shape.COLUMNS, unit, tuple(Bar(day.name, value(day.figures)) for day in report.days))
    shares = report.shares[by][:LISTED]
    return Chart(
        Shape.ROWS, unit, tuple(Bar(names.get(share.name, ""), value(share.figures)) for share in shares)
    )
