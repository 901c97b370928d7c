"""Tells admins, once each, that a budget of their server is nearly or all used."""

import logging
from dataclasses import dataclass
from typing import Protocol

from bot.i18n import language
from bot.i18n.limits import budget_notice
from bot.ids import Clock, short, utc_now
from bot.limits_desk.directory import Directory
from bot.policies import Policies
from bot.replies.transport import Lost, Unsent
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.notices import Notice, claim_notice, end_notice, untold_notices

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that this process is connected for: Discord's name of its language, and what is in it."""

    locale: str
    directory: Directory


class Noticeboard(Protocol):
    """Where notices are written: the channels of the servers that this process is connected for."""

    def server(self, guild_id: int) -> Server | None:
        """Return a server; None where another process is connected for it, or the bot is not in it."""

    async def send(self, channel_id: int, text: str, nonce: str) -> None:
        """Write into a channel. Sent again with the same ``nonce`` soon after, it stands there once.

        Raises:
            Lost: the channel is gone, or the bot may not write there.
            Unsent: Discord did not take it now.
        """


class Teller:
    """Claims each notice that is due, sends it and ends it.

    One that could not be sent, or whose process died, is due again when its claim is over.
    """

    def __init__(self, store: Store, policies: Policies, board: Noticeboard, clock: Clock = utc_now) -> None:
        self._store = store
        self._policies = policies
        self._board = board
        self._clock = clock

    async def tell(self) -> bool:
        """Tell everything that is due; return whether to try again when claims are over."""
        try:
            return not all([await self._tell(notice) for notice in await self._untold()])
        except StoreUnavailable as error:
            log.warning("notices to admins wait: %s", error.reason)
            return True

    async def _untold(self) -> tuple[Notice, ...]:
        async def work(transaction: Transaction) -> tuple[Notice, ...]:
            return await untold_notices(transaction, self._clock())

        return await self._store.read(work)

    async def _tell(self, notice: Notice) -> bool:
        """Tell one notice; False where that is left to do, here or elsewhere."""
        server = self._board.server(notice.limit.guild_id)
        if server is None:
            return True
        if not await self._claim(notice):
            return False
        try:
            if notice.channel_id in server.directory.channels:
                text = await self._text(notice, server)
                await self._board.send(notice.channel_id, text, _nonce(notice))
        except Lost as error:
            log.info("a notice to admins cannot be told: %s", error)
        except Unsent as error:
            log.info("a notice to admins is told later: %s", error)
            return False
        await self._end(notice)
        return True

    async def _text(self, notice: Notice, server: Server) -> str:
        guild = (await self._policies.look(notice.limit.guild_id)).guild
        spoken = language(guild.language or server.locale)
        called = server.directory.place(spoken, notice.limit.place, notice.limit.place_id)
        return budget_notice(spoken, notice.limit, notice.used, notice.percent, called, notice.window_end)

    async def _claim(self, notice: Notice) -> bool:
        async def work(transaction: Transaction) -> bool:
            return await claim_notice(transaction, notice, self._clock())

        return await self._store.write(work)

    async def _end(self, notice: Notice) -> None:
        async def work(transaction: Transaction) -> None:
            await end_notice(transaction, notice)

        await self._store.write(work)


def _nonce(notice: Notice) -> str:
    """At most 25 characters that tell a notice from others (Discord: Create Message)."""
    return f"{short(notice.limit.id)}-{notice.percent}-{int(notice.window_end.timestamp())}"
