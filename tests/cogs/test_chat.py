import pytest

from bot.domain import Command, Ending, Surroundings
from tests.conftest import Worlds
from tests.support.simulated import World


def mention(world: World) -> str:
    return f"<@{world.bot_id}>"


async def test_a_direct_message_is_answered(world: World) -> None:
    world.model.answers("It is blue.")
    await world.ana.send_dm("What is the sea?")
    [text] = world.texts(world.ana.user.dm_channel)
    assert text.startswith("It is blue.\n-# ")
    assert world.model.calls[0].words == "What is the sea?"
    [row] = await world.usage()
    assert (row.command, row.ending, row.surroundings) == (Command.ASK, Ending.DONE, Surroundings.BOT_DM)


async def test_a_mention_is_answered_as_a_reply(world: World) -> None:
    world.model.answers("It is blue.")
    asked = await world.ana.send(world.channel, f"{mention(world)} what is the sea?")
    answer = world.channel.last_message
    assert answer is not None
    assert answer.content.startswith("It is blue.\n-# ")
    assert answer.reference is not None
    assert answer.reference.message_id == asked.id
    assert world.model.calls[0].words == "what is the sea?"
    [row] = await world.usage()
    assert (row.surroundings, row.channel_id) == (Surroundings.GUILD, world.channel.id)


async def test_an_attached_file_is_read(world: World) -> None:
    world.model.answers("A note.")
    await world.ana.send(
        world.channel, f"{mention(world)} what is this?", attachments=[("note.txt", b"Bring cake.")]
    )
    assert "<text-1>\nBring cake.\n</text-1>" in world.model.calls[0].words


async def test_more_files_than_one_are_refused(world: World) -> None:
    await world.ana.send_dm(
        "what is this?",
        attachments=world.env.backend.store_attachments(
            world.ana.user.dm_channel.id, [("a.txt", b"a"), ("b.txt", b"b")]
        ),
    )
    [text] = world.texts(world.ana.user.dm_channel)
    assert "one file at a time" in text
    assert world.model.calls == []


async def test_a_reply_to_the_bot_that_pings_it_is_answered(world: World) -> None:
    world.model.answers("Blue.", "Salty.")
    await world.ana.send(world.channel, f"{mention(world)} what is the sea?")
    answer = world.channel.last_message
    assert answer is not None
    await world.ben.send(world.channel, f"and how does it taste? {mention(world)}", reply_to=answer)
    assert world.model.calls[1].words == "and how does it taste?"


async def test_an_empty_mention_gets_one_helpful_sentence(world: World) -> None:
    await world.ana.send(world.channel, mention(world))
    [text] = world.texts()
    assert text.startswith("Please write what you would like to know.")
    assert await world.usage() == []


async def test_everyone_is_no_mention_of_the_bot(world: World) -> None:
    await world.ana.send(world.channel, "@everyone the sea is blue")
    await world.ana.send(world.channel, "no mention at all")
    await world.ana.send(world.channel, f"hello {world.ben.mention}")
    assert world.texts() == []


async def test_bots_webhooks_and_notices_are_not_answered(world: World) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    await robot.send(world.channel, f"{mention(world)} hello")
    webhook = world.guild.create_webhook(world.channel)
    await webhook.send(f"{mention(world)} hello")
    assert world.texts() == []


async def test_direct_messages_that_are_off_are_told_so(world_with: Worlds) -> None:
    async with world_with(direct_messages=False) as world:
        await world.ana.send_dm("What is the sea?")
        [text] = world.texts(world.ana.user.dm_channel)
        assert "answers only in servers" in text


@pytest.mark.parametrize("written", ["<@{id}> hi <@!{id}>", "hi <@{id}>"])
async def test_the_mention_is_no_part_of_the_question(world: World, written: str) -> None:
    world.model.answers("Hello.")
    await world.ana.send(world.channel, written.replace("{id}", str(world.bot_id)))
    assert world.model.calls[0].words == "hi"
