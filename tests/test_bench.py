"""The table of what is measured."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from bench.__main__ import benches, measure
from bench.driving import Asked
from bench.growth import LONGEST_WAIT, Round
from bench.picture import Line, Panel, Scale, figure
from bench.restart import went_on_at
from bench.search import highest
from bench.table import Row, table
from tests.wire.discord_world import Message, Version, World

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


@pytest.mark.parametrize("name", ["nonsense", "search"])
def test_what_measures_nothing_is_told_from_the_benches(name: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "bench", name], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert f"no such bench: {name}" in process.stderr


def test_the_bench_that_make_help_names_is_one() -> None:
    named = re.search(r'ARGS="(\w+)" for one bench', (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert named is not None
    assert named[1] in benches()


@pytest.mark.parametrize("most", [0, 3, 39, 40, 41, 79, 100, 159, 160, 300, 1000])
async def test_the_highest_that_holds_is_found_with_few_tries(most: int) -> None:
    tried: list[int] = []

    async def holds(number: int) -> bool:
        tried.append(number)
        return number <= most

    found = await highest(holds, first=40, ceiling=300, steps=10)
    assert found == min(most, 300)
    assert max(tried) <= 300
    assert len(tried) == len(set(tried)) <= 4 + 8


async def test_the_search_stops_where_it_is_close_enough() -> None:
    tried: list[int] = []

    async def holds(number: int) -> bool:
        tried.append(number)
        return number <= 130

    assert await highest(holds, first=40, ceiling=640, steps=2) == 120
    assert tried == [40, 80, 160, 120, 140]


@pytest.mark.parametrize(
    ("round_", "sustained"),
    [
        (Round(8, 8, LONGEST_WAIT, 0.1, LONGEST_WAIT, 0.03), True),
        (Round(8, 7, 1.0, 0.1, 1.0, 0.03), False),
        (Round(8, 8, LONGEST_WAIT + 0.1, 0.1, 1.0, 0.03), False),
        (Round(8, 8, 1.0, 0.1, LONGEST_WAIT + 0.1, 0.03), False),
    ],
)
def test_streams_are_sustained_while_nobody_waits_long(round_: Round, sustained: bool) -> None:
    assert round_.is_sustained is sustained


@pytest.mark.parametrize(("since", "at"), [(0.0, 1.0), (2.0, 2.0), (2.5, 4.0), (5.0, float("inf"))])
def test_an_answer_goes_on_with_its_next_change(since: float, at: float) -> None:
    world = World()
    channel = world.dm_channel(world.add_user("somebody"))
    messages = [Message(world.mint(), channel, world.bot) for _ in range(2)]
    messages[0].versions += [Version(1.0, "The"), Version(4.0, "The sea")]
    messages[1].versions += [Version(2.0, "is"), Version(4.5, "is wide")]
    assert went_on_at(Asked(0, [], 0.0, lambda: messages), since) == at


def test_the_picture_has_a_line_for_each_bot_in_every_panel() -> None:
    ours, bare = Line("the bot", [(1, 0.01), (400, 0.5)]), Line("the bare bot", [(1, 0.005), (400, 20)])
    panels = [Panel("Pause", "s", [ours, bare]), Panel("First text", "s", [ours, bare], Scale.BY_TENS)]
    drawn = figure(panels)
    for axes in drawn.axes:
        assert [line.get_label() for line in axes.get_lines()] == ["the bot", "the bare bot"]
        values = [list(cast("Iterable[float]", line.get_ydata())) for line in axes.get_lines()]
        assert values == [[0.01, 0.5], [0.005, 20]]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "400"]
    assert [axes.get_yscale() for axes in drawn.axes] == ["linear", "log"]
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["the bot", "the bare bot"]
