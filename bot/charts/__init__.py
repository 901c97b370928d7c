"""Charts as pictures, each drawn in a process of its own: what draws needs 44 MB and half a second."""

from bot.charts.chart import Bar, Chart, Shape, Unit
from bot.charts.drawing import Charts, NotDrawn

__all__ = ["Bar", "Chart", "Charts", "NotDrawn", "Shape", "Unit"]
