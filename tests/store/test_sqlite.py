"""What only SQLite has: a file and its folder, backups of it, a thread, a write-ahead log."""

import asyncio
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.migrations import Migration, known_migrations
from bot.store.store import address_of
from tests.support.databases import sqlite_driver
from tests.support.patience import PATIENCE as LONGEST

PATIENCE = 0.2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "parlance.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{path}", patience=PATIENCE) as store:
        yield store


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.backup.db"))


async def set_one(transaction: Transaction) -> None:
    await transaction.run("set_mark", name="one", value="1")


class TestOpen:
    async def test_makes_the_file_and_its_folder(self, path: Path) -> None:
        async with Store.open(str(path)):
            assert rows(path, "SELECT name FROM marks") == []
            assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}

    async def test_waits_for_another_that_is_making_the_file(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.1, other.rollback)
            async with Store.open(str(path)) as store:
                await store.set_mark("one", "1")

    @pytest.mark.parametrize("url", ["", "mysql://x", "sqlite://", "sqlite:///:memory:", "postgresql://a b"])
    def test_refuses_what_names_no_database(self, url: str) -> None:
        with pytest.raises(ConfigError, match="DATABASE_URL: wants an address such as sqlite:///"):
            address_of(url)

    async def test_refuses_what_is_no_database(self, tmp_path: Path) -> None:
        text = tmp_path / "notes.txt"
        text.write_text("this is a text of some length, and no database at all" * 20)
        with pytest.raises(ConfigError, match="cannot be used as a database: file is not a database"):
            async with Store.open(str(text)):
                pass

    async def test_refuses_a_folder_and_a_path_through_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for url in (str(tmp_path), str(tmp_path / "file" / "parlance.db")):
            with pytest.raises(ConfigError, match="cannot be used as a database"):
                async with Store.open(url):
                    pass


class TestBackup:
    NUMBER = known_migrations()[-1].number + 1
    NEXT = Migration(NUMBER, "more", "CREATE TABLE more (id BIGINT);\nINSERT INTO more VALUES (7);")

    async def test_is_made_before_rows_are_changed(self, path: Path) -> None:
        async with Store.open(str(path)) as store:
            await store.set_mark("one", "1")
        assert backups(path) == []
        async with Store.open(str(path), migrations=(*known_migrations(), self.NEXT)) as store:
            assert await store.mark("one") == "1"
        (backup,) = backups(path)
        assert rows(backup, "SELECT name, value FROM marks") == [("one", "1")]
        assert rows(backup, "SELECT MAX(number) FROM migrations") == [(self.NUMBER - 1,)]
        assert rows(path, "SELECT id FROM more") == [(7,)]

    async def test_is_not_made_of_an_empty_one(self, path: Path) -> None:
        async with Store.open(str(path)):
            pass
        async with Store.open(str(path), migrations=(*known_migrations(), self.NEXT)):
            pass
        assert backups(path) == []

    async def test_copies_while_the_store_is_used(self, store: Store, tmp_path: Path) -> None:
        await store.set_mark("one", "1")
        copy = await store.backup(tmp_path / "copy.db")
        await store.set_mark("one", "2")
        assert rows(copy, "SELECT value FROM marks") == [("1",)]
        assert copy.stat().st_mode & 0o777 == 0o600

    async def test_goes_beside_the_database_by_default(self, store: Store, path: Path) -> None:
        assert [await store.backup()] == backups(path)

    async def test_never_overwrites(self, store: Store, tmp_path: Path) -> None:
        target = tmp_path / "there.db"
        target.touch()
        with pytest.raises(FileExistsError):
            await store.backup(target)


class TestWrite:
    async def test_a_caller_out_of_patience_is_not_committed_for(self, store: Store) -> None:
        go = threading.Event()

        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            go.wait()

        with pytest.raises(StoreUnavailable):
            await store.write(work)
        go.set()
        await sqlite_driver(store).close()
        assert await store.mark("one") is None

    async def test_a_long_queue_that_moves_is_no_reason_to_give_up(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            time.sleep(PATIENCE / 4)  # noqa: ASYNC251 - a statement that takes long
            await set_one(transaction)

        await asyncio.gather(*(store.write(work) for _ in range(8)))

    async def test_waits_for_nothing_but_its_queries(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            await asyncio.sleep(0)

        with pytest.raises(RuntimeError, match="something other than its queries"):
            await store.write(work)
        assert await store.mark("one") is None

    async def test_full_is_unavailable_and_leaves_nothing(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            await transaction.run("set_mark", name="long", value="x" * 1_000_000)

        await sqlite_driver(store).writer.execute("PRAGMA max_page_count = 30")
        with pytest.raises(StoreUnavailable) as caught:
            await store.write(work)
        assert "full" in str(caught.value.__cause__)
        assert await store.mark("one") is None

    async def test_goes_on_when_the_log_was_copied(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.store.sqlite.CHECKPOINT_EVERY", 2)
        for turn in range(6):
            await store.set_mark("turn", str(turn))
        assert await store.mark("turn") == "5"


def files(path: Path) -> list[Path]:
    """The database and what SQLite keeps beside it."""
    return sorted(path.parent.glob(path.name + "*"))


def move(path: Path, folder: Path) -> Path:
    """Move the database and what is beside it to a folder; return where it then is."""
    folder.mkdir(exist_ok=True)
    for file in files(path):
        file.rename(folder / file.name)
    return folder / path.name


def replace(path: Path, by: Path, old: Path) -> None:
    """Put another file where the database is, whose log and its index stay; the old one goes elsewhere."""
    path.rename(old)
    by.rename(path)


def delete(path: Path) -> None:
    for file in files(path):
        file.unlink()


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def contents(path: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in files(path)}


async def is_unavailable(store: Store) -> str:
    """See that nothing can be written or read; return why."""
    with pytest.raises(StoreUnavailable) as written:
        await store.write(set_one)
    with pytest.raises(StoreUnavailable) as read:
        await store.mark("one")
    assert written.value.reason == read.value.reason
    return written.value.reason


async def written_again(store: Store, name: str) -> None:
    """Write a mark as soon as it can be."""
    async with asyncio.timeout(LONGEST):
        while True:
            try:
                await store.set_mark(name, "1")
            except StoreUnavailable:
                await asyncio.sleep(0.02)
            else:
                return


class TestGone:
    async def test_takes_nothing_and_makes_nothing(self, store: Store, path: Path) -> None:
        await store.set_mark("zero", "1")
        delete(path)
        assert await is_unavailable(store) == "No such file or directory"
        with pytest.raises(StoreUnavailable):
            await store.backup(path.parent / "copy.db")
        path.parent.rmdir()
        assert await is_unavailable(store) == "No such file or directory"

    async def test_goes_on_when_it_is_moved_back(self, store: Store, path: Path, tmp_path: Path) -> None:
        away = move(path, tmp_path / "away")
        await is_unavailable(store)
        move(away, path.parent)
        await store.set_mark("two", "1")
        assert await store.mark("one") is None
        assert rows(path, "SELECT name FROM marks") == [("two",)]

    async def test_is_not_said_to_be_written_where_it_goes_meanwhile(
        self, store: Store, path: Path, tmp_path: Path
    ) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            move(path, tmp_path / "away")

        with pytest.raises(StoreUnavailable):
            await store.write(work)

    async def test_goes_on_with_a_backup(
        self, store: Store, path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        await store.set_mark("zero", "1")
        backup = await store.backup(tmp_path / "backup.db")
        await store.set_mark("lost", "1")
        delete(path)
        await is_unavailable(store)
        shutil.copy(backup, path)
        await written_again(store, "new")
        assert [await store.mark(name) for name in ("zero", "lost", "new")] == ["1", None, "1"]
        assert rows(path, "SELECT name FROM marks ORDER BY name") == [("new",), ("zero",)]
        assert f"another file was put in the place of {path}" in caplog.text

    async def test_goes_on_with_a_copy_and_its_log(self, store: Store, path: Path, tmp_path: Path) -> None:
        await store.set_mark("zero", "1")
        shutil.copytree(path.parent, tmp_path / "copy")
        delete(path)
        # What was committed last is in the copy's log alone.
        move(tmp_path / "copy" / path.name, path.parent)
        await written_again(store, "new")
        assert [await store.mark(name) for name in ("zero", "new")] == ["1", "1"]

    async def test_neither_file_is_given_the_others_log(
        self, store: Store, path: Path, tmp_path: Path
    ) -> None:
        backup = await store.backup(tmp_path / "backup.db")
        await store.set_mark("zero", "x" * 100_000)
        old = tmp_path / "old.db"
        replace(path, backup, old)
        await written_again(store, "new")
        assert await store.mark("new") == "1"
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert rows(path, "SELECT name FROM marks") == [("new",)]
        assert rows(old, "SELECT name FROM marks") == [("zero",)]

    @pytest.mark.parametrize("content", [b"", b"this is a text and no database at all" * 200])
    async def test_does_not_touch_what_is_no_database_of_ours(
        self, store: Store, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
    ) -> None:
        monkeypatch.setattr("bot.store.connection.STILL_SECONDS", 0)
        backup = await store.backup(tmp_path / "backup.db")
        delete(path)
        put(path, content)
        assert "database" in await is_unavailable(store)
        assert contents(path) == {path: content}
        backup.replace(path)
        await store.set_mark("new", "1")

    async def test_waits_until_it_is_copied_whole(
        self, store: Store, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backup = await store.backup(tmp_path / "backup.db")
        content = backup.read_bytes()
        delete(path)
        put(path, content[: len(content) // 2])
        assert await is_unavailable(store) == "another file is being put in its place"
        monkeypatch.setattr("bot.store.connection.STILL_SECONDS", 0)
        assert await is_unavailable(store) == "database disk image is malformed"
        put(path, content)
        await store.set_mark("new", "1")
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
