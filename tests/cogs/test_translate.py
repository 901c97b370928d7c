import pytest

from bot.domain import Command, Ending, Tokens
from tests.support.scripted import Scripted
from tests.support.simulated import World


async def test_a_text_is_translated(world: World) -> None:
    world.model.answers("La mer est bleue.")
    result = await world.ana.slash(world.channel, "translate", text="The sea is blue.", to="fr")
    assert result.response is not None
    assert result.response.content.startswith("La mer est bleue.\n-# ")
    [call] = world.model.calls
    assert "<text-1>\nThe sea is blue.\n</text-1>" in call.words
    assert "into French" in call.prompt.system
    [row] = await world.usage()
    assert (row.command, row.ending) == (Command.TRANSLATE, Ending.DONE)


@pytest.mark.parametrize("name", ["German", "deutsch", "de", "DE"])
async def test_a_language_can_be_typed_by_name_or_code(world: World, name: str) -> None:
    world.model.answers("Das Meer ist blau.")
    await world.ana.slash(
        world.channel, "translate", **{"text": "The sea is blue.", "to": name, "from": "english"}
    )
    assert "from English into German" in world.model.calls[0].prompt.system


async def test_languages_are_offered_while_typing(world: World) -> None:
    for option in ("to", "from"):
        choices = await world.ana.autocomplete(world.channel, "translate", option, "日本", text="x")
        assert choices[0]["value"] == "ja"
    assert len(await world.ana.autocomplete(world.channel, "translate", "to", "", text="x")) == 25


async def test_a_long_text_is_translated_in_parts_and_joined(world: World) -> None:
    paragraphs = [(f"Paragraph {n} " + "says something. " * 70).strip() for n in range(5)]
    world.model.echo = "Absatz."
    result = await world.ana.slash(
        world.channel, "translate", text="\n\n".join(paragraphs), to="de", private=True
    )
    assert len(world.model.calls) > 1
    assert result.response is not None
    assert result.response.content.startswith("Absatz.\n\nAbsatz.")
    sent = "".join(call.words for call in world.model.calls)
    assert all(paragraph.strip() in sent for paragraph in paragraphs)
    [row] = await world.usage()
    assert row.read == {"parts": len(world.model.calls)}


async def test_a_part_that_reached_its_longest_length_is_not_passed_over(world: World) -> None:
    world.model.queue.append(Scripted(["Absatz eins, und dann"], tokens=Tokens(10, 2048)))
    world.model.echo = "Absatz."
    result = await world.ana.user.slash("translate", text="It says something. " * 300, to="de")
    assert len(world.model.calls) > 1
    assert result.response is not None
    assert "The answer may have reached its longest length." in result.response.content
