"""What the commands below /limits do. The desk keeps nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.domain import AskOptions, Command, Place, Request, Scope, Setting, Visibility
from bot.i18n import N_, Language
from bot.i18n.names import LONGEST_CHOICE, MOST_CHOICES
from bot.ids import Ids
from bot.limits_desk.history import MOST_ROWS, Page, page, said_changed, said_cleared, said_set
from bot.limits_desk.look import Names, board, verdicts
from bot.limits_desk.offer import Offer
from bot.limits_desk.wanted import Wanted
from bot.services import Services
from bot.store import Store, Transaction
from bot.store.audit import (
    AuditRow,
    Change,
    ChangedMeanwhile,
    ChangeKind,
    Json,
    audit_page,
    last_change,
)
from bot.store.counters import limits_in
from bot.store.limits import change_limit, limit_json
from bot.store.rows import StoredLimit
from bot.trial import trial

PAUSED: Final = N_(
    "I am paused and answer nobody in this server. What is being answered goes on to its end. /limits resume "
    "ends the pause."
)
WAS_PAUSED: Final = N_("I am paused already. /limits resume ends that.")
RESUMED: Final = N_("I answer in this server again.")
WAS_NOT_PAUSED: Final = N_("I am not paused in this server.")


@dataclass(frozen=True, slots=True)
class Visit:
    """An admin at the desk: of which server they are, when they came (by Discord's clock, as requests do),
    and what its limits are called for them.
    """

    guild_id: int
    user_id: int
    at: datetime
    names: Names

    @property
    def language(self) -> Language:
        """What they read."""
        return self.names.language


class LimitsDesk:
    """Shows and changes the limits of servers.

    Where the database cannot be read or written, everything raises ``StoreUnavailable``.
    """

    def __init__(self, services: Services, store: Store, ids: Ids) -> None:
        self._services = services
        self._store = store
        self._ids = ids

    async def show(self, visit: Visit, scope: Scope, called: str) -> list[str]:
        """Return the messages that show what applies in a place and how full it is for the admin.

        ``called`` is what the place is called.
        """
        overview = await self._services.ledger.lookup.overview(scope, visit.at)
        reaching = await self._services.policies.look(visit.guild_id, scope.channel_id)
        return board(visit.names, overview, called, reaching)

    async def set(self, visit: Visit, wanted: Wanted) -> str:
        """Set a limit, in the place of one for the same thing; return what is to be said of it.

        Raises:
            BadRequest: there can be no such limit.
            Refused: the server has as many as it may.
        """
        limit = wanted.limit(visit.guild_id, visit.language)
        change = self._change(
            visit, ChangeKind.LIMIT, limit.place, limit.place_id, str(limit.id), limit_json(limit)
        )

        async def work(transaction: Transaction) -> AuditRow | None:
            last = await last_change(transaction, change)
            await change_limit(transaction, change)
            return last

        return said_set(visit.names, limit, await self._store.write(work))

    async def offers(self, visit: Visit, typed: str) -> list[tuple[str, str]]:
        """Return limits that can be cleared as (label, value): those that hold the words that were typed."""

        async def work(transaction: Transaction) -> tuple[StoredLimit, ...]:
            return await limits_in(transaction, visit.guild_id)

        limits = [stored.limit for stored in await self._store.read(work)]
        labelled = sorted((visit.names.choice(limit), Offer.of(limit).value) for limit in limits)
        words = typed.casefold().split()
        return [
            (label[:LONGEST_CHOICE], value)
            for label, value in labelled
            if all(word in label.casefold() for word in words)
        ][:MOST_CHOICES]

    async def clear(self, visit: Visit, chosen: str) -> str:
        """Clear a limit that was offered; return what is to be said of it.

        Raises:
            BadRequest: none of those was chosen.
        """
        offer = Offer.read(chosen)
        change = self._change(
            visit, ChangeKind.LIMIT, offer.place, offer.place_id, str(offer.limit_id), None, offer.seen
        )

        async def work(transaction: Transaction) -> tuple[bool, AuditRow | None]:
            return await change_limit(transaction, change), await last_change(transaction, change)

        try:
            was_there, last = await self._store.write(work)
        except ChangedMeanwhile as meanwhile:
            return said_changed(visit.names, meanwhile)
        return said_cleared(visit.names, last, was_there=was_there)

    async def pause(self, visit: Visit) -> str:
        """Answer nobody in the server from now on; return what is to be said of it."""
        return visit.language.say(PAUSED if await self._turn(visit, after=True) else WAS_PAUSED)

    async def resume(self, visit: Visit) -> str:
        """Answer in the server again; return what is to be said of it."""
        return visit.language.say(RESUMED if await self._turn(visit, after=None) else WAS_NOT_PAUSED)

    async def test(self, visit: Visit, scope: Scope, called: str) -> str:
        """Return what would become of a member's requests now, with each command; nothing is counted."""
        found = {}
        for command in Command:
            request = Request(
                id=self._ids.new(),
                command=command,
                scope=scope,
                words="",
                options=AskOptions(),
                locale=str(visit.language.locale),
                visibility=Visibility.PRIVATE,
                asked_at=visit.at,
            )
            found[command] = await trial(self._services, request)
        return verdicts(visit.language, f"<@{scope.user_id}>", called, found)

    async def history(self, visit: Visit, before_id: int) -> Page:
        """Return a page of what admins changed before a change, newest first."""

        async def work(transaction: Transaction) -> tuple[AuditRow, ...]:
            return await audit_page(transaction, visit.guild_id, before_id, MOST_ROWS + 1)

        return page(visit.names, await self._store.read(work), before_id)

    async def _turn(self, visit: Visit, *, after: Json) -> bool:
        """Change the setting that pauses a server; whether that changed anything."""
        name = Setting.PAUSED.value
        change = self._change(visit, ChangeKind.SETTING, Place.GUILD, visit.guild_id, name, after)
        return await self._services.policies.change(change)

    def _change(
        self,
        visit: Visit,
        kind: ChangeKind,
        place: Place,
        place_id: int,
        name: str,
        after: Json,
        seen: str | None = None,
    ) -> Change:
        return Change(
            id=self._ids.new(),
            guild_id=visit.guild_id,
            user_id=visit.user_id,
            at=visit.at,
            kind=kind,
            place=place,
            place_id=place_id,
            name=name,
            after=after,
            seen=seen,
        )
