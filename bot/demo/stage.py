"""The bot put into its simulated Discord, with the page served."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

import discord
import simcord
from discord.ext import commands

from bot.demo.live import Heard, Live, Outside
from bot.demo.options import Place
from bot.demo.page import MENTION, Page
from bot.demo.scene import Scene, dm_scene, server_scene

SETTLE_SECONDS = 30.0
"""How long SimCord waits for the bot after an action: a slow machine is not a fault."""


_SCENES: dict[Place, Callable[[simcord.Env, discord.Client, datetime, str], Awaitable[Scene]]] = {
    Place.SERVER: server_scene,
    Place.DM: dm_scene,
}


@asynccontextmanager
async def staged(
    bot: commands.AutoShardedBot, outside: Outside, place: Place, answered_by: str, port: int, heard: Heard
) -> AsyncIterator[Page]:
    """Run the bot in a simulated Discord and serve its page on 127.0.0.1; ``port`` 0 takes any free one.

    ``answered_by`` is what the welcome says of the model; ``heard`` is told every request the bot makes.

    Raises:
        OSError: the port is taken.
    """
    handles_errors = bot.tree.on_error
    async with AsyncExitStack() as stack:
        env = await stack.enter_async_context(
            simcord.run(bot, shard_count=1, check_errors=False, settle_timeout=SETTLE_SECONDS)
        )
        # SimCord takes an error in the command tree for a failed action; the bot makes it a sentence.
        bot.tree.on_error = handles_errors  # type: ignore[method-assign] # SimCord replaced it the same way
        outside.enter()
        scene = await _SCENES[place](env, bot, now(), answered_by)
        preview = await stack.enter_async_context(
            env.preview(
                scene.channel,
                viewers=scene.viewers,
                layout="channel",
                timezone=timezone_name(Path("/etc/localtime")),
                assets=scene.assets,
            )
        )
        live = Live(env, preview, now, heard)
        mention = MENTION if bot.user is None else bot.user.mention
        page = await stack.enter_async_context(Page(live, preview.url, port, mention))
        publishing = asyncio.create_task(live.publish_forever())
        try:
            yield page
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def timezone_name(localtime: Path) -> str:
    """This computer's timezone as the system's link to it names it; UTC where it does not."""
    name = str(localtime.resolve()).partition("zoneinfo/")[2]
    return name if name in available_timezones() else "UTC"
