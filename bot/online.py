"""Going online, staying there, and stopping: the life of the bot's process."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import aiohttp
import discord

from bot.app import Parlance, opened
from bot.config import Settings
from bot.recovery import Recovery
from bot.store import StoreUnavailable

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two tries to come online; each wait is twice the one before."""

UNREACHED = (discord.DiscordServerError, discord.GatewayNotFound, OSError, aiohttp.ClientConnectionError)
"""Discord is in trouble itself, or there is no way to it: no name service, no network, a connection cut."""

BAD_TOKEN = 4004
"""Closes a connection whose token is not valid, or not any more (Discord: Gateway Close Event Codes)."""
REFUSED = "Discord does not accept DISCORD_TOKEN: copy a new one from the developer portal"


async def run(settings: Settings, *, force_sync: bool = False) -> int:
    """Run the bot until SIGINT or SIGTERM, or until Discord turns it away; returns the exit code."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # there is no voice here to warn of
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        return await _online(settings, stopping, force_sync=force_sync)
    except discord.PrivilegedIntentsRequired:
        log.warning(
            "Discord grants no message content: switch on the Message Content Intent in the developer portal "
            "for mentions and /summarize messages. Going on without it."
        )
    return await _online(settings, stopping, message_content=False, force_sync=force_sync)


async def _online(
    settings: Settings, stopping: asyncio.Event, *, message_content: bool = True, force_sync: bool
) -> int:
    async with opened(settings, message_content=message_content, force_sync=force_sync) as bot:
        online = asyncio.create_task(_listening(bot, settings.discord_token.get_secret_value()))
        asked_to_stop = asyncio.create_task(stopping.wait())
        recovering = asyncio.create_task(_recovering(bot))
        await asyncio.wait({online, asked_to_stop}, return_when=asyncio.FIRST_COMPLETED)
        asked_to_stop.cancel()
        try:
            if online.done():
                _say_why(online)
                return 1
            log.info("stopping: no new requests, running answers end first")
            return 0
        finally:
            await _stop(bot, online, recovering)


async def _stop(bot: Parlance, online: "asyncio.Task[None]", recovering: "asyncio.Task[None]") -> None:
    """Let running answers end, leave the others to the next process, and go offline."""
    await bot.answers.close()
    # Only now: the leases of those that were ending had to be renewed.
    recovering.cancel()
    await asyncio.wait({recovering})
    with suppress(StoreUnavailable):
        await bot.answers.services.ledger.leases.release()
    online.cancel()  # closing alone does not end a login
    await asyncio.wait({online})
    await bot.close()


def _say_why(online: "asyncio.Task[None]") -> None:
    """Say why Discord has turned the bot away.

    Raises:
        discord.PrivilegedIntentsRequired: only for what it asks to hear of.
    """
    try:
        online.result()
    except discord.LoginFailure:
        log.critical(REFUSED)
    except discord.ConnectionClosed as closed:
        if closed.code == BAD_TOKEN:
            log.critical(REFUSED)
        else:
            log.critical("Discord ended the connection for good, with close code %d", closed.code)


async def _listening(bot: Parlance, token: str) -> None:
    """Log in and listen until the bot is closed.

    Raises:
        discord.LoginFailure: Discord does not know the token.
    """
    await _patiently(partial(_login, bot, token))
    await _patiently(bot.connect)


async def _login(bot: Parlance, token: str) -> None:
    try:
        await bot.login(token)
    except UNREACHED:
        # The session of a login that failed stays open, and the next one makes its own.
        await bot.http.close()
        bot.http.connector = discord.utils.MISSING
        raise


async def _patiently(step: Callable[[], Awaitable[None]]) -> None:
    """Take a step on the way to Discord, again and again while it cannot be reached."""
    wait = FIRST_WAIT
    while True:
        try:
            return await step()
        except UNREACHED as trouble:
            log.warning(
                "Discord cannot be reached or is in trouble, trying again in %.0f s: %s",
                wait,
                str(trouble) or type(trouble).__name__,
            )
        await asyncio.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


async def _recovering(bot: Parlance) -> None:
    """Keep the leases from the start, and end what others left behind as soon as the bot is online."""
    recovery = Recovery(bot.answers, bot.found_again, bot.plans)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(recovery.run())
        await bot.wait_until_ready()
        recovery.begin(bot.application_id or 0)
