"""Application commands: what the bot registers, and what a person can make of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import regex

from tests.wire.discord_log import Exchange
from tests.wire.discord_messages import ApiError, invalid
from tests.wire.discord_payloads import (
    attachment_payload,
    channel_payload,
    member_payload,
    message_payload,
    role_payload,
    user_payload,
)
from tests.wire.discord_server import Server
from tests.wire.discord_world import Attachment, Channel, Guild, Json, Message, Role, Upload, User, World

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(
    1, 12
)
NAME = regex.compile(r"^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$")
"""Names of chat commands and their options, in every language (Discord: Application Command Naming)."""

CHOICES = 25
COMMAND_CHARACTERS = 8000


class Impossible(AssertionError):
    """A test asked for something that no person could do in Discord: no such command, option, button, or
    right.
    """


@dataclass(eq=False)
class Commands:
    """The registry behind /applications/{id}/commands. ``syncs`` counts the PUTs."""

    world: World
    syncs: int = 0

    def routes(self, server: Server) -> None:
        server.add("PUT /applications/{application_id}/commands", self.put)
        server.add("GET /applications/{application_id}/commands", self.get)

    def put(self, exchange: Exchange) -> list[Json]:
        """Replace all commands; one with a known name and type keeps its id."""
        for index, command in enumerate(exchange.body):
            _check_command(command, str(index))
        names = [(command["name"], command.get("type", CHAT_INPUT)) for command in exchange.body]
        if len(set(names)) < len(names):
            raise invalid("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        ids = {(command["name"], command["type"]): command["id"] for command in self.world.commands}
        self.world.commands = [
            self._registered(command, ids.get(name))
            for command, name in zip(exchange.body, names, strict=True)
        ]
        self.syncs += 1
        return self.world.commands

    def get(self, exchange: Exchange) -> list[Json]:
        if exchange.query.get("with_localizations") in {"true", "1"}:
            return self.world.commands
        hidden = ("name_localizations", "description_localizations")
        return [
            {key: value for key, value in command.items() if key not in hidden}
            for command in self.world.commands
        ]

    def _registered(self, command: Json, known_id: str | None) -> Json:
        permissions = command.get("default_member_permissions")
        return {
            "type": CHAT_INPUT,
            "description": "",
            "options": [],
            "nsfw": False,
            "contexts": None,
            "integration_types": [0],
            **command,
            "id": known_id or str(self.world.mint()),
            "application_id": str(self.world.application_id),
            "version": str(self.world.mint()),
            "default_member_permissions": None if permissions is None else str(permissions),
        }

    def find(self, name: str, kind: int = CHAT_INPUT) -> Json:
        """A registered command by its first word.

        Raises:
            Impossible: It is not registered.
        """
        for command in self.world.commands:
            if command["name"] == name and command["type"] == kind:
                return command
        known = sorted(command["name"] for command in self.world.commands)
        raise Impossible(f"no command {name!r} of type {kind}; synced: {known}")


def _check_command(command: Json, where: str) -> None:
    chat = command.get("type", CHAT_INPUT) == CHAT_INPUT
    if chat:
        _check_names(command, where)
        _check_options(command.get("options") or [], where)
    elif not 1 <= len(command["name"]) <= 32:
        raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 32 in length.", where, "name")
    if _characters(command) > COMMAND_CHARACTERS:
        raise ApiError(400, 50035, f"Command exceeds maximum size ({COMMAND_CHARACTERS})")


def _check_names(part: Json, *where: str) -> None:
    names = [part["name"], *(part.get("name_localizations") or {}).values()]
    for name in names:
        if not NAME.match(name) or name != name.lower():
            raise invalid(
                "APPLICATION_COMMAND_INVALID_NAME", f"Command name is invalid: {name}", *where, "name"
            )
    descriptions = [part.get("description") or "", *(part.get("description_localizations") or {}).values()]
    if any(not 1 <= len(description) <= 100 for description in descriptions):
        raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", *where, "description")


def _check_options(options: list[Json], *where: str) -> None:
    if len(options) > 25:
        raise invalid("BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.", *where, "options")
    if len({option["name"] for option in options}) < len(options):
        raise invalid(
            "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists", *where, "options"
        )
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        raise invalid(
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options first", *where, "options"
        )
    for option in options:
        _check_names(option, *where, "options", option["name"])
        _check_options(option.get("options") or [], *where, "options", option["name"])
        if len(option.get("choices") or []) > CHOICES:
            raise invalid(
                "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.", *where, "options", "choices"
            )


def _characters(part: Json) -> int:
    """The longest of each text's translations, as Discord sums a command up."""
    total = sum(
        max(
            [
                len(part.get(key) or ""),
                *(len(text) for text in (part.get(f"{key}_localizations") or {}).values()),
            ]
        )
        for key in ("name", "description")
    )
    total += sum(len(str(choice["name"])) + len(str(choice["value"])) for choice in part.get("choices") or [])
    return total + sum(_characters(option) for option in part.get("options") or [])


@dataclass
class Filled:
    """A command as a person filled it in: the interaction's data."""

    guild: Guild | None
    keep: Callable[[Upload], Attachment]
    resolved: Json = field(default_factory=dict)

    def data(
        self, command: Json, path: list[str], values: dict[str, object], focused: str | None = None
    ) -> Json:
        """The interaction's ``data`` for a command and the names of its subcommand groups.

        Raises:
            Impossible: Discord's client would not let a person send this.
        """
        options = command["options"]
        steps: list[Json] = []
        for word in path:
            step = _option(options, word)
            steps.append(step)
            options = step.get("options") or []
        if any(option["type"] in {SUBCOMMAND, GROUP} for option in options):
            raise Impossible(
                f"/{command['name']} needs a subcommand: {[option['name'] for option in options]}"
            )
        filled = [self._filled(_option(options, name), value, focused) for name, value in values.items()]
        missing = [
            option["name"] for option in options if option.get("required") and option["name"] not in values
        ]
        if missing and focused is None:
            raise Impossible(f"/{command['name']} needs {missing}")
        for step in reversed(steps):
            filled = [{"name": step["name"], "type": step["type"], "options": filled}]
        data: Json = {
            "id": command["id"],
            "name": command["name"],
            "type": command["type"],
            "options": filled,
        }
        return data | {"resolved": self.resolved} if self.resolved else data

    def _filled(self, option: Json, value: object, focused: str | None) -> Json:
        kind, name = option["type"], option["name"]
        filled: Json = {"name": name, "type": kind}
        if name == focused:
            return filled | {"value": value, "focused": True}
        _check_value(option, value)
        return filled | {"value": self._sent(kind, value)}

    def _sent(self, kind: int, value: object) -> Any:
        if isinstance(value, Upload):
            attachment = self.keep(value)
            self.resolved.setdefault("attachments", {})[str(attachment.id)] = attachment_payload(attachment)
            return str(attachment.id)
        if isinstance(value, User):
            self.resolved.setdefault("users", {})[str(value.id)] = user_payload(value)
            if self.guild is not None and value.id in self.guild.members:
                member = member_payload(self.guild, value) | {"permissions": "0"}
                del member["user"]
                self.resolved.setdefault("members", {})[str(value.id)] = member
        elif isinstance(value, Channel):
            shown = channel_payload(value) | {"permissions": "0"}
            self.resolved.setdefault("channels", {})[str(value.id)] = shown
        elif isinstance(value, Role) and self.guild is not None:
            self.resolved.setdefault("roles", {})[str(value.id)] = role_payload(self.guild, value.id)
        return str(value.id) if isinstance(value, User | Channel | Role) else value


def menu_data(command: Json, target: Message) -> Json:
    """The interaction's ``data`` for a message menu."""
    return {
        "id": command["id"],
        "name": command["name"],
        "type": MESSAGE_MENU,
        "target_id": str(target.id),
        "resolved": {"messages": {str(target.id): message_payload(target)}},
    }


_TYPES: dict[int, type | tuple[type, ...]] = {
    STRING: str,
    INTEGER: int,
    BOOLEAN: bool,
    USER: User,
    CHANNEL: Channel,
    ROLE: Role,
    MENTIONABLE: (User, Role),
    NUMBER: (int, float),
    ATTACHMENT: Upload,
}


def _option(options: list[Json], name: str) -> Json:
    for option in options:
        if option["name"] == name:
            return option
    raise Impossible(f"no option {name!r} among {[option['name'] for option in options]}")


def _check_value(option: Json, value: object) -> None:
    if not isinstance(value, _TYPES[option["type"]]):
        raise Impossible(f"{option['name']} takes type {option['type']}, not {value!r}")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise Impossible(f"{option['name']} offers {choices}, not {value!r}")
    if isinstance(value, str) and not option.get("min_length", 0) <= len(value) <= option.get(
        "max_length", 6000
    ):
        raise Impossible(f"{option['name']} does not take {len(value)} characters")
    if isinstance(value, int | float) and not isinstance(value, bool):
        least, most = option.get("min_value", value), option.get("max_value", value)
        if not least <= value <= most:
            raise Impossible(f"{option['name']} takes {least} to {most}, not {value}")
