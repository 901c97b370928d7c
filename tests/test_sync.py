"""Commands are uploaded when they changed, and not otherwise."""

import asyncio
from collections.abc import AsyncIterator

import discord
import pytest
from discord import app_commands

from bot.store import Store
from bot.sync import SyncOutcome, fingerprint, payload, sync
from bot.translator import CatalogueTranslator
from tests.support.databases import Database
from tests.wire import launch
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_contract import load

Tree = app_commands.CommandTree[discord.Client]


@pytest.fixture
async def standin() -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(contract=load()) as standin:
        with launch.pointed(standin.environment()):
            yield standin
    assert not standin.contract_errors


@pytest.fixture
async def tree(standin: DiscordStandIn) -> AsyncIterator[Tree]:
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        await client.login(standin.world.token)
        tree = app_commands.CommandTree(client)
        add(tree, "ask", "Ask a language model anything")
        yield tree


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    async with Store.open(database.url) as store:
        yield store


def add(tree: Tree, name: str, description: str) -> None:
    @tree.command(name=name, description=description)
    async def command(interaction: discord.Interaction) -> None:
        """Answer nothing."""


async def test_only_what_changed_is_uploaded(standin: DiscordStandIn, tree: Tree, store: Store) -> None:
    application = standin.world.application_id
    assert await sync(tree, store, application) is SyncOutcome.UPLOADED
    assert await sync(tree, store, application) is SyncOutcome.UNCHANGED
    assert standin.commands.syncs == 1
    add(tree, "help", "What I can do here, and which model answers")
    assert await sync(tree, store, application) is SyncOutcome.UPLOADED
    assert [command["name"] for command in standin.world.commands] == ["ask", "help"]


async def test_a_new_translation_is_a_change(standin: DiscordStandIn, tree: Tree, store: Store) -> None:
    application = standin.world.application_id
    await sync(tree, store, application)
    await tree.set_translator(CatalogueTranslator())
    assert await sync(tree, store, application) is SyncOutcome.UPLOADED
    assert standin.world.commands[0]["name_localizations"]["zh-CN"] == "提问"


async def test_force_uploads_anyway(standin: DiscordStandIn, tree: Tree, store: Store) -> None:
    application = standin.world.application_id
    await sync(tree, store, application)
    assert await sync(tree, store, application, force=True) is SyncOutcome.UPLOADED
    assert standin.commands.syncs == 2


async def test_each_application_has_its_own_mark(standin: DiscordStandIn, tree: Tree, store: Store) -> None:
    await store.set_mark("commands:1", fingerprint(await payload(tree)))
    assert await sync(tree, store, standin.world.application_id) is SyncOutcome.UPLOADED


async def test_what_discord_refused_is_tried_again(standin: DiscordStandIn, tree: Tree, store: Store) -> None:
    application = standin.world.application_id
    standin.fault("PUT /applications/*/commands", status=403)
    with pytest.raises(discord.Forbidden):
        await sync(tree, store, application)
    assert await sync(tree, store, application) is SyncOutcome.UPLOADED


async def test_of_several_at_once_one_uploads(
    standin: DiscordStandIn, tree: Tree, store: Store, database: Database
) -> None:
    application = standin.world.application_id
    async with Store.open(database.url) as second, Store.open(database.url) as third:
        outcomes = await asyncio.gather(*(sync(tree, each, application) for each in (store, second, third)))
    assert sorted(outcomes) == [SyncOutcome.UNCHANGED, SyncOutcome.UNCHANGED, SyncOutcome.UPLOADED]
    assert standin.commands.syncs == 1


async def test_one_that_fails_leaves_it_to_the_next(
    standin: DiscordStandIn, tree: Tree, store: Store, database: Database
) -> None:
    application = standin.world.application_id
    standin.fault("PUT /applications/*/commands", status=403)
    async with Store.open(database.url) as second:
        outcomes = await asyncio.gather(
            *(sync(tree, each, application) for each in (store, second)), return_exceptions=True
        )
    assert sum(isinstance(outcome, discord.Forbidden) for outcome in outcomes) == 1
    assert SyncOutcome.UPLOADED in outcomes


async def test_one_that_died_is_not_waited_for_longer_than_its_time(
    standin: DiscordStandIn, tree: Tree, store: Store
) -> None:
    application = standin.world.application_id
    assert await store.claim(f"commands:{application}", 0.4)
    assert not await store.claim(f"commands:{application}", 0.4)
    assert await sync(tree, store, application) is SyncOutcome.UPLOADED


def test_the_order_of_commands_is_no_change() -> None:
    one, two = {"name": "a", "type": 1}, {"type": 1, "name": "b"}
    assert fingerprint([one, two]) == fingerprint([two, one])
    assert fingerprint([one]) != fingerprint([two])
