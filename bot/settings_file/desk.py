"""Writes a server's settings file, and makes a server what a file says."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.choices import Choices
from bot.domain import Limit, Place, Setting
from bot.i18n import N_, Language
from bot.ids import Ids
from bot.policies import Policies
from bot.settings_file.read import Here, Wish, read
from bot.settings_file.shape import written
from bot.store import Store, Transaction
from bot.store.audit import Change, ChangeKind, Json
from bot.store.counters import limits_in
from bot.store.limits import change_limit, limit_json
from bot.store.settings import choices_in

Places = Mapping[tuple[Place, int], Choices]


@dataclass(frozen=True, slots=True)
class Admin:
    """Who imports, when, and the language they read."""

    user_id: int
    at: datetime
    language: Language


class FileDesk:
    """Exports and imports. It keeps nothing."""

    def __init__(self, store: Store, policies: Policies, ids: Ids) -> None:
        self._store = store
        self._policies = policies
        self._ids = ids

    async def export(self, guild_id: int) -> bytes:
        """Return a server's settings and limits as a file.

        Raises:
            StoreUnavailable: the database cannot be read.
        """

        async def work(transaction: Transaction) -> tuple[Places, list[Limit]]:
            limits = [stored.limit for stored in await limits_in(transaction, guild_id)]
            return await choices_in(transaction, guild_id), limits

        choices, limits = await self._store.read(work)
        chosen = {place: _chosen(found) for place, found in choices.items()}
        server = chosen.pop((Place.GUILD, guild_id), {})
        return written(server, {channel_id: found for (_, channel_id), found in chosen.items()}, limits)

    async def take(self, data: bytes, here: Here, admin: Admin) -> str:
        """Make a server what a file says, all of it or nothing; return what is to be said of it.

        What the file does not speak of is taken back. Each change is in the history.

        Raises:
            BadRequest: the file cannot be used; says everything that is wrong.
            StoreUnavailable: it could not be written.
        """
        wish = await asyncio.to_thread(read, data, here, admin.language)

        async def work(transaction: Transaction) -> tuple[int, int]:
            settings = limits = 0
            before = await choices_in(transaction, here.guild_id)
            for place, setting, after in _differing(before, wish.choices):
                change = self._change(here, admin, ChangeKind.SETTING, place, setting.value, after)
                settings += await self._policies.write(transaction, change)
            for limit, after in await _limits(transaction, here.guild_id, wish):
                where = (limit.place, limit.place_id)
                change = self._change(here, admin, ChangeKind.LIMIT, where, str(limit.id), after)
                limits += await change_limit(transaction, change)
            return settings, limits

        return _said(admin.language, *await self._store.write(work))

    def _change(
        self, here: Here, admin: Admin, kind: ChangeKind, where: tuple[Place, int], name: str, after: Json
    ) -> Change:
        place, place_id = where
        return Change(
            self._ids.new(), here.guild_id, admin.user_id, admin.at, kind, place, place_id, name, after
        )


def _chosen(choices: Choices) -> dict[str, Json]:
    """What is chosen in a place, by name."""
    found = {setting.value: choices.json_of(setting) for setting in Setting}
    return {name: value for name, value in found.items() if value is not None}


def _differing(before: Places, after: Places) -> Iterator[tuple[tuple[Place, int], Setting, Json]]:
    """Every setting that is to be another."""
    nothing = Choices()
    for place in sorted({*before, *after}):
        was, is_to_be = before.get(place, nothing), after.get(place, nothing)
        for setting in Setting:
            if (wanted := is_to_be.json_of(setting)) != was.json_of(setting):
                yield place, setting, wanted


async def _limits(transaction: Transaction, guild_id: int, wish: Wish) -> list[tuple[Limit, Json]]:
    """Every limit that there is or is to be, with what it becomes; first those that make room."""
    wanted = {limit.id: limit for limit in wish.limits}
    known = {stored.limit.id: stored.limit for stored in await limits_in(transaction, guild_id)}
    gone: list[tuple[Limit, Json]] = [(limit, None) for id_, limit in known.items() if id_ not in wanted]
    return gone + [(limit, limit_json(limit)) for limit in wish.limits]


def _said(language: Language, settings: int, limits: int) -> str:
    if not settings and not limits:
        return language.say(N_("Everything is as in this file already. Nothing was changed."))
    return language.say(
        N_("This server is now as in the file. Changed: {settings}, {limits}. /limits history lists each."),
        settings=language.plural(N_("{n} setting"), N_("{n} settings"), settings),
        limits=language.plural(N_("{n} limit"), N_("{n} limits"), limits),
    )
