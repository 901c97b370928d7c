"""Every command, button, menu and form, tried by every kind of person, past Discord's own gating.

What there is to try is read from the bot, and what is expected from one declaration each: a command's
permissions as Discord has them or the ``audience`` among its extras, and the ``audience`` of a button or
menu. So a new one is tried as well.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app import SEES_NOT, TIMED_OUT, Parlance
from bot.store.audit import audit_page
from cogs.buttons import NOT_ASKER, NOT_SEEN
from cogs.permissions import NOT_ADMIN, Audience
from cogs.privacy import NOT_YOURS
from tests.support.patience import PATIENCE
from tests.support.scripted import ScriptedProvider
from tests.wire.discord import (
    Acknowledged,
    Channel,
    DiscordStandIn,
    Install,
    Interaction,
    Message,
    Permission,
    User,
)
from tests.wire.discord_commands import CHAT_INPUT, STRING
from tests.wire.discord_kinds import InteractionKind
from tests.wire.discord_world import Guild, walk
from tests.wire.everything import bearing, commands, filled, items, least_id, press, use
from tests.wire.online import let_everything_in, online

pytestmark = pytest.mark.slow

REFUSALS = (NOT_ADMIN, NOT_ASKER, NOT_SEEN, NOT_YOURS, SEES_NOT, TIMED_OUT)
"""What somebody is told who may not."""

MAY = {
    Audience.EVERYONE: {"owner", "admin", "manager", "moderator", "asker", "member"},
    Audience.ASKER: {"asker"},
    Audience.ASKER_OR_MODERATOR: {"owner", "admin", "moderator", "asker"},
    Audience.MANAGERS: {"owner", "admin", "manager"},
}
"""Who may do what is for whom; nobody else may."""
MAY_NOT = {"timed out", "timed-out manager", "outsider", "another server's admin"}
"""Who may do nothing here, whomever it is for."""


@dataclass
class Court:
    """The bot, and one person of every kind before it."""

    standin: DiscordStandIn
    bot: Parlance
    model: ScriptedProvider
    people: dict[str, User]
    elsewhere: Guild
    other_channel: Channel

    async def acknowledged(self, interaction: Interaction) -> None:
        await self.standin.wait_for(lambda: interaction.acknowledged is not Acknowledged.NOT)

    async def shown(self, interaction: Interaction, text: str) -> None:
        await self.standin.wait_for(lambda: text in interaction.text)

    async def is_refused(self, interaction: Interaction) -> bool:
        """Whether the answer is that the person may not."""
        await self.acknowledged(interaction)
        await self.standin.wait_for(lambda: interaction.original is None or not interaction.original.loading)
        return any(sentence in interaction.text for sentence in REFUSALS)

    async def verdicts(self, what: str, may: set[str], tries: "dict[str, Interaction]") -> list[str]:
        """Return what differs from what is expected, in words."""
        refused = {kind: await self.is_refused(interaction) for kind, interaction in tries.items()}
        return [
            f"{what}: {kind} was {'refused' if is_refused else 'let in'}"
            for kind, is_refused in refused.items()
            if is_refused is (kind in may)
        ]

    async def changes(self, guild: Guild) -> int:
        """How often somebody has changed something in a server."""
        return len(
            await self.bot.store.read(lambda transaction: audit_page(transaction, guild.id, 2**62, 1000))
        )

    async def answered(self) -> Interaction:
        """An answer that is complete, which the asker asked for."""
        asked = self.standin.slash(self.people["asker"], self.standin.channel, "ask", {"question": "why?"})
        await self.shown(asked, "-# meta")
        return asked

    async def answering(self) -> tuple[Interaction, asyncio.Event]:
        """An answer under way, which the asker asked for, and what lets it end."""
        gate = self.model.held("Be", "cause.")
        asked = self.standin.slash(self.people["asker"], self.standin.channel, "ask", {"question": "why?"})
        await self.shown(asked, "Be")
        return asked, gate


@pytest.fixture
async def court(standin: DiscordStandIn, tmp_path: Path) -> AsyncIterator[Court]:
    standin.rules.clear()
    standin.lifetimes.acknowledge = PATIENCE
    guild = standin.guild
    people = {"owner": standin.owner, "asker": standin.member, "member": standin.other}
    for kind in ("admin", "manager", "moderator", "timed out", "timed-out manager"):
        people[kind] = standin.add_user(kind, guild)
    for kind, held in (
        ("admin", Permission.ADMINISTRATOR),
        ("manager", Permission.MANAGE_GUILD),
        ("moderator", Permission.MANAGE_MESSAGES),
        ("timed-out manager", Permission.MANAGE_GUILD | Permission.MANAGE_MESSAGES),
    ):
        standin.add_role(guild, kind, held, people[kind])
    guild.timed_out |= {people["timed out"].id, people["timed-out manager"].id}
    people["outsider"] = standin.add_user("outsider")
    people["another server's admin"] = boss = standin.add_user("boss")
    elsewhere = standin.add_guild("elsewhere", boss)
    other_channel = standin.add_channel("general", elsewhere)
    model = ScriptedProvider(echo="Because.")
    async with online(standin, tmp_path, model) as bot:
        let_everything_in(bot)
        standin.invite(elsewhere)
        yield Court(standin, bot, model, people, elsewhere, other_channel)


def kinds(court: Court, *, refused: bool, may: set[str]) -> Iterator[tuple[str, User]]:
    """The kinds of people who are to be refused, or those who are not."""
    for kind, user in court.people.items():
        if (kind not in may) is refused:
            yield kind, user


async def test_every_kind_of_person_is_in_the_table(court: Court) -> None:
    assert set(court.people) == MAY_NOT.union(*MAY.values())
    assert set(Audience) == set(MAY)


async def test_commands(court: Court) -> None:
    standin, wrong = court.standin, []
    target = standin.say(standin.other, standin.channel, "what was said")
    everything = commands(standin)
    assert {"ask", "settings panel"} <= {command.name for command in everything}
    for command in everything:
        may = MAY[command.audience(court.bot)]
        values = {
            option["name"]: await filled(standin, standin.member, standin.channel, option, "words")
            for option in command.options
            if option.get("required")
        }
        for refused in (True, False):
            before = await court.changes(standin.guild)
            tries = {
                kind: use(standin, user, standin.channel, command, values, target)
                for kind, user in kinds(court, refused=refused, may=may)
            }
            wrong += await court.verdicts(f"/{command.name}", may, tries)
            if refused:
                assert await court.changes(standin.guild) == before, command.name
    assert not wrong, "\n".join(wrong)


async def test_what_is_typed_into_options(court: Court) -> None:
    standin = court.standin
    completed = [
        (command, option)
        for command in commands(standin)
        for option in command.options
        if command.root["type"] == CHAT_INPUT and option["type"] == STRING and option.get("autocomplete")
    ]
    assert completed
    for command, option in completed:
        data = {
            "id": command.root["id"],
            "name": command.root["name"],
            "type": CHAT_INPUT,
            "options": [{"name": option["name"], "type": STRING, "value": "", "focused": True}],
        }
        for step in reversed(command.path):
            data["options"] = [{"name": step, "type": 1, "options": data["options"]}]

        def typed(user: User, data: dict[str, object] = data) -> Interaction:
            kind = InteractionKind.AUTOCOMPLETE
            return standin._interact(kind, user, standin.channel, data, None, Install.GUILD)

        barred = [typed(court.people[kind]) for kind in MAY_NOT]
        offered = typed(standin.owner)
        await court.acknowledged(offered)
        assert offered.choices is not None
        assert all(each.choices is None for each in barred), command.name


async def test_buttons_and_menus(court: Court) -> None:
    """Each with the least id that it takes, which is nobody's; those that are somebody's follow below."""
    standin, wrong = court.standin, []
    known = items(court.bot)
    assert known
    for template, item in known.items():
        custom_id = least_id(template)
        message = bearing(standin, standin.channel, custom_id)
        # An answer that there is not is nobody's: that is said to all who are let in at all.
        may = {
            Audience.MANAGERS: MAY[Audience.MANAGERS],
            Audience.ASKER: set[str](),
        }.get(item.audience, MAY[Audience.EVERYONE])
        tries = {
            kind: press(standin, user, standin.channel, message, custom_id)
            for kind, user in court.people.items()
        }
        wrong += await court.verdicts(item.__name__, may, tries)
    assert not wrong, "\n".join(wrong)
    assert not await court.changes(standin.guild)


async def test_the_buttons_of_an_answer(court: Court) -> None:
    standin, wrong = court.standin, []
    asked, end = await court.answering()
    may = MAY[Audience.ASKER_OR_MODERATOR]
    stop = asked.messages[0].button("Stop")
    tries = {
        kind: press(standin, user, standin.channel, asked.messages[0], stop)
        for kind, user in kinds(court, refused=True, may=may)
    }
    wrong += await court.verdicts("Stop", may, tries)
    end.set()
    await court.shown(asked, "Because.")
    for kind, user in kinds(court, refused=False, may=may):
        held, _ = await court.answering()
        stopped = press(standin, user, standin.channel, held.messages[0], held.messages[0].button("Stop"))
        wrong += await court.verdicts("Stop", may, {kind: stopped})
        await court.shown(held, "Stopped.")
    details = asked.messages[0].button("Details")
    tries = {
        kind: press(standin, user, standin.channel, asked.messages[0], details)
        for kind, user in court.people.items()
    }
    wrong += await court.verdicts("Details", MAY[Audience.EVERYONE], tries)
    assert not wrong, "\n".join(wrong)


async def test_a_button_about_one_person_is_for_that_person(court: Court) -> None:
    standin = court.standin
    custom_id = f"erase:{court.people['asker'].id}"
    message = bearing(standin, standin.channel, custom_id)
    tries = {
        kind: press(standin, user, standin.channel, message, custom_id) for kind, user in court.people.items()
    }
    assert not await court.verdicts("Erase", MAY[Audience.ASKER], tries)


async def test_details_of_a_private_answer_are_for_the_asker(court: Court) -> None:
    standin = court.standin
    options = {"question": "why?", "private": True}
    asked = standin.slash(court.people["asker"], standin.channel, "ask", options)
    await court.shown(asked, "-# meta")
    details = asked.messages[0].button("Details")
    for kind, user in court.people.items():
        pressed = press(standin, user, standin.channel, asked.messages[0], details)
        assert await court.is_refused(pressed) is (kind != "asker"), kind


async def panels(court: Court) -> list[tuple[Message, str]]:
    """Every button and menu of the settings, of the server and of a channel."""
    standin = court.standin
    of_server = standin.slash(standin.owner, standin.channel, "settings panel")
    await standin.wait_for(lambda: of_server.original)
    assert of_server.original is not None
    shown = [(of_server.original, custom_id) for custom_id in of_server.original.custom_ids]
    for _, custom_id in list(shown):
        of_channel = custom_id.replace("panel:0:", f"panel:{standin.channel.id}:")
        shown.append((bearing(standin, standin.channel, of_channel), of_channel))
    return shown


async def test_the_settings_panel_and_its_forms(court: Court) -> None:
    standin, wrong = court.standin, []
    may = MAY[Audience.MANAGERS]
    parts = await panels(court)
    assert len(parts) > 10
    forms: list[Interaction] = []
    for refused in (True, False):
        for message, custom_id in parts:
            tries = {
                kind: press(standin, user, standin.channel, message, custom_id)
                for kind, user in kinds(court, refused=refused, may=may)
            }
            wrong += await court.verdicts(custom_id, may, tries)
            forms += [interaction for interaction in tries.values() if interaction.modal]
        assert bool(forms) is not refused
        if refused:
            assert not await court.changes(standin.guild)
    for custom_id in {form.modal["custom_id"] for form in forms if form.modal}:
        for refused in (True, False):
            before = await court.changes(standin.guild)
            tries = {
                kind: sent(court, user, standin.channel, custom_id, "30")
                for kind, user in kinds(court, refused=refused, may=may)
            }
            wrong += await court.verdicts(f"form {custom_id}", may, tries)
            if refused and await court.changes(standin.guild) != before:
                wrong.append(f"form {custom_id}: changed something for somebody who was refused")
    assert not wrong, "\n".join(wrong)
    assert await court.changes(standin.guild)


def sent(court: Court, user: User, channel: Channel, custom_id: str, text: str) -> Interaction:
    """A form of the panel that somebody sends, whoever it was shown to."""
    standin = court.standin
    field = {"type": 4, "custom_id": "text", "value": text}
    data = {"custom_id": custom_id, "components": [{"type": 18, "component": field}]}
    message = bearing(standin, channel, custom_id)
    kind = InteractionKind.MODAL
    return standin._interact(kind, user, channel, data, None, Install.GUILD, message)


async def test_ids_of_one_server_do_nothing_in_another(court: Court) -> None:
    standin, boss = court.standin, court.people["another server's admin"]
    asked, end = await court.answering()
    stop, whole = asked.messages[0].button("Stop"), (await court.answered()).messages[0]
    details = whole.button("Details")
    panel_ids = [custom_id for _, custom_id in await panels(court)]

    def pressed_elsewhere(custom_id: str) -> Interaction:
        message = bearing(standin, court.other_channel, custom_id)
        return press(standin, boss, court.other_channel, message, custom_id)

    for custom_id in (stop, details):
        assert await court.is_refused(pressed_elsewhere(custom_id))
    for custom_id in panel_ids:
        pressed = pressed_elsewhere(custom_id)
        await court.acknowledged(pressed)
        form = sent(court, boss, court.other_channel, custom_id, "30")
        await court.acknowledged(form)
    assert not await court.changes(standin.guild)
    assert await court.changes(court.elsewhere)
    shown = [part for sent in standin.sent(court.other_channel) for part in walk(sent.components)]
    assert str(standin.channel.id) not in str([part for part in shown if "content" in part])
    end.set()
    await court.shown(asked, "Because.")


async def test_the_door_is_the_same_for_direct_messages(court: Court) -> None:
    """Who is timed out in a server is somebody like all others where that server has no say."""
    message = court.standin.dm(court.people["timed out"], "why?")
    sent = court.standin.sent
    await court.standin.wait_for(lambda: any("Because." in each.content for each in sent(message.channel)))
