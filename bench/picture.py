"""Draws how figures grow with the number of streams, as README shows it.

The colours are two of Okabe and Ito's, which colour-blind people tell apart as well, and each bot has a mark
and dashes of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"
BACKGROUND, INK, FAINT = "#ffffff", "#24292f", "#d8dee4"
STYLES = (("#0072b2", "o", "-"), ("#d55e00", "s", "--"))
"""Colour, mark and dashes, for each line in turn."""
WIDTH, HEIGHT, DPI = 10.5, 3.6, 160
"""Inches, and dots in each."""


class Scale(StrEnum):
    """How values lie on their axis, by matplotlib's names."""

    EVEN = "linear"
    BY_TENS = "log"


@dataclass(frozen=True, slots=True)
class Line:
    """One bot's values, by the number of streams."""

    name: str
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure, for every bot."""

    title: str
    unit: str
    lines: Sequence[Line]
    scale: Scale = Scale.EVEN


def figure(panels: Sequence[Panel]) -> Figure:
    """Draw them side by side, with one legend."""
    drawn = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=BACKGROUND, layout="constrained")
    many = drawn.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(many, panels, strict=True):
        _draw(axes, panel)
    drawn.supxlabel("streams at once, of 3 tokens a second each", fontsize=10, color=INK)
    drawn.legend(
        *many[0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=len(STYLES),
        frameon=False,
        handlelength=4,
        fontsize=10,
        labelcolor=INK,
    )
    return drawn


def _draw(axes: Axes, panel: Panel) -> None:
    counts = [streams for streams, _ in panel.lines[0].points]
    for line, (colour, mark, dashes) in zip(panel.lines, STYLES, strict=True):
        values = [value for _, value in line.points]
        axes.plot(counts, values, mark + dashes, color=colour, label=line.name, linewidth=2, clip_on=False)
    axes.set_title(f"{panel.title}, {panel.unit}", fontsize=11, color=INK, loc="left")
    axes.set_xscale("log")
    axes.set_xticks(counts, map(str, counts))
    axes.set_yscale(panel.scale)
    if panel.scale is Scale.EVEN:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=INK, length=0, labelsize=9)


def draw(panels: Sequence[Panel], path: Path = PICTURE) -> None:
    """Keep the picture."""
    figure(panels).savefig(path)
