"""A model that does not answer: people hear at once when it is tried again, or another one answers."""

import re

import pytest

from bot.domain import Ending, Place, Setting
from bot.errors import ConfigError, ModelUnreachable
from bot.ids import utc_now
from bot.store.audit import Change, ChangeKind
from tests.conftest import Worlds
from tests.support.simulated import World

USUAL = "meta/meta-llama-3-70b-instruct"
SECOND = "meta/meta-llama-3-8b-instruct"


async def goes_down(world: World) -> None:
    """Five requests meet a model that cannot be reached."""
    for _ in range(5):
        world.model.fails(ModelUnreachable())
        await world.ana.slash(world.channel, "ask", question="still there?")


async def test_people_hear_at_once_when_it_is_tried_again(world: World) -> None:
    await goes_down(world)
    asked = await world.ben.slash(world.channel, "ask", question="and now?")
    assert asked.response is not None
    assert asked.response.ephemeral
    said = r"llama-3-70b-instruct cannot be reached right now. I try it again <t:\d+:R>"
    assert re.search(said, asked.response.content)
    assert len(world.model.calls) == 5
    last = (await world.usage())[-1]
    assert (last.ending, last.error, last.cost) == (Ending.FAILED, "ModelPaused", 0)


async def test_another_model_answers_and_the_footer_says_which(world_with: Worlds) -> None:
    async with world_with(fallback_model=SECOND) as world:
        await goes_down(world)
        world.model.answers("From the second.")
        await world.ben.slash(world.channel, "ask", question="and now?")
        [answer] = world.texts()[-1:]
        assert "From the second." in answer
        assert "meta-llama-3-70b-instruct cannot be reached right now, so another model answered." in answer
        assert "-# meta-llama-3-8b-instruct · " in answer
        last = (await world.usage())[-1]
        second = world.bot.answers.services.registry.get(SECOND)
        assert (last.ending, last.model, last.cost) == (Ending.DONE, SECOND, second.cost(last.tokens))


async def test_a_place_that_does_not_allow_the_second_model_is_not_answered_by_it(world_with: Worlds) -> None:
    async with world_with(fallback_model=SECOND) as world:
        guild, admin = world.guild.id, world.ana.id
        only_usual = Change(
            1, guild, admin, utc_now(), ChangeKind.SETTING, Place.GUILD, guild, Setting.MODELS.value, [USUAL]
        )
        await world.bot.answers.services.policies.change(only_usual)
        await goes_down(world)
        asked = await world.ben.slash(world.channel, "ask", question="and now?")
        assert asked.response is not None
        assert "I try it again" in asked.response.content


async def test_where_both_are_down_people_hear_it_of_the_one_they_asked(world_with: Worlds) -> None:
    async with world_with(fallback_model=SECOND) as world:
        await goes_down(world)
        await goes_down(world)
        assert [call.model.name for call in world.model.calls] == [USUAL] * 5 + [SECOND] * 5
        asked = await world.ben.slash(world.channel, "ask", question="and now?")
        assert asked.response is not None
        assert "llama-3-70b-instruct cannot be reached" in asked.response.content


async def test_unknown_models_end_the_start(world_with: Worlds) -> None:
    with pytest.raises(ConfigError) as told:
        async with world_with(default_model="nobody/nothing", fallback_model="nobody/nothing"):
            pass
    assert [fault.partition(" is none of those known: ")[0] for fault in told.value.faults] == [
        "DEFAULT_MODEL",
        "FALLBACK_MODEL",
    ]
