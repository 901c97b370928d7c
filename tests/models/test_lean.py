"""What the bot's own process does not load."""

import subprocess
import sys

import pytest

from bot.models.lean import without


def test_the_bot_loads_nothing_that_only_charts_or_another_database_need() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, bot.app, bot.__main__; print({'numpy', 'matplotlib', 'asyncpg'} & {*sys.modules})",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "set()"


def test_a_module_is_missing_only_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with without("this"), pytest.raises(ImportError):
        __import__("this")
    assert "this" not in sys.modules


def test_a_module_that_is_loaded_stays() -> None:
    with without("sys"):
        assert __import__("sys") is sys
    assert sys.modules["sys"] is sys
