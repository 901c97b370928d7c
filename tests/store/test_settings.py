"""What admins choose, and who chose it, on every kind of database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from bot.choices import Choices
from bot.domain import Command, Place, Setting
from bot.store import Store, Transaction
from bot.store.audit import AuditRow, Change, ChangedMeanwhile, ChangeKind, Json, audit_page, stamp
from bot.store.settings import change_setting, choices_in, choices_reaching
from tests.support.databases import Database

GUILD, CHANNEL, OTHER = 7, 9, 10
ANA, BEN = 1, 2
NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
numbers = count(1)


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with Store.open(database.url) as store:
        yield store


def change(
    setting: Setting,
    after: Json,
    *,
    channel: int | None = None,
    user: int = ANA,
    seen: str | None = None,
    guild: int = GUILD,
) -> Change:
    place, place_id = (Place.GUILD, guild) if channel is None else (Place.CHANNEL, channel)
    return Change(
        next(numbers), guild, user, NOW, ChangeKind.SETTING, place, place_id, setting.value, after, seen
    )


async def made(store: Store, wanted: Change) -> bool:
    async def work(transaction: Transaction) -> bool:
        return await change_setting(transaction, wanted)

    return await store.write(work)


async def history(store: Store, before: int = 2**62, most: int = 100) -> tuple[AuditRow, ...]:
    async def work(transaction: Transaction) -> tuple[AuditRow, ...]:
        return await audit_page(transaction, GUILD, before, most)

    return await store.read(work)


async def chosen(store: Store, channel: int = CHANNEL) -> tuple[Choices, Choices]:
    return await store.read(lambda transaction: choices_reaching(transaction, GUILD, channel))


class TestSettings:
    async def test_are_kept_by_place(self, store: Store) -> None:
        await made(store, change(Setting.COMMANDS, ["ask", "story"]))
        await made(store, change(Setting.PERSONA, "Be 友好.", channel=CHANNEL))
        await made(store, change(Setting.PRIVATE, False, channel=OTHER))
        guild, channel = await chosen(store)
        assert guild == Choices(commands=frozenset({Command.ASK, Command.STORY}))
        assert channel == Choices(persona="Be 友好.")
        everything = await store.read(lambda transaction: choices_in(transaction, GUILD))
        assert set(everything) == {(Place.GUILD, 7), (Place.CHANNEL, CHANNEL), (Place.CHANNEL, OTHER)}

    async def test_of_another_server_are_not_seen(self, store: Store) -> None:
        await made(store, change(Setting.PAUSED, True, guild=8))
        await made(store, change(Setting.PAUSED, True, guild=8, channel=CHANNEL))
        assert await chosen(store) == (Choices(), Choices())

    async def test_are_replaced_and_taken_away(self, store: Store) -> None:
        for model in ("a", "b"):
            assert await made(store, change(Setting.MODEL, model))
        assert (await chosen(store))[0].model == "b"
        assert await made(store, change(Setting.MODEL, None))
        assert (await chosen(store))[0].model is None

    async def test_that_cannot_be_used_are_as_not_chosen(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        await made(store, change(Setting.LONGEST_ANSWER, 100))
        await made(store, change(Setting.TIME_ZONE, "Mars/Olympus"))
        assert (await chosen(store))[0] == Choices(longest_answer=100)
        assert "the stored setting time_zone cannot be used" in caplog.text


class TestAudit:
    async def test_tells_every_change_newest_first(self, store: Store) -> None:
        await made(store, change(Setting.PAUSED, True))
        await made(store, change(Setting.PAUSED, None, user=BEN))
        newest, oldest = await history(store)
        assert (newest.user_id, newest.before, newest.after) == (BEN, True, None)
        assert (oldest.user_id, oldest.before, oldest.after, oldest.at) == (ANA, None, True, NOW)
        assert await history(store, before=newest.id) == (oldest,)
        assert await history(store, most=1) == (newest,)

    async def test_does_not_tell_what_changed_nothing(self, store: Store) -> None:
        await made(store, change(Setting.PAUSED, True))
        assert not await made(store, change(Setting.PAUSED, True, user=BEN))
        assert len(await history(store)) == 1

    async def test_keeps_neither_where_one_cannot_be_written(self, store: Store) -> None:
        first = change(Setting.PAUSED, True)
        await made(store, first)
        with pytest.raises(Exception, match=r"(?i)unique"):
            await made(store, replace(first, after=False))
        assert (await chosen(store))[0].paused is True
        assert len(await history(store)) == 1


class TestTwoAdmins:
    async def test_the_later_is_told_what_changed(self, store: Store) -> None:
        seen = stamp(None)
        await made(store, change(Setting.MODEL, "hers", seen=seen))
        with pytest.raises(ChangedMeanwhile) as caught:
            await made(store, change(Setting.MODEL, "his", user=BEN, seen=seen))
        assert caught.value.now == "hers"
        assert caught.value.last is not None
        assert caught.value.last.user_id == ANA
        assert (await chosen(store))[0].model == "hers"
        assert await made(store, change(Setting.MODEL, "his", user=BEN, seen=stamp("hers")))

    async def test_at_once_only_one_of_them_changes_it(self, store: Store) -> None:
        wanted = [change(Setting.LONGEST_ANSWER, 100 + n, seen=stamp(None)) for n in range(8)]
        done = await asyncio.gather(*(made(store, each) for each in wanted), return_exceptions=True)
        assert sum(result is True for result in done) == 1
        assert sum(isinstance(result, ChangedMeanwhile) for result in done) == 7
        assert len(await history(store)) == 1

    async def test_wanting_the_same_both_have_it(self, store: Store) -> None:
        assert await made(store, change(Setting.PAUSED, True, seen=stamp(None)))
        assert not await made(store, change(Setting.PAUSED, True, user=BEN, seen=stamp(None)))
