"""Charts are drawn beside the bot, whatever is in them, and a fault there stays there."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.charts import Bar, Chart, Charts, NotDrawn, Shape, Unit

PNG = b"\x89PNG\r\n"
DAY = Chart(Shape.COLUMNS, Unit.DOLLARS, (Bar("2026-05-01", 0.5),))
ROOT = Path(__file__).parents[2]


def rows(*names: str) -> Chart:
    return Chart(Shape.ROWS, Unit.REQUESTS, tuple(Bar(name, 3.0) for name in names))


@pytest.mark.parametrize(
    "chart",
    [
        DAY,
        Chart(Shape.COLUMNS, Unit.REQUESTS, tuple(Bar(f"2026-05-{day:02}", 0.0) for day in range(1, 31))),
        rows("Ana", "小明", "🦦🦦", "$math_{x}^2$", "\\frac", "\u202eنص", "a\nb", "\x00", "x" * 500),
    ],
    ids=["one day", "nothing", "names"],
)
async def test_any_chart_is_drawn(chart: Chart) -> None:
    assert Chart.load(chart.dump()) == chart
    assert (await Charts().draw(chart)).startswith(PNG)


async def test_a_drawer_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotDrawn):
        await Charts("bot.charts.no_such_module").draw(DAY)
    assert "No module named bot.charts.no_such_module" in caplog.text


async def test_a_drawer_that_takes_too_long_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotDrawn):
        await Charts(seconds=0.01).draw(DAY)
    assert "was not drawn within 0.01 seconds" in caplog.text


def test_the_bots_own_process_does_not_load_what_draws() -> None:
    script = "import sys, bot.app, cogs.usage; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, check=True)
