"""What Discord shows of every command is in the catalogues, and by Discord's rules."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import discord
import pytest
import regex
from discord import Locale, app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.check.discord_lines import local_commands
from bot.sync import Payload, payload
from bot.translator import NAMES, CatalogueTranslator

NAME = regex.compile(r"[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}")
"""Discord: Application Commands, naming."""


async def nothing(interaction: discord.Interaction) -> None:
    """Answer nothing."""


@pytest.fixture
async def bot() -> AsyncIterator[commands.Bot]:
    async with commands.Bot(command_prefix=(), intents=discord.Intents(guilds=True)) as bot:
        await bot.tree.set_translator(CatalogueTranslator())
        yield bot


@pytest.fixture
async def uploaded() -> Payload:
    return await local_commands()


def things(uploaded: Payload) -> Iterator[dict[str, Any]]:
    """Every command and option, however deep."""
    for thing in uploaded:
        yield thing
        yield from things(thing.get("options", []))


async def test_every_name_and_description_is_chinese_too(uploaded: Payload) -> None:
    assert len(uploaded) >= 5
    for thing in things(uploaded):
        for locale in ("zh-CN", "zh-TW"):
            assert thing["name_localizations"][locale] != thing["name"], thing["name"]
            assert thing["description_localizations"][locale] != thing["description"], thing["name"]
        for choice in thing.get("choices", []):
            assert choice["name_localizations"]["zh-CN"] != choice["name"]


async def test_names_and_descriptions_are_by_discords_rules(uploaded: Payload) -> None:
    for thing in things(uploaded):
        for name in (thing["name"], *thing["name_localizations"].values()):
            assert NAME.fullmatch(name), name
            assert name == name.lower()
        for description in (thing["description"], *thing["description_localizations"].values()):
            assert 1 <= len(description) <= 100, description
        for choice in thing.get("choices", []):
            for name in (choice["name"], *(choice.get("name_localizations") or {}).values()):
                assert 1 <= len(name) <= 100


async def test_localised_names_are_told_apart(uploaded: Payload) -> None:
    for group in (uploaded, *(thing.get("options", []) for thing in things(uploaded))):
        names = [thing["name_localizations"]["zh-CN"] for thing in group]
        assert len(set(names)) == len(names)


async def test_no_name_is_listed_that_is_not_there(uploaded: Payload) -> None:
    assert {*NAMES} == {thing["name"] for thing in things(uploaded)}


async def test_other_languages_see_english(uploaded: Payload) -> None:
    for thing in things(uploaded):
        assert {*thing["description_localizations"]} == {"zh-CN", "zh-TW"}


async def test_what_is_in_no_catalogue_is_left_to_discord(bot: commands.Bot) -> None:
    command: app_commands.Command[Any, ..., Any] = app_commands.Command(
        name="unheard", description=locale_str("Unheard of"), callback=nothing
    )
    bot.tree.add_command(command)
    (only,) = await payload(bot.tree)
    assert not only["name_localizations"]
    assert not only["description_localizations"]


async def test_a_sentence_is_no_name() -> None:
    """A word that is both has the translation of its place."""
    translator = CatalogueTranslator()
    context: app_commands.TranslationContextTypes = app_commands.TranslationContext(
        app_commands.TranslationContextLocation.other, None
    )
    assert await translator.translate(locale_str("ask"), Locale.chinese, context) is None
    assert await translator.translate(locale_str("Stop"), Locale.chinese, context) == "停止"
    assert await translator.translate(locale_str("Stop"), Locale.british_english, context) is None
