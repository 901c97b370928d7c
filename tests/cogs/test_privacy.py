"""/privacy: anyone gets their own data, and has it erased; nobody gets another's."""

import asyncio
import json

import discord
import simcord

from bot.store import Transaction
from tests.conftest import Worlds
from tests.support.simulated import World


async def asked(world: World, who: simcord.MemberActor) -> None:
    world.model.answers("Blue.")
    await who.slash(world.channel, "ask", question="Sea?")


async def told(result: simcord.InteractionResult) -> tuple[str, bytes]:
    """The words of a private answer, and the file with it."""
    [message] = [each for each in (result.response, *result.followups) if each is not None and each.content]
    assert message.ephemeral
    files = [await file.read() for file in message.attachments]
    return str(message.content), b"".join(files)


async def test_a_person_gets_their_own_data(world: World) -> None:
    await asked(world, world.ana)
    await asked(world, world.ben)
    words, data = await told(await world.ana.slash(world.channel, "privacy export"))
    assert words.startswith("This is all that I have on record about you")
    [line] = [json.loads(line) for line in data.splitlines()]
    assert (line["kind"], line["user_id"], line["command"]) == ("request", world.ana.id, "ask")
    assert b"Sea?" not in data


async def test_who_asked_nothing_is_told_so(world: World) -> None:
    assert await told(await world.ana.user.slash("privacy export")) == (
        "I have nothing on record about you.",
        b"",
    )


async def test_a_person_is_erased_when_they_confirm(world: World) -> None:
    await asked(world, world.ana)
    question = await world.ana.slash(world.channel, "privacy erase")
    assert question.response is not None
    assert question.response.ephemeral
    [row] = await world.usage()
    assert row.user_id == world.ana.id
    await world.ana.click(question.response, label="Erase my data")
    assert question.response.content.startswith("You are out of my records.")
    assert question.response.components == []
    [row] = await world.usage()
    assert row.user_id == 0
    words, _ = await told(await world.ana.slash(world.channel, "privacy export"))
    assert words == "I have nothing on record about you."


async def test_who_is_not_served_can_use_it_too(world_with: Worlds) -> None:
    async with world_with(allowed_guilds=frozenset({1}), direct_messages=False) as world:
        words, _ = await told(await world.ana.slash(world.channel, "privacy export"))
        assert words == "I have nothing on record about you."
        question = await world.ana.user.slash("privacy erase")
        assert question.response is not None
        await world.ana.user.click(question.response, label="Erase my data")
        assert question.response.content.startswith("You are out of my records.")


async def test_a_server_that_removes_the_bot_is_noted(world: World) -> None:
    await asked(world, world.ana)
    guild = world.bot.get_guild(world.guild.id)
    assert guild is not None
    await guild.leave()
    await world.env.settle()

    assert await left(world) == [world.guild.id]
    world.bot.dispatch("guild_join", discord.Object(world.guild.id))
    await asyncio.gather(*(task for task in asyncio.all_tasks() if "on_guild_join" in task.get_name()))
    assert await left(world) == []


async def left(world: World) -> list[int]:
    """The servers that are to be erased."""

    async def work(transaction: Transaction) -> list[int]:
        return [row["guild_id"] for row in await transaction.rows("departed", before=2**60)]

    return await world.bot.store.read(work)
