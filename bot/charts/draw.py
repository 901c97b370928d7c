"""Draws one chart: ``python -m bot.charts.draw`` reads it as JSON and writes a PNG.

The colours keep apart from each other and from Discord's dark and light backgrounds for colour-blind people
as well (the blue of Okabe and Ito on slate). Names are drawn with the first fonts of this machine that have
their characters; what no font has is left out, so that no empty boxes are drawn.
"""

import sys
from datetime import date
from io import BytesIO

from matplotlib import font_manager, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bot.charts.chart import Bar, Chart, Shape, Unit
from bot.domain import NANO
from bot.i18n import language

DIGITS = language("en-US")
"""How numbers are written: a chart is the same for all readers."""
BACKGROUND, INK, FAINT, BLUE = "#2b2d31", "#e3e5e8", "#4a4d55", "#56b4e9"
WIDTH, HEIGHT, DPI = 6.4, 3.4, 160
"""Inches, and dots in each: wide enough for a phone, sharp on it."""
ROW_HEIGHT = 0.34
MARGIN = 0.14
FEWEST_COLUMNS = 5
"""Fewer stand in the middle, no wider than these would be."""
LONGEST_NAME = 22
MOST_VALUES = 12
"""Bars up to which each has its value written beside it."""
MOST_DATES = 7
MOST_GAPS = 100
"""Columns up to which there is space between them."""
FAMILIES = (
    "DejaVu Sans",
    "Noto Sans",
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)


def figure(chart: Chart) -> Figure:
    """Draw it."""
    fonts = _fonts()
    height = HEIGHT if chart.shape is Shape.COLUMNS else max(1.4, 0.8 + ROW_HEIGHT * len(chart.bars))
    layout = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=MARGIN)
    drawn = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=BACKGROUND, layout=layout)
    axes = drawn.add_subplot(facecolor=BACKGROUND)
    if chart.shape is Shape.COLUMNS:
        _columns(axes, chart)
    else:
        _rows(axes, chart, fonts)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, length=0, labelsize=9)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontfamily(list(fonts))
        # A name between two dollar signs is no formula.
        label.set_parse_math(False)
    axes.set_axisbelow(True)
    return drawn


def _columns(axes: Axes, chart: Chart) -> None:
    days = [date.fromisoformat(bar.name) for bar in chart.bars]
    values = [bar.value for bar in chart.bars]
    places = range(len(days))
    columns = axes.bar(places, values, width=0.72 if len(days) <= MOST_GAPS else 1.0, color=BLUE)
    step = max(1, -(-len(days) // MOST_DATES))
    # Counted from the last, which people look for first.
    shown = [place for place in places if (len(days) - 1 - place) % step == 0]
    axes.set_xticks(shown, [f"{days[place]:%m-%d}" for place in shown])
    middle, half = (len(days) - 1) / 2, max(len(days), FEWEST_COLUMNS) / 2
    axes.set_xlim(middle - half, middle + half)
    if len(days) <= MOST_VALUES:
        labels = [_value(chart.unit, value) if value else "" for value in values]
        axes.bar_label(columns, labels, color=INK, fontsize=9, padding=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.yaxis.set_major_formatter(lambda value, _place: _value(chart.unit, value))
    axes.yaxis.set_major_locator(ticker.MaxNLocator(5, integer=chart.unit is Unit.REQUESTS))
    axes.set_ylim(0, max(values) * 1.12 or 1)


def _rows(axes: Axes, chart: Chart, fonts: dict[str, str]) -> None:
    values = [bar.value for bar in chart.bars]
    places = range(len(values))
    rows = axes.barh(places, values, height=0.66, color=BLUE)
    axes.set_yticks(places, [_named(bar, number, fonts) for number, bar in enumerate(chart.bars, 1)])
    axes.invert_yaxis()
    axes.bar_label(rows, [_value(chart.unit, value) for value in values], color=INK, fontsize=9, padding=4)
    axes.set_xticks([])
    axes.set_xlim(0, max(values) * 1.16 or 1)
    axes.set_ylim(max(len(values), 3) - 0.4, -0.6)


def _named(bar: Bar, number: int, fonts: dict[str, str]) -> str:
    """A bar's number in the list and its name, as far as there are fonts for it."""
    drawable = "".join(character for character in bar.name if _has(fonts, character)).strip()
    name = drawable if len(drawable) <= LONGEST_NAME else drawable[: LONGEST_NAME - 1] + "…"
    return f"{name}  {number}" if name else str(number)


def _value(unit: Unit, value: float) -> str:
    if unit is Unit.REQUESTS:
        return f"{value:,.0f}"
    return DIGITS.money(round(value * NANO))


def _fonts() -> dict[str, str]:
    """The files of the fonts of this machine, by family."""
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return {
        family: font_manager.findfont(FontProperties(family=family)) for family in FAMILIES if family in known
    }


def _has(fonts: dict[str, str], character: str) -> bool:
    """Whether any of the fonts has a character."""
    return any(get_font(file).get_char_index(ord(character)) for file in fonts.values())


def main() -> None:
    """Draw what comes in."""
    chart = Chart.load(sys.stdin.buffer.read())
    picture = BytesIO()
    figure(chart).savefig(picture, format="png")
    sys.stdout.buffer.write(picture.getvalue())


if __name__ == "__main__":
    main()
