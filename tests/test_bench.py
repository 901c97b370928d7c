"""The table of what is measured."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import measure
from bench.table import Row, table

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (Row("pause", 1.3, "s", 1.3), True),
        (Row("pause", 1.31, "s", 1.3), False),
        (Row("speed", 9.9, "MB/s", 10, at_most=False), False),
        (Row("speed", 10, "MB/s", 10, at_most=False), True),
        (Row("bare bot", 99, "MB", None), True),
        (Row("nothing measured", float("nan"), "s", 1.3), False),
        (Row("nothing measured", float("nan"), "MB/s", 10, at_most=False), False),
    ],
)
def test_a_row_holds_on_its_side_of_the_bar(row: Row, holds: bool) -> None:
    assert row.holds is holds


def test_the_table_lines_up_and_says_what_does_not_hold() -> None:
    rows = [
        Row("first text", 47.23, "ms", 50),
        Row("speed", 9.1, "MB/s", 10, at_most=False, note="one core"),
        Row("the bare bot", 1234.5, "ms", None),
    ]
    assert table(rows).splitlines() == [
        "| what         |    value |              bar | holds | note     |",
        "| ------------ | -------: | ---------------: | ----- | -------- |",
        "| first text   |  47.2 ms |    at most 50 ms | yes   |          |",
        "| speed        | 9.1 MB/s | at least 10 MB/s | NO    | one core |",
        "| the bare bot | 1,234 ms |                  |       |          |",
    ]


def test_chinese_takes_two_columns() -> None:
    chinese, english = table([Row("中文", 1, "s", None), Row("four", 1, "s", None)]).splitlines()[2:]
    assert chinese.replace("中文", "four") == english


def test_a_bench_may_be_a_coroutine_or_not() -> None:
    row = Row("first text", 1, "ms", 50)

    async def rows() -> list[Row]:
        return [row]

    assert measure(rows) == measure(lambda: [row]) == [row]


def test_an_unknown_bench_is_told_from_the_known() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert "no such bench: nonsense" in process.stderr
