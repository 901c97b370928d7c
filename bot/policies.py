"""What holds where: read for each request, and changed by admins."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from bot.choices import Choices, zone_of
from bot.config import Settings
from bot.domain import Place, Policy, Scope, Setting, Window
from bot.errors import Refused
from bot.ids import Clock, utc_now
from bot.limits.windows import window_start
from bot.policy import governed, require_served, resolve_policy
from bot.store import Store, StoreUnavailable, Transaction, counters
from bot.store.audit import Change
from bot.store.settings import Reaching, change_setting, choices_reaching

log = logging.getLogger(__name__)

READ_SECONDS = 0.5
"""How long a request waits for its settings; then what was last known holds."""
REMEMBERED = 10_000
"""Servers and channels whose choices are known without the database, the latest used."""


class Policies:
    """The policy of each place. ``offered`` are the names of the models that the operator offers."""

    def __init__(
        self, store: Store, settings: Settings, offered: Iterable[str], clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._settings = settings
        self.offered = tuple(offered)
        self._clock = clock
        self._known: OrderedDict[tuple[Place, int], Choices] = OrderedDict()
        self._reads: set[asyncio.Task[Reaching]] = set()

    async def of(self, scope: Scope) -> Policy:
        """Return what holds in a scope; while the database is away, what was last known.

        Raises:
            Refused: the operator does not serve it.
        """
        require_served(self._settings, scope)
        if scope.guild_id is None or not governed(scope):
            return self.resolve(Reaching())
        reaching = await self._in_time(scope.guild_id, scope.channel_id)
        if reaching is not None:
            return self.resolve(reaching)
        guild = self._known.get((Place.GUILD, scope.guild_id))
        channel = self._known.get((Place.CHANNEL, scope.channel_id))
        policy = self.resolve(Reaching(guild or Choices(), channel or Choices()))
        # Where admins may have asked for private answers, none is shown to everybody.
        return policy if guild is not None and channel is not None else replace(policy, private=True)

    async def models(self, scope: Scope) -> frozenset[str]:
        """Return the names of the models that a person may choose in a scope."""
        try:
            return (await self.of(scope)).models
        except Refused:
            return frozenset()

    def resolve(self, reaching: Reaching) -> Policy:
        """Return what these choices lead to."""
        return resolve_policy(self._settings, frozenset(self.offered), *reaching)

    async def look(self, guild_id: int, channel_id: int | None = None) -> Reaching:
        """Return what admins chose for a server, and for one of its channels.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        # A server's own id is never that of a channel whose choices are kept.
        where = guild_id if channel_id is None else channel_id

        async def work(transaction: Transaction) -> Reaching:
            return await choices_reaching(transaction, guild_id, where)

        reaching = await self._store.read(work)
        self._remember((Place.GUILD, guild_id), reaching.guild)
        self._remember((Place.CHANNEL, where), reaching.channel)
        return reaching

    async def change(self, *changes: Change) -> bool:
        """Write what an admin chose, all of it or nothing; return whether that changed anything.

        Raises:
            ChangedMeanwhile: a setting is not what the admin saw.
            StoreUnavailable: it could not be written.
        """

        async def work(transaction: Transaction) -> bool:
            return any([await self.write(transaction, change) for change in changes])

        return await self._store.write(work)

    async def write(self, transaction: Transaction, change: Change) -> bool:
        """Write a change of a setting in a transaction, with what follows from it; return whether it is one.

        Another time zone moves the days and months of the server's limits, and gives nothing back.

        Raises:
            ChangedMeanwhile: the setting is not what the admin saw.
        """
        moves = change.name == Setting.TIME_ZONE.value
        before = await choices_reaching(transaction, change.guild_id, 0) if moves else Reaching()
        changed = await change_setting(transaction, change)
        if changed and moves:
            now, zone = self._clock(), zone_of(before.guild.time_zone)
            for window in (Window.DAY, Window.MONTH):
                start = window_start(window, now, zone)
                await counters.recount(transaction, change.guild_id, window, start, now)
        return changed

    async def _in_time(self, guild_id: int, channel_id: int) -> Reaching | None:
        """Look, but not for long; None where the database is away."""
        read = asyncio.create_task(self.look(guild_id, channel_id))
        self._reads.add(read)
        read.add_done_callback(self._ended)
        done, _ = await asyncio.wait({read}, timeout=READ_SECONDS)
        if not done:
            log.warning("the settings of a server could not be read in time; what was last known holds")
            return None
        try:
            return read.result()
        except StoreUnavailable as error:
            log.warning(
                "the settings of a server could not be read: %s; what was last known holds", error.reason
            )
            return None

    def _ended(self, read: "asyncio.Task[Reaching]") -> None:
        self._reads.discard(read)
        if not read.cancelled():
            # Says that it was seen, when nobody waits for it any more.
            read.exception()

    def _remember(self, place: tuple[Place, int], choices: Choices) -> None:
        self._known[place] = choices
        self._known.move_to_end(place)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
