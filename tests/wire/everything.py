"""Everything that can be done with the bot, read from what it registered: no list is kept by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from discord import AppCommandType
from discord.app_commands import Group
from hypothesis import find
from hypothesis import strategies as st

from bot.app import Parlance
from cogs.permissions import Audience
from tests.wire.discord import Channel, DiscordStandIn, Install, Interaction, Message, Upload, User
from tests.wire.discord_commands import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    CHAT_INPUT,
    GROUP,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
    Filled,
    menu_data,
)
from tests.wire.discord_kinds import InteractionKind, Permission
from tests.wire.discord_world import Json, walk


@dataclass(frozen=True)
class Command:
    """A command that can be run: one without subcommands, or one of them."""

    root: Json
    path: tuple[str, ...]
    options: list[Json]

    def audience(self, bot: Parlance) -> Audience:
        """Whom it is for: a whole group's is what Discord asks of those it shows it to."""
        permissions = Permission(int(self.root["default_member_permissions"] or 0))
        assert permissions in {Permission(0), Permission.MANAGE_GUILD}, self.name
        if permissions:
            return Audience.MANAGERS
        found = bot.tree.get_command(self.root["name"], type=AppCommandType(self.root["type"]))
        for step in self.path:
            assert isinstance(found, Group)
            found = found.get_command(step)
        assert found is not None
        audience: Audience = found.extras.get("audience", Audience.EVERYONE)
        return audience

    @property
    def name(self) -> str:
        return " ".join((self.root["name"], *self.path))


def commands(standin: DiscordStandIn) -> list[Command]:
    """Every command that the bot registered, menus too."""
    return [command for root in standin.world.commands for command in _below(root, (), root["options"])]


def _below(root: Json, path: tuple[str, ...], options: list[Json]) -> Iterator[Command]:
    if not any(option["type"] in {SUBCOMMAND, GROUP} for option in options):
        yield Command(root, path, options)
    for option in options:
        if option["type"] in {SUBCOMMAND, GROUP}:
            yield from _below(root, (*path, option["name"]), option.get("options") or [])


def use(
    standin: DiscordStandIn,
    user: User,
    channel: Channel,
    command: Command,
    values: dict[str, object],
    target: Message | None = None,
) -> Interaction:
    """Use a command past Discord's own gating; a menu on ``target``."""
    if command.root["type"] == CHAT_INPUT:
        filled = Filled(channel.guild, lambda upload: standin.cdn.keep(channel, upload))
        data = filled.data(command.root, list(command.path), values)
    else:
        assert target is not None
        data = menu_data(command.root, target)
    return standin._interact(InteractionKind.COMMAND, user, channel, data, None, Install.GUILD)


def press(
    standin: DiscordStandIn, user: User, channel: Channel, message: Message, custom_id: str
) -> Interaction:
    """Press a button, or choose the first that a menu offers, past Discord's own gating."""
    part = next(part for part in walk(message.components) if part.get("custom_id") == custom_id)
    data: Json = {"custom_id": custom_id, "component_type": part["type"], "id": part.get("id", 1)}
    if part["type"] != 2:
        data["values"] = [option["value"] for option in part.get("options", ())][:1]
    return standin._interact(InteractionKind.COMPONENT, user, channel, data, None, Install.GUILD, message)


async def filled(standin: DiscordStandIn, user: User, channel: Channel, option: Json, words: str) -> object:
    """What an option takes: ``words`` where it takes any, or else what it offers first or at most."""
    kind = option["type"]
    if kind == STRING and option.get("choices"):
        return option["choices"][0]["value"]
    if kind == STRING:
        return words[: option.get("max_length", 6000)]
    if kind in {INTEGER, NUMBER}:
        return option.get("max_value", 100)
    assert channel.guild is not None
    return {
        BOOLEAN: False,
        USER: user,
        CHANNEL: channel,
        ROLE: channel.guild.roles[channel.guild.id],
        MENTIONABLE: user,
        ATTACHMENT: Upload("notes.txt", words.encode()),
    }[kind]


def items(bot: Parlance) -> dict[str, type[Any]]:
    """Every button and menu that the bot knows by its id: the template, and what it is."""
    return {pattern.pattern: item for pattern, item in bot._connection._view_store._dynamic_items.items()}


def least_id(template: str) -> str:
    """The least id that a template takes."""
    found: str = find(st.from_regex(template, fullmatch=True), lambda text: text.isascii())
    return found


def bearing(standin: DiscordStandIn, channel: Channel, custom_id: str) -> Message:
    """A message of the bot's with a button of this id."""
    button = {"type": 2, "style": 2, "label": "x", "custom_id": custom_id, "id": 1}
    rows = [{"type": 1, "components": [button]}]
    message = Message(standin.world.mint(), channel, standin.bot, "words", components=rows)
    channel.messages[message.id] = message
    return message
