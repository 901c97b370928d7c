"""The bot in this process, online in the stand-in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.app import Parlance, opened
from bot.domain import ProviderName
from bot.limits.gate import Gate
from tests.support.scripted import ScriptedProvider
from tests.support.simulated import settings_for
from tests.wire import launch
from tests.wire.discord import DiscordStandIn


@asynccontextmanager
async def online(
    standin: DiscordStandIn, folder: Path, model: ScriptedProvider | None = None, **changes: Any
) -> AsyncIterator[Parlance]:
    """The bot with these settings changed, without ceilings where none is among them; with what the settings
    name where no model is given.
    """
    settings = settings_for(folder, discord_token=standin.world.token, **changes)
    with launch.pointed(standin.environment()):
        providers = {ProviderName.REPLICATE: model} if model is not None else None
        async with opened(settings, providers) as bot:
            running = asyncio.create_task(bot.start(standin.world.token))
            await standin.online()
            yield bot
            await bot.answers.close()
            await bot.close()
            await running


def let_everything_in(bot: Parlance) -> None:
    """Let one person do in a moment what people do in an hour."""
    bot.gate = Gate(bot.answers.services.clock, burst=1_000_000)
