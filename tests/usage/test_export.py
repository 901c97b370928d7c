"""Files of rows: whole, in order, and never larger than Discord takes."""

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from bot.domain import Ending
from bot.files import MOST_PARTS, TooLarge, in_parts
from bot.store import UsageRow
from bot.store.usage_days import Span
from bot.usage import export as exported
from bot.usage.export import Format, encoded, header, pages
from tests.limits.world import GUILD, START, World, world
from tests.support.databases import Database

PLENTY = 10_000_000


async def written(
    rows: AsyncIterator[Sequence[UsageRow]], form: Format, folder: Path, most_bytes: int
) -> list[Path]:
    chunks = encoded(rows, form)
    return await in_parts(chunks, f"usage.{form}", folder, most_bytes, header(form).encode())


async def settled(opened: World, count: int) -> list[int]:
    ids = []
    for _ in range(count):
        request = await opened.admitted()
        await opened.ledger.settle(request.id, Ending.STOPPED)
        ids.append(request.id)
    return ids


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "PAGE_ROWS", 4)


@pytest.mark.usefixtures("_small_pages")
@pytest.mark.parametrize("count", [0, 3, 4, 9])
async def test_pages_have_every_row_in_order(database: Database, count: int) -> None:
    async with world(database) as opened:
        ids = await settled(opened, count)
        found = [row.id async for page in pages(opened.store, GUILD, Span(START)) for row in page]
        assert found == ids


@pytest.mark.usefixtures("_small_pages")
async def test_a_small_file_is_plain(database: Database, tmp_path: Path) -> None:
    async with world(database) as opened:
        ids = await settled(opened, 9)
        rows = pages(opened.store, GUILD, Span(START))
        [path] = await written(rows, Format.JSON_LINES, tmp_path, PLENTY)
        assert path.name == "usage.jsonl"
        assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ids


async def test_without_rows_there_is_no_file(database: Database, tmp_path: Path) -> None:
    async with world(database) as opened:
        await settled(opened, 1)
        rows = pages(opened.store, GUILD, Span(START + timedelta(days=1)))
        assert await written(rows, Format.CSV, tmp_path, PLENTY) == []


async def varied(page: Sequence[UsageRow], times: int) -> AsyncIterator[Sequence[UsageRow]]:
    """Pages that cannot be compressed much."""
    random = Random(1)
    for _ in range(times):
        yield [replace(row, id=random.getrandbits(62), user_id=random.getrandbits(62)) for row in page]


async def rows_of(database: Database) -> Sequence[UsageRow]:
    async with world(database) as opened:
        await settled(opened, 40)
        [page] = [page async for page in pages(opened.store, GUILD, Span(START))]
        return page


async def test_a_large_one_is_compressed_in_parts_that_each_read_alone(
    database: Database, tmp_path: Path
) -> None:
    page, most = await rows_of(database), 20_000
    paths = await written(varied(page, 30), Format.CSV, tmp_path, most)
    assert 1 < len(paths) <= MOST_PARTS
    assert all(path.stat().st_size <= most for path in paths)
    found = []
    for path in paths:
        head, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        assert head.startswith("id,asked_at,")
        found += lines
    assert len(found) == 30 * 40


async def test_too_many_parts_are_refused(database: Database, tmp_path: Path) -> None:
    page = await rows_of(database)
    with pytest.raises(TooLarge):
        await written(varied(page, 400), Format.CSV, tmp_path, 20_000)
