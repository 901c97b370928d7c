"""``python -m bot check``: says, line by line, what is right and what is missing. It changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto
from errno import EADDRINUSE
from typing import TextIO

import aiohttp
from discord.http import Route

from bot.check.discord_lines import discord_lines
from bot.check.lines import Line, Verdict, right, unasked, wrong
from bot.check.replicate_lines import model_lines, token_line
from bot.check.service import Service
from bot.config import Settings
from bot.domain import ProviderName
from bot.errors import ConfigError
from bot.logs import redactor
from bot.models.registry import Registry
from bot.probe import fault
from bot.store.condition import Condition, condition

SETTINGS = "Settings"
MODELS = "Models"
DATABASE = "Database"
HEALTH = "Health address"


class Reach(Enum):
    """How far the check goes."""

    BASICS = auto()
    MODELS = auto()
    """Also each model, as its provider describes it."""


async def check(load: Callable[[], Settings], reach: Reach, out: TextIO) -> int:
    """Print the lines as they come; return the exit code: 0 if all is known to be right, 1 if not.

    ``load`` reads the settings, and knows whether the models they choose are there. No line holds a secret.
    """
    try:
        settings = load()
    except ConfigError as error:
        for told in error.faults:
            print(wrong(SETTINGS, told), file=out)
        return 1
    redact = redactor(settings.secrets())
    code = 0
    async for line in _lines(settings, reach):
        print(redact(str(line)), file=out, flush=True)
        if line.verdict is not Verdict.RIGHT:
            code = 1
    return code


async def _lines(settings: Settings, reach: Reach) -> AsyncIterator[Line]:
    yield right(SETTINGS, "complete.")
    async with aiohttp.ClientSession() as session:
        token = settings.discord_token.get_secret_value()
        async for line in discord_lines(Service(session, Route.BASE, f"Bot {token}")):
            yield line
        async for line in _model_side(settings, reach, session):
            yield line
    yield await _database(settings)
    if settings.health_port is not None:
        yield await _health(settings.health_host, settings.health_port)


async def _model_side(
    settings: Settings, reach: Reach, session: aiohttp.ClientSession
) -> AsyncIterator[Line]:
    if settings.replicate_api_token is None:
        raise ValueError("the settings for the bot on Discord have a token")
    token = settings.replicate_api_token.get_secret_value()
    replicate = Service(session, settings.replicate_base_url, f"Bearer {token}")
    accepted = await token_line(replicate)
    yield accepted
    registry = Registry.load(settings.models_file)
    known = [registry.get(name) for name in registry.reached_by({ProviderName.REPLICATE})]
    yield right(
        MODELS, f"{len(known)} are known; {settings.default_model} answers where nobody chose another."
    )
    if reach is not Reach.MODELS:
        return
    if accepted.verdict is not Verdict.RIGHT:
        yield unasked(MODELS, "not compared with Replicate: the token has to be accepted first.")
        return
    async for line in model_lines(replicate, known):
        yield line


async def _health(host: str, port: int) -> Line:
    place = f"{host}, port {port}"
    try:
        listening = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        asked = {"HEALTH_HOST": host, "HEALTH_PORT": str(port)}
        if error.errno == EADDRINUSE and await asyncio.to_thread(fault, asked) is None:
            return right(HEALTH, f"a bot answers at {place}, and is ready.")
        return wrong(HEALTH, f"{place}, cannot be listened on ({error.strerror}).")
    listening.close()
    await listening.wait_closed()
    return right(HEALTH, f"{place}, is free.")


async def _database(settings: Settings) -> Line:
    try:
        found = await condition(settings.database_url)
    except ConfigError as error:
        return wrong(DATABASE, " ".join(error.faults))
    match found:
        case Condition.ABSENT:
            return right(DATABASE, "it is not there yet; the bot makes it when it starts.")
        case Condition.BEHIND:
            return wrong(DATABASE, "an older version wrote it. Start the bot, or: python -m bot db migrate")
        case Condition.AHEAD:
            return wrong(DATABASE, "a newer version of the bot wrote it. Update the bot, or use a backup.")
        case Condition.CURRENT:
            return right(DATABASE, "it can be written and is what this version needs.")
