"""What was measured is kept, and the README says the same."""

from pathlib import Path

import pytest

from bench.results import keep, read
from bench.table import Row
from tools.figures import BEGIN, END, written

PAUSE, SPEED = Row("pause", 1.2, "s", 1.3), Row("speed", 9, "MB/s", 10, at_most=False, note="one core")


def test_a_bench_replaces_its_own_rows_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert read(path) == {}
    keep({"streams": [SPEED], "splitting": [SPEED]}, path)
    keep({"streams": [PAUSE]}, path)
    assert read(path) == {"splitting": [SPEED], "streams": [PAUSE]}


def test_the_readme_shows_every_row_and_keeps_the_rest() -> None:
    results = {"streams": [PAUSE, Row("the bare bot", 3, "s", None)]}
    readme = written(f"above\n{BEGIN}\nstale\n{END}\nbelow\n", results)
    assert "| pause " in readme
    assert "| the bare bot " in readme
    assert "stale" not in readme
    assert readme.startswith("above\n")
    assert readme.endswith("\nbelow\n")
    assert written(readme, results) == readme


def test_a_readme_without_markers_is_told() -> None:
    with pytest.raises(ValueError, match="markers"):
        written("nothing here", {})
