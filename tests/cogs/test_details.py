"""What the Details button tells of an answer."""

import simcord

from tests.support.simulated import World


async def details_of(world: World, message: simcord.ResponseMessage) -> str:
    """What Ben reads when he presses the button under an answer."""
    pressed = await world.ben.click(message, label="Details")
    assert pressed.response is not None
    assert pressed.response.ephemeral
    return pressed.response.content


async def test_they_tell_that_a_file_was_read(world: World) -> None:
    world.model.answers("About a club.")
    asked = await world.ana.slash(
        world.channel, "ask", question="What is this?", file=("note.txt", b"Bring cake, please.")
    )
    assert asked.response is not None
    assert "Read: a file of 19 characters\n" in await details_of(world, asked.response)


async def test_they_tell_how_many_messages_were_read(world: World) -> None:
    for words in ("The sea is wide.", "And deep."):
        await world.ben.send(world.channel, words)
    world.model.answers("The sea.")
    asked = await world.ana.slash(world.channel, "summarize", messages=5)
    assert asked.response is not None
    assert "Read: 2 messages\n" in await details_of(world, asked.response)


async def test_they_tell_in_how_many_parts_a_text_was_read(world: World) -> None:
    world.model.echo = "La phrase."
    asked = await world.ana.slash(world.channel, "translate", text="This is a sentence. " * 250, to="fr")
    assert asked.response is not None
    assert f"Read: in {len(world.model.calls)} parts\n" in await details_of(world, asked.response)
