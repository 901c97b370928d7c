"""What holds for every command, whichever comes later."""

import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.support.simulated import World

NAME = re.compile(r"^[-_'\w]{1,32}$")
LONGEST = 100
MOST_CHARACTERS = 8_000
"""Of all names, descriptions and values of a command in any one language (Discord: Application Commands)."""
LOCALES = (discord.Locale.american_english, discord.Locale.chinese)


def every_command(world: World) -> Iterator[app_commands.Command[Any, ..., Any]]:
    for command in world.bot.tree.walk_commands():
        if isinstance(command, app_commands.Command):
            yield command


def described(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A command as Discord is told of it, with all that stands below it."""
    yield payload
    for option in payload.get("options", ()):
        yield from described(option)


def test_the_commands_are_those_promised(world: World) -> None:
    assert {command.qualified_name for command in every_command(world)} >= {
        "ask",
        "summarize",
        "story",
        "translate",
        "help",
        "settings panel",
    }


def test_every_command_works_everywhere_or_is_for_admins(world: World) -> None:
    for command in world.bot.tree.get_commands():
        contexts, installs = command.allowed_contexts, command.allowed_installs
        assert contexts is not None
        assert installs is not None
        where = (contexts.guild, contexts.dm_channel, contexts.private_channel, installs.guild, installs.user)
        if where != (True, True, True, True, True):
            assert where == (True, False, False, True, False)
            assert command.default_permissions == discord.Permissions(manage_guild=True)


@pytest.mark.parametrize("locale", LOCALES)
async def test_what_discord_is_told_keeps_its_rules(world: World, locale: discord.Locale) -> None:
    translator = world.bot.tree.translator
    assert translator is not None
    for command in world.bot.tree.get_commands():
        characters = 0
        for each in described(await command.get_translated_payload(world.bot.tree, translator)):
            name = each.get("name_localizations", {}).get(locale.value, each["name"])
            text = each.get("description_localizations", {}).get(locale.value, each["description"])
            assert NAME.fullmatch(name)
            assert name == name.lower()
            assert 0 < len(text) <= LONGEST
            assert not text.endswith(".")
            assert len(each.get("choices", ())) <= 25
            assert len(each.get("options", ())) <= 25
            characters += len(name) + len(text)
        assert characters <= MOST_CHARACTERS


async def test_options_are_bounded_where_discord_can(world: World) -> None:
    for command in every_command(world):
        for parameter in command.parameters:
            if parameter.type is discord.AppCommandOptionType.string and not parameter.choices:
                assert parameter.max_value is not None
            if parameter.type is discord.AppCommandOptionType.integer:
                assert parameter.min_value is not None
                assert parameter.max_value is not None


async def test_required_options_come_first(world: World) -> None:
    for command in every_command(world):
        required = [parameter.required for parameter in command.parameters]
        assert required == sorted(required, reverse=True)
