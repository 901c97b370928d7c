"""What every store does, on real databases of every kind, and the ways in which they are not there for us."""

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.errors import ConfigError
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.driver import T, Work
from bot.store.migrations import Migration, known_migrations
from tests.support.databases import Database

PATIENCE = 0.5


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with Store.open(database.url, patience=PATIENCE) as store:
        yield store


def clock() -> datetime:
    return datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


async def set_one(transaction: Transaction) -> None:
    await transaction.run("set_mark", name="one", value="1")


class TestOpen:
    async def test_makes_its_tables(self, database: Database) -> None:
        async with Store.open(database.url, clock) as store:
            assert await store.mark("one") is None
        assert await database.select("SELECT number, name, applied_at FROM migrations WHERE number = 1") == [
            (1, "0001_begin", 1778051289000)
        ]

    async def test_has_nothing_to_do_the_second_time(self, database: Database) -> None:
        for _ in range(2):
            async with Store.open(database.url, clock) as store:
                await store.set_mark("one", "1")
        assert len(await database.select("SELECT number FROM migrations")) == len(known_migrations())

    async def test_several_at_once_migrate_it_once(self, database: Database) -> None:
        async def open_it() -> None:
            async with Store.open(database.url):
                pass

        await asyncio.gather(*(open_it() for _ in range(4)))
        assert len(await database.select("SELECT number FROM migrations")) == len(known_migrations())

    async def test_waits_for_another_that_is_making_it(self, database: Database) -> None:
        async with Store.open(database.url):
            pass
        async with database.locked():
            opening = asyncio.create_task(self.opened(database))
            await asyncio.sleep(PATIENCE / 4)
            assert not opening.done()
        await opening

    async def opened(self, database: Database) -> None:
        async with Store.open(database.url) as store:
            await store.set_mark("one", "1")

    async def test_lets_later_errors_pass(self, database: Database) -> None:
        with pytest.raises(StoreUnavailable):
            async with Store.open(database.url):
                raise StoreUnavailable


class TestMigrations:
    NUMBER = known_migrations()[-1].number + 1
    NEXT = Migration(NUMBER, "more", "CREATE TABLE more (id BIGINT);\nINSERT INTO more VALUES (7);")

    async def test_the_next_keeps_what_is_there(self, database: Database) -> None:
        async with Store.open(database.url) as store:
            await store.set_mark("one", "1")
        async with Store.open(database.url, migrations=(*known_migrations(), self.NEXT)) as store:
            assert await store.mark("one") == "1"
        assert await database.select("SELECT id FROM more") == [(7,)]

    async def test_one_that_fails_leaves_nothing(self, database: Database) -> None:
        broken = Migration(
            self.NUMBER, "broken", "CREATE TABLE more (id BIGINT);\nCREATE TABLE usage (id BIGINT);"
        )
        with pytest.raises(ConfigError, match=r'"?usage"? already exists'):
            async with Store.open(database.url, migrations=(*known_migrations(), broken)):
                pass
        assert await database.select("SELECT MAX(number) FROM migrations") == [(self.NUMBER - 1,)]
        async with Store.open(database.url, migrations=(*known_migrations(), self.NEXT)):
            assert await database.select("SELECT id FROM more") == [(7,)]

    async def test_refuses_a_newer_database(self, database: Database) -> None:
        async with Store.open(database.url, migrations=(*known_migrations(), self.NEXT)):
            pass
        with pytest.raises(ConfigError) as caught:
            async with Store.open(database.url):
                pass
        (fault,) = caught.value.faults
        wrote = "DATABASE_URL: a newer version of the bot wrote this database"
        assert fault.startswith(f"{wrote} (migration {self.NUMBER};")

    def test_are_numbered_without_a_gap(self) -> None:
        numbers = [migration.number for migration in known_migrations()]
        assert numbers == list(range(1, len(numbers) + 1))


class TestMarks:
    async def test_are_remembered_and_replaced(self, store: Store) -> None:
        assert await store.mark("commands") is None
        await store.set_mark("commands", "a")
        await store.set_mark("commands", "b")
        assert await store.mark("commands") == "b"


class TestWrite:
    async def test_an_error_leaves_nothing(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            raise LookupError

        with pytest.raises(LookupError):
            await store.write(work)
        assert await store.mark("one") is None
        await store.write(set_one)

    async def test_a_caller_who_is_cancelled_leaves_it_whole(self, store: Store) -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def work(transaction: Transaction) -> None:
            loop.call_soon_threadsafe(begun.set)
            await set_one(transaction)
            await transaction.run("set_mark", name="two", value="2")

        task = asyncio.create_task(store.write(work))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.set_mark("three", "3")
        assert [await store.mark(name) for name in ("one", "two", "three")] == ["1", "2", "3"]

    async def test_locked_by_another_it_gives_up_and_is_not_done_later(
        self, store: Store, database: Database
    ) -> None:
        async with database.locked():
            with pytest.raises(StoreUnavailable):
                await asyncio.gather(store.write(set_one), store.set_mark("two", "2"))
        await store._driver.close()
        assert await store.mark("one") is None
        assert await store.mark("two") is None
        await store.write(set_one)
        assert await store.mark("one") == "1"

    async def test_it_gives_up_after_two_seconds_where_nobody_said_otherwise(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[float] = []
        async with Store.open(database.url) as store:
            write = store._driver.write

            async def heard(work: Work[T], patience: float) -> T:
                asked.append(patience)
                return await write(work, patience)

            monkeypatch.setattr(store._driver, "write", heard)
            await store.set_mark("one", "1")
        assert asked == [2.0]

    async def test_a_long_queue_that_moves_is_no_reason_to_give_up(self, database: Database) -> None:
        patience, clock = 1.0, asyncio.get_running_loop().time

        async def work(transaction: Transaction) -> None:
            for _ in range(10):
                await set_one(transaction)

        async with Store.open(database.url, patience=patience) as store, asyncio.timeout(120):
            began = clock()
            await asyncio.gather(*(store.write(work) for _ in range(40)))
            # However fast the machine is, the last of these waits for longer than the store has patience.
            count = math.ceil(40 * 2 * patience / (clock() - began))
            await asyncio.gather(*(store.write(work) for _ in range(count)))

    async def test_each_sees_what_was_written_before(self, store: Store, database: Database) -> None:
        async def work(transaction: Transaction) -> None:
            row = await transaction.row("mark", name="count")
            await transaction.run("set_mark", name="count", value=str(1 + int(row["value"] if row else 0)))

        async with Store.open(database.url) as second, Store.open(database.url) as third:
            await asyncio.gather(*(each.write(work) for each in (store, second, third) for _ in range(20)))
        assert await store.mark("count") == "60"

    async def test_waits_for_its_turn_after_another_process(self, store: Store, database: Database) -> None:
        async with database.locked():
            waiting = asyncio.create_task(store.write(set_one))
            await asyncio.sleep(PATIENCE / 4)
            assert not waiting.done()
        await waiting
        assert await store.mark("one") == "1"

    async def test_read_only_is_unavailable(self, store: Store, database: Database) -> None:
        await database.refuse_writes(store)
        with pytest.raises(StoreUnavailable) as caught:
            await store.write(set_one)
        assert "read" in str(caught.value.__cause__)
        await database.accept_writes(store)
        await store.write(set_one)

    async def test_a_mistake_in_a_statement_is_not_hidden(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            await transaction.run("clear_limit", id="not a number" * 20, more=1)
            await transaction.run("begin_prediction")

        with pytest.raises(Exception) as caught:  # noqa: PT011 - each driver has its own
            await store.write(work)
        assert not isinstance(caught.value, StoreUnavailable)
        assert await store.mark("one") is None


class TestRead:
    async def test_goes_on_while_another_writes(self, store: Store, database: Database) -> None:
        await store.write(set_one)
        async with database.locked():
            assert await store.mark("one") == "1"

    async def test_cannot_write(self, store: Store) -> None:
        with pytest.raises(StoreUnavailable):
            await store.read(set_one)
        assert await store.mark("one") is None
