"""Charts are drawn beside the bot, whatever is in them, and a fault there stays there."""

import colorsys
import os
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

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
        rows("$_$", "$^$ Bob", "a $$ b", "$\\bogus$", "\\$_$", "#$_$"),
        rows("Ana", "小明", "🦦🦦", "$math_{x}^2$", "\\frac", "\u202eنص", "a\nb", "\x00", "x" * 500),
    ],
    ids=["one day", "nothing", "dollar signs", "names"],
)
async def test_any_chart_is_drawn(chart: Chart) -> None:
    assert Chart.load(chart.dump()) == chart
    assert (await Charts().draw(chart)).startswith(PNG)


def luminance(colour: tuple[int, ...]) -> float:
    """As WCAG 2 reckons it, from 0 to 1."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_can_be_read_on_a_dark_background_and_without_telling_colours_apart() -> None:
    many = Chart(Shape.COLUMNS, Unit.DOLLARS, tuple(Bar(f"2026-05-{day:02}", 1.0) for day in range(1, 31)))
    for chart in (many, rows("Ana", "Ben")):
        pixels = iter(Image.open(BytesIO(await Charts().draw(chart))).convert("RGB").tobytes())
        counted = Counter(zip(pixels, pixels, pixels, strict=True))
        (background, _), (bars, _) = counted.most_common(2)
        assert luminance(background) < 0.05
        # WCAG 2: 3 to 1 for what is no text, 7 to 1 for text.
        assert (luminance(bars) + 0.05) / (luminance(background) + 0.05) > 3
        ink = max(counted, key=luminance)
        assert (luminance(ink) + 0.05) / (luminance(background) + 0.05) > 7
        # One hue: what is shown is shown by length alone.
        vivid = [colour for colour in counted if counted[colour] > 100 and max(colour) - min(colour) > 40]
        assert len({round(colorsys.rgb_to_hsv(*colour)[0], 1) for colour in vivid}) == 1


def test_what_is_remembered_of_fonts_goes_with_the_process(tmp_path: Path) -> None:
    draw = f"""
import asyncio, os
from bot.charts import Chart, Charts
asyncio.run(Charts().draw(Chart.load({DAY.dump()!r})))
assert os.listdir({str(tmp_path)!r})
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", draw], cwd=ROOT, env=environment, check=True)
    assert not [*tmp_path.iterdir()]


async def test_a_drawer_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotDrawn):
        await Charts("bot.charts.no_such_module").draw(DAY)
    assert "exit code 1, 0 bytes, no known exception" in caplog.text


async def test_the_log_holds_no_name_that_could_not_be_drawn(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotDrawn):
        await Charts().draw(Chart(Shape.COLUMNS, Unit.REQUESTS, (Bar("Ana Lemon", 1.0),)))
    assert "exit code 1, 0 bytes, ValueError" in caplog.text
    assert "Lemon" not in caplog.text


async def test_a_drawer_that_takes_too_long_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotDrawn):
        await Charts(seconds=0.01).draw(DAY)
    assert "was not drawn within 0.01 seconds" in caplog.text


def test_the_bots_own_process_does_not_load_what_draws() -> None:
    script = "import sys, bot.app, cogs.usage; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, check=True)
