"""What Discord says of the bot: its token, its intents, its connections and its commands."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import discord
from discord.ext import commands

from bot.app import COGS
from bot.check.lines import Line, Verdict, right, unasked, wrong
from bot.check.service import Answer, Service, Unanswered
from bot.domain import Command
from bot.run import Plan
from bot.sync import Payload, payload
from bot.translator import CatalogueTranslator

TOKEN: Final = "Discord token"  # noqa: S105 - what a line is about
INTENT: Final = "Message content"
GATEWAY: Final = "Discord gateway"
COMMANDS: Final = "Commands"

PORTAL: Final = "https://discord.com/developers/applications"
MAY_READ: Final = (1 << 18) | (1 << 19)
"""Flags of an application that is granted message content, or is too small to need a grant (Discord:
Application Flags).
"""

ESSENTIAL: Final = frozenset({
    *("name", "name_localizations", "description", "description_localizations", "type", "nsfw"),
    *("options", "choices", "required", "autocomplete", "channel_types"),
    *("min_value", "max_value", "min_length", "max_length"),
    *("default_member_permissions", "contexts", "integration_types"),
})  # fmt: skip
"""What of a command is ours to say; Discord adds ids, versions and defaults."""


async def discord_lines(service: Service) -> AsyncIterator[Line]:
    """Yield what Discord says; where the token is not right, nothing else can be asked."""
    token = await _token(service)
    yield token
    if token.verdict is not Verdict.RIGHT:
        return
    try:
        application = await service.get("/oauth2/applications/@me")
        yield _intent(application)
        yield _gateway(await service.get("/gateway/bot"))
        known = await service.get(
            f"/applications/{application.get('id')}/commands", with_localizations="true"
        )
        yield _commands(known, await local_commands())
    except Unanswered as error:
        yield unasked("Discord", f"it could not be asked for more: {error}.")


async def _token(service: Service) -> Line:
    try:
        me = await service.get("/users/@me")
    except Unanswered as error:
        return unasked(TOKEN, f"Discord could not be asked: {error}.")
    if me.status == HTTPStatus.UNAUTHORIZED:
        return wrong(
            TOKEN, f"Discord does not accept DISCORD_TOKEN. Make a new one (Bot, Reset Token): {PORTAL}"
        )
    if me.status != HTTPStatus.OK:
        return wrong(TOKEN, f"Discord answered {me.status}. Try again in a few minutes.")
    return right(TOKEN, f"accepted; the bot is called {me.get('username')}.")


def _intent(application: Answer) -> Line:
    if application.status != HTTPStatus.OK:
        return wrong(INTENT, f"Discord answered {application.status} when asked for the application.")
    flags = application.get("flags")
    if not isinstance(flags, int) or not flags & MAY_READ:
        return wrong(
            INTENT,
            f"not granted. Switch on Message Content Intent (Bot, Privileged Gateway Intents): {PORTAL}",
        )
    return right(INTENT, "granted, so that mentions and messages can be read.")


def _gateway(answer: Answer) -> Line:
    remaining = answer.get("session_start_limit", "remaining")
    if answer.status != HTTPStatus.OK or not isinstance(remaining, int):
        return wrong(GATEWAY, f"Discord answered {answer.status} when asked for the gateway's address.")
    if remaining <= 0:
        hours = (answer.get("session_start_limit", "reset_after") or 0) / 3_600_000
        return wrong(GATEWAY, f"no connections are left for today. New ones come in {hours:.1f} hours.")
    return right(GATEWAY, f"{remaining:,} connections are left for today.")


def _commands(answer: Answer, local: Payload) -> Line:
    if answer.status != HTTPStatus.OK or not isinstance(answer.body, list):
        return wrong(COMMANDS, f"Discord answered {answer.status} when asked for the commands.")
    theirs = {str(command.get("name")): essence(command) for command in answer.body}
    ours = {command["name"]: essence(command) for command in local}
    different = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    if different:
        names = ", ".join(f"/{name}" for name in different)
        return wrong(
            COMMANDS, f"Discord does not have them as this version does: {names}. Start the bot once."
        )
    return right(COMMANDS, f"Discord has all {len(ours)}.")


class _Loading(commands.Bot):
    """Takes what cogs give a bot, and never goes online."""

    def __init__(self) -> None:
        super().__init__(command_prefix=(), intents=discord.Intents(guilds=True), help_command=None)
        self.plans: dict[Command, Plan] = {}


async def local_commands() -> Payload:
    """The commands of this version as they are uploaded."""
    async with _Loading() as bot:
        await bot.tree.set_translator(CatalogueTranslator())
        for name in COGS:
            await bot.load_extension(name)
        return await payload(bot.tree)


def essence(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command, or an option, without what Discord adds and what is empty, so that two can be compared."""
    kept = {key: command[key] for key in ESSENTIAL if command.get(key)}
    for key in ("contexts", "integration_types"):
        if key in kept:
            kept[key] = sorted(kept[key])
    if "options" in kept:
        kept["options"] = [essence(option) for option in kept["options"]]
    if "choices" in kept:
        kept["choices"] = [
            {key: value for key, value in choice.items() if value is not None} for choice in kept["choices"]
        ]
    if command.get("default_member_permissions") is not None:
        kept["default_member_permissions"] = str(command["default_member_permissions"])
    return kept
