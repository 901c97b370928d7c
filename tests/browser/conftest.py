import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chat import Chat
from tests.browser.demo import Demo

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, with a profile of its own that Playwright removes."""
    if CHROMIUM is None:
        reason = "Chromium is not installed: apt-get install chromium"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def arguments() -> tuple[str, ...]:
    """What `python -m bot demo` is given besides."""
    return ()


@pytest.fixture
def longest_answer() -> int:
    """Tokens; the embedded model would rather go on and on, and shares its processor with the browser."""
    return 80


@pytest.fixture
def demo(tmp_path: Path, arguments: tuple[str, ...], longest_answer: int) -> Iterator[Demo]:
    with Demo.running(tmp_path, arguments, MAX_ANSWER_TOKENS=str(longest_answer)) as running:
        yield running


@pytest.fixture
def chat(browser: Browser, demo: Demo) -> Iterator[Chat]:
    # The page forbids scripts made from text, which is what the browser's driver sends.
    context = browser.new_context(viewport={"width": 1100, "height": 760}, bypass_csp=True)
    page = context.new_page()
    page.goto(demo.url)
    yield Chat(page)
    context.close()
