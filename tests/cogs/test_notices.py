"""Notices to admins, told in a simulated Discord."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import discord
import pytest
import simcord

from bot.app import opened as started
from bot.domain import Place, ProviderName, Setting, Tokens
from bot.store.audit import Change, ChangeKind
from tests.support.scripted import Scripted
from tests.support.simulated import World, settings_for, simulated


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """A world with a channel for admins and today's date: notices are of windows that last."""
    async with simulated(settings_for(folder)) as world:
        world.guild.create_text_channel("admins")
        await world.env.advance_time((datetime.now(UTC) - world.env.now()).total_seconds())
        yield world


async def with_budget(world: World) -> simcord.ChannelHandle:
    """Set a budget of $1.00; return where notices of it go."""
    admins = world.guild.channels["admins"]
    change = Change(
        id=1,
        guild_id=world.guild.id,
        user_id=2,
        at=world.env.now(),
        kind=ChangeKind.SETTING,
        place=Place.GUILD,
        place_id=world.guild.id,
        name=Setting.NOTICES.value,
        after=admins.id,
    )
    await world.bot.answers.services.policies.change(change)
    budget = {"metric": "cost", "amount": "$1.00", "window": "month", "who": "everyone"}
    await world.manager().slash(world.channel, "limits set", **budget)
    return admins


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


@pytest.fixture
async def admins(world: World) -> simcord.ChannelHandle:
    return await with_budget(world)


def end_claims(folder: Path) -> None:
    """Let a minute pass for those who claimed a notice: their clock is the machine's."""
    with closing(sqlite3.connect(folder / "parlance.db")) as database:
        database.execute("UPDATE notices SET claimed_until = 1 WHERE claimed_until > 0")
        database.commit()


async def spend(world: World, times: int) -> None:
    """Answers that cost $0.275 each."""
    for _ in range(times):
        world.model.queue.append(Scripted(["Blue."], tokens=Tokens(0, 100_000)))
        await world.ana.slash(world.channel, "ask", question="Sea?")


async def test_a_budget_that_runs_low_is_told_once_and_used_up_once(
    world: World, admins: simcord.ChannelHandle
) -> None:
    await spend(world, 2)
    assert world.texts(admins) == []
    await spend(world, 1)
    [nearly] = world.texts(admins)
    assert nearly.startswith("**82% of a budget is used:** $0.82 of $1.00 this month, in the whole server.")
    await spend(world, 1)
    world.model.queue.clear()
    await world.ana.slash(world.channel, "ask", question="Sea?")
    await world.ben.slash(world.channel, "ask", question="Sea?")
    [_, used_up] = world.texts(admins)
    assert used_up.startswith("**A budget is used up:** $1.10 of $1.00 this month, in the whole server.")


async def test_it_pings_nobody(world: World, admins: simcord.ChannelHandle) -> None:
    await spend(world, 3)
    [sent] = [
        each.json
        for each in world.env.http_requests
        if each.path == f"/channels/{admins.id}/messages" and each.json
    ]
    assert sent["allowed_mentions"] == {"parse": []}
    assert sent["enforce_nonce"]


async def test_a_channel_that_is_gone_ends_it_without_noise(
    world: World, admins: simcord.ChannelHandle, caplog: pytest.LogCaptureFixture
) -> None:
    channel = world.bot.get_channel(admins.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.delete()
    await world.env.settle()
    await spend(world, 4)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert "Blue." in world.texts()[-1]


async def test_a_channel_where_it_may_not_write_ends_it(world: World, admins: simcord.ChannelHandle) -> None:
    channel = world.bot.get_channel(admins.id)
    assert isinstance(channel, discord.TextChannel)
    everyone = channel.guild.default_role
    await channel.set_permissions(everyone, send_messages=False)
    await world.env.settle()
    await spend(world, 3)
    await channel.set_permissions(everyone, send_messages=True)
    await world.env.settle()
    await world.env.advance_time(61)
    await spend(world, 1)
    assert [text.partition(":")[0] for text in world.texts(admins)] == ["**A budget is used up"]


async def test_it_is_told_a_minute_later_where_discord_did_not_take_it(
    tmp_path: Path, world: World, admins: simcord.ChannelHandle
) -> None:
    world.env.inject_error("POST", f"/channels/{admins.id}/messages", status=429)
    await spend(world, 3)
    assert world.texts(admins) == []
    end_claims(tmp_path)
    await world.env.advance_time(59)
    assert world.texts(admins) == []
    await world.env.advance_time(2)
    assert len(world.texts(admins)) == 1
    await world.env.advance_time(600)
    assert len(world.texts(admins)) == 1


async def test_it_is_told_after_a_start_where_a_process_died_before(
    tmp_path: Path, world: World, admins: simcord.ChannelHandle
) -> None:
    world.env.inject_error("POST", f"/channels/{admins.id}/messages", status=429)
    await spend(world, 3)
    end_claims(tmp_path)
    async with started(settings_for(tmp_path), {ProviderName.REPLICATE: world.model}) as later:
        await world.env.restart_bot(later)
        await world.env.settle()
        assert len(world.texts(admins)) == 1
