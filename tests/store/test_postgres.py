"""What only PostgreSQL can do: to be a server that is away, refuses, stalls or is used by others as well."""

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from bot.address import PostgresAddress, located
from bot.errors import ConfigError
from bot.store import Store, StoreUnavailable, Transaction, postgres
from bot.store.condition import Condition, condition
from tests.support.databases import PostgresDatabase
from tests.support.postgres import ESCAPED, PASSWORD, Server, free_port
from tests.support.stalling import Stalling, stalling

PATIENCE = 0.6


@pytest.fixture
async def database(server: Server) -> AsyncIterator[PostgresDatabase]:
    name = await server.create()
    yield PostgresDatabase(server, name)
    await server.drop(name)


@pytest.fixture
async def store(database: PostgresDatabase) -> AsyncIterator[Store]:
    async with Store.open(database.url, patience=PATIENCE) as store:
        yield store


async def set_one(transaction: Transaction) -> None:
    await transaction.run("set_mark", name="one", value="1")


async def caught(store: Store) -> BaseException:
    """Try to write; return why it could not be."""
    with pytest.raises(StoreUnavailable) as unavailable:
        await store.write(set_one)
    assert unavailable.value.__cause__ is not None
    return unavailable.value.__cause__


class TestOpen:
    async def fault(self, url: str) -> str:
        with pytest.raises(ConfigError) as wrong:
            async with Store.open(url):
                pass
        (fault,) = wrong.value.faults
        everything = "".join(traceback.format_exception(wrong.value))
        assert PASSWORD not in everything
        assert ESCAPED not in everything
        with pytest.raises(ConfigError) as again:
            await condition(url)
        assert again.value.faults == (fault,)
        return fault

    async def test_a_wrong_password_is_told_without_it(self, database: PostgresDatabase) -> None:
        fault = await self.fault(database.url.replace(ESCAPED, ESCAPED + "%21"))
        port = database.server.port
        assert fault.startswith(
            f"DATABASE_URL: postgresql://parlance@127.0.0.1:{port}/{database.name} cannot"
        )
        assert 'password authentication failed for user "parlance"' in fault

    async def test_the_password_may_come_from_elsewhere(
        self, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        async with Store.open(database.url.replace(f":{ESCAPED}", "")) as store:
            await store.write(set_one)

    async def test_a_database_that_is_not_there(self, server: Server) -> None:
        assert 'database "nothing" does not exist' in await self.fault(server.url("nothing"))

    async def test_a_server_that_is_not_there(self) -> None:
        fault = await self.fault(f"postgresql://parlance:{ESCAPED}@127.0.0.1:{free_port()}/parlance")
        assert "Connect call failed" in fault

    async def test_a_server_that_does_not_answer(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "CONNECT_SECONDS", 0.2)
        async with stalling(server.port) as way:
            way.open.clear()
            fault = await self.fault(f"postgresql://parlance:{ESCAPED}@127.0.0.1:{way.port}/parlance")
        assert "does not answer in time" in fault

    async def test_an_option_that_does_not_exist(self, database: PostgresDatabase) -> None:
        assert 'unrecognized configuration parameter "colour"' in await self.fault(
            database.url + "?colour=red"
        )
        assert "sslmode" in await self.fault(database.url + "?sslmode=perhaps")

    async def test_no_right_to_make_tables(self, database: PostgresDatabase) -> None:
        await database.execute("ALTER SCHEMA public OWNER TO postgres")
        assert "permission denied" in await self.fault(database.url)

    async def test_what_is_there_is_told(self, database: PostgresDatabase) -> None:
        assert await condition(database.url) is Condition.ABSENT
        assert await database.select("SELECT 1 FROM pg_tables WHERE tablename = 'migrations'") == []
        async with Store.open(database.url):
            pass
        assert await condition(database.url) is Condition.CURRENT
        await database.execute("INSERT INTO migrations VALUES (9999, 'later', 0)")
        assert await condition(database.url) is Condition.AHEAD


async def test_a_backup_is_made_with_its_own_tool(store: Store, database: PostgresDatabase) -> None:
    with pytest.raises(ConfigError) as told:
        await store.backup()
    (sentence,) = told.value.faults
    assert sentence.endswith(f"pg_dump --format=custom --file=parlance.dump '{located(database.url)}'")


class TestAway:
    async def test_it_goes_and_comes_back(self, store: Store, server: Server) -> None:
        await store.write(set_one)
        server.stop()
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.set_mark("two", "2")
            with pytest.raises(StoreUnavailable):
                await store.mark("one")
        server.launch()
        assert await server.answers()
        await store.set_mark("two", "2")
        assert [await store.mark("one"), await store.mark("two")] == ["1", "2"]

    async def test_it_ends_a_connection_in_the_middle(self, store: Store, database: PostgresDatabase) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            await database.disconnect()
            await transaction.run("set_mark", name="two", value="2")

        with pytest.raises(StoreUnavailable):
            await store.write(work)
        assert await store.mark("one") is None
        await store.write(set_one)

    async def test_too_many_connections(self, store: Store, database: PostgresDatabase) -> None:
        await database.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT 0")
        await database.disconnect()
        assert isinstance(await caught(store), asyncpg.TooManyConnectionsError)
        with pytest.raises(ConfigError, match="too many connections"):
            async with Store.open(database.url):
                pass
        connection = await database.server.connect()
        await connection.execute(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
        await connection.close()
        await store.write(set_one)

    async def test_its_disk_is_full(self, store: Store, database: PostgresDatabase) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            await transaction.script("INSERT INTO usage (id) VALUES (1)")

        await database.run_full(store)
        with pytest.raises(StoreUnavailable) as unavailable:
            await store.write(work)
        assert isinstance(unavailable.value.__cause__, asyncpg.DiskFullError)
        assert await store.mark("one") is None

    @asynccontextmanager
    async def on_the_way(self, database: PostgresDatabase) -> AsyncIterator[tuple[Store, Stalling]]:
        async with stalling(database.server.port) as way:
            url = database.url.replace(f":{database.server.port}/", f":{way.port}/")
            async with Store.open(url, patience=PATIENCE) as store:
                yield store, way

    async def test_nothing_arrives_any_more(
        self, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "READ_SECONDS", 0.3)
        monkeypatch.setattr(postgres, "CONNECT_SECONDS", 0.3)
        async with self.on_the_way(database) as (store, way):
            await store.write(set_one)
            await store.mark("one")
            way.open.clear()
            with pytest.raises(StoreUnavailable):
                await store.set_mark("one", "2")
            with pytest.raises(StoreUnavailable):
                await store.mark("one")
            way.open.set()
            assert await store.mark("one") in {"1", "2"}
            await store.set_mark("one", "3")
            assert await store.mark("one") == "3"

    async def test_nothing_arrives_when_it_is_closed(
        self, database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "CLOSE_SECONDS", 0.2)
        async with asyncio.timeout(60), self.on_the_way(database) as (store, way):
            await store.write(set_one)
            way.open.clear()


class TestTimeLimits:
    async def test_one_that_stands_still_does_not_hold_up_the_others(
        self, store: Store, database: PostgresDatabase
    ) -> None:
        async def write_elsewhere() -> None:
            async with Store.open(database.url) as other:
                await other.set_mark("three", "3")

        other = threading.Thread(target=asyncio.run, args=(write_elsewhere(),))

        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            # A process that hangs, until the other one is through.
            other.start()
            other.join()
            await transaction.run("set_mark", name="two", value="2")

        with pytest.raises(StoreUnavailable) as unavailable:
            await store.write(work)
        assert "idle-in-transaction" in unavailable.value.reason
        assert [await store.mark(name) for name in ("one", "two", "three")] == [None, None, "3"]

    async def test_one_that_is_ended_just_as_it_goes_on(self, database: PostgresDatabase) -> None:
        """What asyncpg raises depends on the moment; what the caller hears does not."""
        patience, moments = 0.2, 30
        heard = 0
        async with Store.open(database.url, patience=patience) as store:
            for moment in range(moments):

                async def work(transaction: Transaction, moment: int = moment) -> None:
                    await set_one(transaction)
                    # Around the time at which the server ends it for standing still.
                    await asyncio.sleep(patience / 2 - 0.003 + moment * 0.0004)
                    await set_one(transaction)

                try:
                    await store.write(work)
                except StoreUnavailable:
                    heard += 1
        assert heard

    async def test_a_statement_that_takes_too_long_is_ended(
        self, store: Store, database: PostgresDatabase
    ) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            await transaction.script("SELECT pg_sleep(60)")

        with pytest.raises(StoreUnavailable):
            await store.write(work)
        await store.set_mark("two", "2")
        assert await store.mark("one") is None

    async def test_a_read_that_takes_too_long_is_ended(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "READ_SECONDS", 0.2)

        async def work(transaction: Transaction) -> None:
            await transaction.script("SELECT pg_sleep(60)")

        with pytest.raises(StoreUnavailable) as unavailable:
            await store.read(work)
        assert isinstance(unavailable.value.__cause__, asyncpg.QueryCanceledError)

    async def test_reads_do_not_hold_up_writes(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.script("SELECT pg_sleep(1.5)")

        reads = [asyncio.create_task(store.read(work)) for _ in range(postgres.READERS)]
        await store.write(set_one)
        assert not any(read.done() for read in reads)
        await asyncio.gather(*reads)


def test_what_says_that_the_server_is_away() -> None:
    away = (asyncpg.InternalClientError(), asyncpg.InterfaceError(""), asyncpg.DiskFullError(), OSError())
    assert all(postgres.is_away(error) for error in away)
    ours = (asyncpg.UndefinedTableError(), asyncpg.OutdatedSchemaCacheError(""), ValueError())
    assert not any(postgres.is_away(error) for error in ours)


class TestOthers:
    async def test_a_deadlock_with_somebody_else_is_tried_again(self, database: PostgresDatabase) -> None:
        await database.execute(f"ALTER DATABASE {database.name} SET deadlock_timeout = '300ms'")
        tries = 0
        async with Store.open(database.url) as store:
            await store.set_mark("one", "0")
            await store.set_mark("two", "0")
            other = await database.server.connect(database.name)
            await other.execute("SET deadlock_timeout = '60s'")
            await other.execute("BEGIN; UPDATE marks SET value = '9' WHERE name = 'two'")
            theirs: asyncio.Task[str] | None = None

            async def work(transaction: Transaction) -> None:
                nonlocal tries, theirs
                tries += 1
                await set_one(transaction)
                if theirs is None:
                    theirs = asyncio.create_task(
                        other.execute("UPDATE marks SET value = '9' WHERE name = 'one'; COMMIT")
                    )
                await transaction.run("set_mark", name="two", value="2")

            await store.write(work)
            assert theirs is not None
            await theirs
            await other.close()
            assert tries > 1
            assert [await store.mark("one"), await store.mark("two")] == ["1", "2"]

    async def test_a_table_changed_meanwhile_is_read_again(
        self, store: Store, database: PostgresDatabase
    ) -> None:
        async def work(transaction: Transaction) -> object:
            return await transaction.row("usage_row", id=1)

        assert await store.write(work) is None
        assert await store.read(work) is None
        await database.execute("ALTER TABLE usage ADD COLUMN more BIGINT")
        assert await store.write(work) is None
        assert await store.read(work) is None


class TestQueries:
    async def test_sums_of_whole_numbers_are_whole(self, store: Store) -> None:
        async def work(transaction: Transaction) -> object:
            row = await transaction.row("used_by_all", command=None, window_start=0, window_end=1, but=0)
            assert row is not None
            return type(row["tokens"])

        assert await store.read(work) is int

    async def test_a_text_with_nul_is_kept_without_it(self, store: Store) -> None:
        await store.set_mark("one", "a\0b")
        assert await store.mark("one") == "a\ufffdb"

    async def test_one_that_failed_is_not_passed_over(self, store: Store) -> None:
        async def work(transaction: Transaction) -> None:
            await set_one(transaction)
            with suppress(asyncpg.UniqueViolationError):
                await transaction.run("record_migration", number=1, name="", applied_at=0)

        with pytest.raises(RuntimeError, match="had failed"):
            await store.write(work)
        assert await store.mark("one") is None

    async def test_a_mistake_keeps_the_connection(self, store: Store) -> None:
        async def work(transaction: Transaction) -> object:
            return await transaction.row("usage_row", id="one")

        pids = set()
        for _ in range(3):
            with pytest.raises(asyncpg.DataError):
                await store.write(work)
            pids.add(await store.write(backend))
        assert len(pids) == 1


async def backend(transaction: Transaction) -> int:
    pid: int = transaction._connection.get_server_pid()  # type: ignore[attr-defined] # asyncpg's
    return pid


def test_an_address_shows_no_password() -> None:
    address = located("postgres://bot:pass@h/d")
    assert isinstance(address, PostgresAddress)
    assert "pass@" not in f"{address} {address!r}"
