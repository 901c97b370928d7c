from bot.domain import Command, Ending
from tests.support.simulated import World


async def test_a_story_is_told_from_a_premise(world: World) -> None:
    world.model.answers("**The Lamp**\n\nOnce there was a lamp.")
    result = await world.ana.slash(
        world.channel,
        "story",
        premise="A lamp that dreams",
        genre="fairy tale",
        length="short",
        style="in rhymes",
    )
    assert result.response is not None
    assert result.response.content.startswith("**The Lamp**\n\nOnce there was a lamp.\n-# ")
    [call] = world.model.calls
    assert call.words == "Premise: A lamp that dreams\nGenre: fairy tale\nStyle: in rhymes"
    assert "about 250 words" in call.prompt.system
    [row] = await world.usage()
    assert (row.command, row.ending) == (Command.STORY, Ending.DONE)


async def test_a_story_needs_no_wishes(world: World) -> None:
    world.model.answers("Once.")
    await world.ana.user.slash("story", premise="A lamp")
    [call] = world.model.calls
    assert call.words == "Premise: A lamp"
    assert "about 600 words" in call.prompt.system
