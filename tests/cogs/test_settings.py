"""/settings panel, pressed in a simulated Discord by people who may and people who may not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord

from bot.choices import Choices
from bot.domain import Command, Setting, Visibility
from bot.panel import Part, Press, Where
from bot.store.audit import AuditRow, audit_page, stamp
from tests.support.simulated import World, settings_for, simulated

NOT_ADMIN = "Only people with the permission “Manage Server” can do this."


@pytest.fixture
def mia(world: World) -> simcord.MemberActor:
    """Somebody who may manage the server."""
    return world.manager()


def parts(components: Any) -> Iterator[dict[str, Any]]:
    for part in components:
        yield part
        yield from parts(part.get("components", ()))


def shown(message: Any) -> str:
    """All the words of a panel."""
    return "\n".join(part["content"] for part in parts(message.components) if "content" in part)


async def opened(world: World, admin: simcord.MemberActor) -> Any:
    result = await admin.slash(world.channel, "settings panel")
    assert result.response is not None
    assert result.response.ephemeral
    return result.response


def press(world: World, part: Part | Setting, turn: bool | None = None, **where: int) -> str:
    """The id of a part of the server's panel, or of a channel's, when nothing is chosen there."""
    seen = stamp(None) if isinstance(part, Setting) else ""
    return Press(Where(world.guild.id, where.get("channel")), part, turn, seen).custom_id


def part_of(message: Any, setting: Part | Setting) -> dict[str, Any]:
    """The menu or button of a setting."""
    [part] = [part for part in parts(message.components) if f":{setting.value}:" in part.get("custom_id", "")]
    return part


async def chosen(world: World, channel: int | None = None) -> Choices:
    reaching = await world.bot.answers.services.policies.look(world.guild.id, channel)
    return reaching.guild if channel is None else reaching.channel


async def history(world: World) -> tuple[AuditRow, ...]:
    return await world.bot.store.read(lambda transaction: audit_page(transaction, world.guild.id, 2**62, 100))


def private_line(result: simcord.InteractionResult) -> str:
    messages = [result.response, *result.followups]
    [said] = [message for message in messages if message is not None and message.content]
    assert said.ephemeral
    return str(said.content)


class TestPanel:
    async def test_shows_what_holds_and_where_it_comes_from(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        panel = await opened(world, mia)
        assert shown(panel).startswith("## Settings of the whole server")
        assert shown(panel).count("as the operator set it") == 1
        assert "**Model**\n" in shown(panel)
        assert "**Longest answer**: 2,048 tokens\n" in shown(panel)
        options = part_of(panel, Setting.MODEL)["options"]
        assert [option["value"] for option in options if option.get("default")] == [
            "meta/meta-llama-3-70b-instruct"
        ]

    async def test_keeps_within_discords_bounds(self, world: World, mia: simcord.MemberActor) -> None:
        await choose_everything(world, mia)
        panel = await opened(world, mia)
        everything = list(parts(panel.components))
        assert len(everything) <= 40
        assert len(shown(panel)) <= 4000
        for part in everything:
            assert len(part.get("custom_id", "")) <= 100
            assert len(part.get("options", ())) <= 25

    async def test_chooses_commands(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        await mia.select(panel, ["ask", "story"], custom_id=press(world, Setting.COMMANDS))
        assert (await chosen(world)).commands == frozenset({Command.ASK, Command.STORY})
        assert "**Commands** · *chosen here*" in shown(panel)
        result = await world.ben.slash(world.channel, "translate", text="Hello", to="fr")
        assert "/translate is switched off in this channel" in private_line(result)
        assert (await world.usage(), world.model.calls) == ([], [])

    async def test_chooses_a_model(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        name = "ibm-granite/granite-3.3-8b-instruct"
        await mia.select(panel, [name], custom_id=press(world, Setting.MODEL))
        world.model.answers("Blue.")
        await world.ben.slash(world.channel, "ask", question="Sea?")
        assert world.model.calls[0].model.name == name

    async def test_chooses_which_models_may_be_chosen(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        name = "ibm-granite/granite-3.3-8b-instruct"
        await mia.select(panel, [name], custom_id=press(world, Setting.MODELS))
        offered = await world.ben.autocomplete(world.channel, "ask", "model", "", question="?")
        assert {choice["value"] for choice in offered} == {name, "meta/meta-llama-3-70b-instruct"}
        result = await world.ben.slash(world.channel, "ask", question="Sea?", model="openai/gpt-4.1-mini")
        assert "The model openai/gpt-4.1-mini may not be chosen in this channel" in private_line(result)
        assert await world.usage() == []

    async def test_pauses_the_whole_server_and_answers_again(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        panel = await opened(world, mia)
        await mia.click(panel, label="Pause me")
        result = await world.ben.slash(world.channel, "ask", question="Sea?")
        assert "have paused me here" in private_line(result)
        assert await world.usage() == []
        await mia.click(panel, label="Answer again")
        assert await chosen(world) == Choices()
        world.model.answers("Blue.")
        await world.ben.slash(world.channel, "ask", question="Sea?")
        assert "Blue." in world.texts()[-1]

    async def test_makes_answers_private_where_the_person_did_not_say(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        panel = await opened(world, mia)
        await mia.click(panel, label="Answer privately")
        world.model.echo = "Blue."
        kept = await world.ben.slash(world.channel, "ask", question="Sea?")
        told = await world.ben.slash(world.channel, "story", premise="A heron.")
        asked = await world.ben.slash(world.channel, "ask", question="Sea?", private=False)
        assert [result.response and result.response.ephemeral for result in (kept, told, asked)] == [
            True,
            True,
            False,
        ]
        assert kept.response is not None
        assert "> Sea?" not in kept.response.content
        assert [row.visibility for row in await world.usage()] == [
            Visibility.PRIVATE,
            Visibility.PRIVATE,
            Visibility.PUBLIC,
        ]

    async def test_sets_the_language_of_replies(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        await mia.select(panel, ["zh-CN"], custom_id=press(world, Setting.LANGUAGE))
        world.model.answers("蓝色。")
        result = await world.ben.slash(world.channel, "ask", question="Sea?")
        assert result.response is not None
        assert "Always write in Simplified Chinese." in world.model.calls[0].prompt.system
        await mia.click(panel, label="Pause me")
        refused = await world.ben.slash(world.channel, "ask", question="Sea?")
        assert "本服务器的管理员" in private_line(refused)

    async def test_says_where_notices_go(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        await mia.select(panel, [world.channel], custom_id=press(world, Setting.NOTICES))
        assert (await chosen(world)).notices == world.channel.id
        await mia.select(panel, [], custom_id=part_of(panel, Setting.NOTICES)["custom_id"])
        assert (await chosen(world)).notices is None

    async def test_takes_choices_back(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        await mia.click(panel, label="Pause me")
        await mia.select(panel, ["ask"], custom_id=press(world, Setting.COMMANDS))
        reset = part_of(panel, Part.RESET)
        assert [option["label"] for option in reset["options"]] == ["Commands", "Pause"]
        await mia.select(
            panel, [option["value"] for option in reset["options"]], custom_id=reset["custom_id"]
        )
        assert await chosen(world) == Choices()
        assert len(await history(world)) == 4

    async def test_of_a_channel_holds_there_alone(self, world: World, mia: simcord.MemberActor) -> None:
        other = world.guild.create_text_channel("other")
        panel = await opened(world, mia)
        await mia.select(panel, [other], custom_id=press(world, Part.LOOK))
        assert f"## Settings of <#{other.id}>" in shown(panel)
        assert "Time zone" not in shown(panel)
        await mia.click(panel, label="Pause me")
        world.model.answers("Blue.")
        answered = await world.ben.slash(world.channel, "ask", question="Sea?")
        assert answered.response is not None
        assert "Blue." in answered.response.content
        assert "paused me here" in private_line(await world.ben.slash(other, "ask", question="Sea?"))
        await mia.click(panel, label="The whole server")
        assert "## Settings of the whole server" in shown(panel)

    async def test_of_a_channel_shows_what_the_server_chose(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        panel = await opened(world, mia)
        await mia.click(panel, label="Answer privately")
        await mia.select(panel, [world.channel], custom_id=press(world, Part.LOOK))
        assert "**Answers**: private unless asked otherwise · *as in the whole server*" in shown(panel)

    async def test_goes_on_after_a_restart(self, tmp_path: Path) -> None:
        async with simulated(settings_for(tmp_path)) as world:
            panel = await opened(world, mia := world.manager())
            # What a new process knows: nothing of views and forms that an old one sent.
            store = world.bot._connection._view_store
            assert (store._views, store._modals) == ({}, {})
            form = await mia.click(panel, label="Persona…")
            assert store._modals == {}
            await mia.submit_modal(form, {"text": "A heron."})
            assert (await chosen(world)).persona == "A heron."

    async def test_says_when_its_channel_is_gone(self, world: World, mia: simcord.MemberActor) -> None:
        other = world.guild.create_text_channel("other")
        panel = await opened(world, mia)
        await mia.select(panel, [other], custom_id=press(world, Part.LOOK))
        channel = world.bot.get_channel(other.id)
        assert isinstance(channel, discord.TextChannel)
        await channel.delete()
        result = await mia.click(panel, label="Pause me")
        assert private_line(result).startswith("This channel is not there any more.")
        assert await history(world) == ()


async def choose_everything(world: World, mia: simcord.MemberActor) -> None:
    panel = await opened(world, mia)
    for setting, text in (
        (Setting.PERSONA, "*" * 2000),
        (Setting.LONGEST_ANSWER, "1,000"),
        (Setting.TIME_ZONE, "buenos aires"),
        (Setting.RETENTION_DAYS, "90"),
    ):
        await write(mia, panel, setting, text)
    await mia.click(panel, label="Pause me")
    await mia.click(panel, label="Answer privately")
    await mia.select(panel, ["ask"], custom_id=press(world, Setting.COMMANDS))
    await mia.select(panel, ["zh-TW"], custom_id=press(world, Setting.LANGUAGE))
    await mia.select(panel, [world.channel], custom_id=press(world, Setting.NOTICES))
    models = part_of(panel, Setting.MODELS)
    await mia.select(
        panel, [option["value"] for option in models["options"]][:3], custom_id=models["custom_id"]
    )
    await mia.select(panel, [models["options"][3]["value"]], custom_id=press(world, Setting.MODEL))


async def write(
    admin: simcord.MemberActor, panel: Any, setting: Setting, text: str
) -> simcord.InteractionResult:
    form = await admin.click(panel, custom_id=part_of(panel, setting)["custom_id"])
    return await admin.submit_modal(form, {"text": text})


class TestForms:
    async def test_everything_that_can_be_chosen_is_kept_and_shown(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        await choose_everything(world, mia)
        choices = await chosen(world)
        assert None not in choices.model_dump().values()
        assert choices.time_zone == "America/Buenos_Aires"
        assert len(await history(world)) == len(Setting)
        panel = await opened(world, mia)
        assert "as the operator set it" not in shown(panel)

    async def test_a_persona_speaks(self, world: World, mia: simcord.MemberActor) -> None:
        await write(mia, await opened(world, mia), Setting.PERSONA, "You are a pirate.\nYou love tea.")
        world.model.answers("Arr.")
        await world.ben.slash(world.channel, "ask", question="Who are you?")
        [call] = world.model.calls
        assert "You are a pirate.\nYou love tea." in call.prompt.system
        assert call.words == "Who are you?"

    async def test_the_longest_answer_bounds_the_model(self, world: World, mia: simcord.MemberActor) -> None:
        await write(mia, await opened(world, mia), Setting.LONGEST_ANSWER, "300")
        world.model.answers("Blue.")
        await world.ben.slash(world.channel, "ask", question="Sea?")
        assert world.model.calls[0].prompt.max_tokens == 300

    async def test_an_empty_form_takes_the_choice_back(self, world: World, mia: simcord.MemberActor) -> None:
        panel = await opened(world, mia)
        await write(mia, panel, Setting.RETENTION_DAYS, "90")
        form = await mia.click(panel, custom_id=part_of(panel, Setting.RETENTION_DAYS)["custom_id"])
        assert form.modal is not None
        [label] = form.modal["components"]
        assert label["component"]["value"] == "90"
        await mia.submit_modal(form, {"text": "  "})
        assert (await chosen(world)).retention_days is None

    @pytest.mark.parametrize(
        ("setting", "text", "sentence"),
        [
            (Setting.LONGEST_ANSWER, "many", "Please write a whole number, such as 1,000."),
            (Setting.LONGEST_ANSWER, "-5", "Please write a whole number, such as 1,000."),
            (Setting.LONGEST_ANSWER, "1.5", "Please write a whole number, such as 1,000."),
            (Setting.LONGEST_ANSWER, "0", "Longest answer wants a whole number from 16 to 2,048."),
            (Setting.LONGEST_ANSWER, "2049", "Longest answer wants a whole number from 16 to 2,048."),
            (Setting.LONGEST_ANSWER, "9" * 12, "Longest answer wants a whole number from 16 to 2,048."),
            (
                Setting.RETENTION_DAYS,
                "34",
                "Retention of records wants a whole number of days from 35 to 3,650.",
            ),
            (
                Setting.RETENTION_DAYS,
                "3651",
                "Retention of records wants a whole number of days from 35 to 3,650.",
            ),
            (Setting.TIME_ZONE, "Europe/Berlim", "I know no time zone called “Europe/Berlim”."),
            (Setting.TIME_ZONE, "../../etc/passwd", "I know no time zone called “../../etc/passwd”."),
        ],
    )
    async def test_what_cannot_be_used_is_said_and_changes_nothing(
        self, world: World, mia: simcord.MemberActor, setting: Setting, text: str, sentence: str
    ) -> None:
        result = await write(mia, await opened(world, mia), setting, text)
        assert private_line(result).startswith(sentence)
        assert await history(world) == ()


class TestPermission:
    async def test_discord_shows_the_command_to_managers_alone(self, world: World) -> None:
        with pytest.raises(simcord.SetupError, match="default-member-permissions"):
            await world.ben.slash(world.channel, "settings panel")
        command = world.bot.tree.get_command("settings")
        assert isinstance(command, discord.app_commands.Group)
        assert command.default_permissions == discord.Permissions(manage_guild=True)

    async def test_a_server_may_show_it_to_all_and_still_only_managers_may(self, world: World) -> None:
        await show_to_all(world)
        result = await world.ben.slash(world.channel, "settings panel")
        assert private_line(result) == NOT_ADMIN

    async def test_who_loses_the_permission_can_press_nothing_any_more(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        panel = await opened(world, mia)
        form = await mia.click(panel, label="Persona…")
        await world.lose_roles(mia)
        for part in [part for part in parts(panel.components) if "custom_id" in part]:
            if part["type"] == 2:
                result = await mia.click(panel, custom_id=part["custom_id"])
            else:
                values = [part["options"][0]["value"]] if "options" in part else [world.channel]
                result = await mia.select(panel, values, custom_id=part["custom_id"])
            assert private_line(result) == NOT_ADMIN
        assert private_line(await mia.submit_modal(form, {"text": "Mine."})) == NOT_ADMIN
        assert await history(world) == ()


class TestTwoAdmins:
    async def test_the_later_is_told_what_changed(self, world: World, mia: simcord.MemberActor) -> None:
        tom = world.manager("tom")
        hers, his = await opened(world, mia), await opened(world, tom)
        old = press(world, Setting.COMMANDS)
        await mia.select(hers, ["ask"], custom_id=old)
        await tom.select(his, ["story"], custom_id=old)
        assert (await chosen(world)).commands == frozenset({Command.ASK})
        assert f"> <@{mia.id}> has changed “Commands” meanwhile" in shown(his)
        assert "It is now: /ask" in shown(his)
        await tom.select(his, ["story"], custom_id=part_of(his, Setting.COMMANDS)["custom_id"])
        assert (await chosen(world)).commands == frozenset({Command.STORY})
        assert "meanwhile" not in shown(his)

    async def test_a_persona_that_was_not_saved_is_given_back(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        tom = world.manager("tom")
        hers, his = await opened(world, mia), await opened(world, tom)
        form = await tom.click(his, label="Persona…")
        await write(mia, hers, Setting.PERSONA, "A pirate.")
        await tom.submit_modal(form, {"text": "x" * 2000})
        assert (await chosen(world)).persona == "A pirate."
        assert f"It is now: A pirate. You wrote: {'x' * 2000}" in shown(his)
        assert len(shown(his)) <= 4000


async def show_to_all(world: World) -> None:
    """What a server's owner may do in its integration settings."""
    [command] = [each for each in await world.bot.tree.fetch_commands() if each.name == "settings"]
    world.guild.set_command_permissions(command, {world.guild.default_role: True})
