"""The README's pictures: `python -m tools.screenshots` takes them anew from the real demo page.

It needs Chromium. The embedded model never says the same thing twice: look at the pictures before keeping
them.
"""

import asyncio
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, Page, sync_playwright

from bot.charts import Bar, Chart, Charts, Shape, Unit
from tests.browser.chat import Chat
from tests.browser.conftest import FLAGS
from tests.browser.demo import Demo

IMAGES = Path(__file__).parents[1] / "docs" / "images"
FIRST_QUESTION = "What is photosynthesis?"
REMARK = "Thanks. Now for the leaflet at the plant table:"
QUESTION = "Give me three tips for growing tomatoes"


def take(chromium: Browser, demo: Demo) -> None:
    """Use the demo as a visitor would, and take every picture on the way."""
    desktop = chromium.new_context(
        viewport={"width": 960, "height": 720}, device_scale_factor=2, bypass_csp=True
    ).new_page()
    desktop.goto(demo.url)
    chat = Chat(desktop)

    chat.use("ask", question=FIRST_QUESTION)
    chat.wait_for_answer()
    chat.say(REMARK)
    chat.use("ask", question=QUESTION)
    chat.wait_for_answer()
    keep(desktop, "answer.png")

    admin = chromium.new_context(
        viewport={"width": 720, "height": 1040}, device_scale_factor=2, bypass_csp=True
    ).new_page()
    admin.goto(demo.url)
    Chat(admin).use("settings panel")
    keep(admin, "panel.png")


async def draw_example() -> None:
    """Draw a chart of a month that never was."""
    random = Random(7)  # noqa: S311 - a picture
    first = date(2026, 5, 1)
    days = tuple(
        Bar((first + timedelta(days=day)).isoformat(), round(random.lognormvariate(-1.2, 0.6), 2))
        for day in range(30)
    )
    (IMAGES / "usage.png").write_bytes(await Charts().draw(Chart(Shape.COLUMNS, Unit.DOLLARS, days)))


def keep(page: Page, name: str) -> None:
    """Take a picture of the conversation when all of it is drawn."""
    page.mouse.move(0, 0)
    page.evaluate("() => document.fonts.ready")
    page.locator("#channel-layout").screenshot(path=IMAGES / name, animations="disabled")
    print(IMAGES / name)


def main() -> int:
    """Take the pictures; return the exit code."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Demo.running(Path(folder)) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        take(browser, demo)
        browser.close()
    asyncio.run(draw_example())
    return 0


if __name__ == "__main__":
    sys.exit(main())
