"""Reads a settings file for a server: all of it is right, or every fault is told at once."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from bot.choices import GUILD_ONLY, Choices
from bot.domain import Limit, Place, Setting
from bot.errors import BadRequest
from bot.i18n import N_, Language, language
from bot.i18n.settings import wants
from bot.settings_file.shape import ID, KIND, VERSION, LimitEntry
from bot.store.limits import MOST_LIMITS

PARTS: Final = frozenset({"parlance", "version", "server", "channels", "limits"})
MOST_TOLD: Final = 10
"""Faults told one by one; the others are counted."""
LONGEST_TOLD: Final = 60
"""Characters of a fault: what stands in a file may be anything."""

NOT_READ: Final = N_(
    "This is no settings file: it cannot be read as one. Nothing was changed. "
    "/settings export shows how one looks."
)
OTHER_VERSION: Final = N_(
    "This settings file is not of version {known}, the one that I read. Nothing was changed. "
    "Export it anew where it comes from."
)
UNKNOWN: Final = N_("{where} is not known here.")
WRONG: Final = N_("{where} {wants}.")
MALFORMED: Final = N_("{where} is not what belongs there.")
NO_CHANNEL: Final = N_("{where}: this server has no such channel.")
NO_CATEGORY: Final = N_("{where}: this server has no such category.")
NO_ROLE: Final = N_("{where}: this server has no such role.")
FOR_SERVER: Final = N_("{where} is chosen for the whole server, not for a channel.")
TOO_MANY: Final = N_("limits: there are more than {most}, and a server may have no more.")
TWICE: Final = N_("{where} is for the same thing as one above.")
ANY_NUMBERS: Final = language("en-US")
"""How amounts are read in a file, whoever reads it."""


@dataclass(frozen=True, slots=True)
class Here:
    """What a server has, as far as a file may speak of it, and what the operator offers."""

    guild_id: int
    channels: frozenset[int]
    categories: frozenset[int]
    noticeable: frozenset[int]
    """Channels that notices can go to."""
    roles: frozenset[int]
    models: frozenset[str]
    most_tokens: int


class Faults(BadRequest):
    """The file has faults, and nothing was changed; ``told`` has a sentence for each."""

    def __init__(self, told: tuple[str, ...], language: Language) -> None:
        shown = "\n".join(f"- {fault}" for fault in told[:MOST_TOLD])
        if len(told) > MOST_TOLD:
            shown += "\n" + language.plural(N_("and {n} more"), N_("and {n} more"), len(told) - MOST_TOLD)
        super().__init__(N_("Nothing was changed. What is wrong with this file:\n{faults}"), faults=shown)
        self.told = told


@dataclass(frozen=True, slots=True)
class Wish:
    """What a server is to be like: the choices of each place that has any, and all limits."""

    choices: Mapping[tuple[Place, int], Choices]
    limits: tuple[Limit, ...]


def read(data: bytes, here: Here, spoken: Language) -> Wish:
    """Read a file.

    Raises:
        BadRequest: it is no settings file, or one of another version.
        Faults: it has faults.
    """
    raw = _opened(data)
    told = [spoken.say(UNKNOWN, where=_where([name])) for name in raw if name not in PARTS]
    choices = {}
    for place, place_id, where, chosen in _places(raw, here):
        if not isinstance(chosen, dict):
            told.append(spoken.say(MALFORMED, where=where))
            continue
        if place is Place.CHANNEL and place_id not in here.channels:
            told.append(spoken.say(NO_CHANNEL, where=where))
        found, faults = _choices(chosen, place, where, here, spoken)
        told += faults
        if found != Choices():
            choices[place, place_id] = found
    limits, faults = _limits(raw.get("limits", []), here, spoken)
    told += faults
    if told:
        raise Faults(tuple(told), spoken)
    return Wish(choices, limits)


def _opened(data: bytes) -> dict[str, Any]:
    """The file, once it is a settings file of the version that is known."""
    try:
        raw = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadRequest(NOT_READ) from None
    if not isinstance(raw, dict) or raw.get("parlance") != KIND:
        raise BadRequest(NOT_READ)
    if raw.get("version") != VERSION:
        raise BadRequest(OTHER_VERSION, known=VERSION)
    return raw


def _places(raw: Mapping[str, Any], here: Here) -> Iterator[tuple[Place, int, str, object]]:
    """Every place that the file speaks of: its kind, its id, where that stands, what stands there."""
    yield Place.GUILD, here.guild_id, "server", raw.get("server", {})
    channels = raw.get("channels", {})
    if not isinstance(channels, dict):
        yield Place.CHANNEL, 0, "channels", None
        return
    for channel_id, chosen in channels.items():
        is_id = ID.fullmatch(channel_id) is not None
        yield Place.CHANNEL, int(channel_id) if is_id else 0, _where(["channels", channel_id]), chosen


def _choices(
    chosen: Mapping[str, Any], place: Place, where: str, here: Here, spoken: Language
) -> tuple[Choices, list[str]]:
    """The choices of a place, as far as they are right, and what is wrong with the others."""
    usable, told = {}, []
    for name, value in chosen.items():
        path = _where((where, name))
        if name not in set(Setting):
            told.append(spoken.say(UNKNOWN, where=path))
            continue
        setting = Setting(name)
        if setting in GUILD_ONLY and place is not Place.GUILD:
            told.append(spoken.say(FOR_SERVER, where=path))
        elif not _is_right(setting, value, here):
            told.append(spoken.say(WRONG, where=path, wants=wants(spoken, setting, here.most_tokens)))
        else:
            usable[name] = value
    return Choices.model_validate_json(json.dumps(usable)), told


def _is_right(setting: Setting, value: object, here: Here) -> bool:
    """Whether a setting can be this in the server; null is "as inherited"."""
    try:
        choices = Choices.model_validate_json(json.dumps({setting.value: value}))
    except ValueError:
        return False
    match setting:
        case Setting.MODEL:
            return choices.model is None or choices.model in here.models
        case Setting.MODELS:
            return (choices.models or frozenset()) <= here.models
        case Setting.LONGEST_ANSWER:
            return (choices.longest_answer or 0) <= here.most_tokens
        case Setting.NOTICES:
            return choices.notices is None or choices.notices in here.noticeable
        case _:
            return True


def _limits(entries: object, here: Here, spoken: Language) -> tuple[tuple[Limit, ...], list[str]]:
    if not isinstance(entries, list):
        return (), [spoken.say(MALFORMED, where="limits")]
    if len(entries) > MOST_LIMITS:
        return (), [spoken.say(TOO_MANY, most=MOST_LIMITS)]
    found: dict[int, Limit] = {}
    told: list[str] = []
    for number, raw in enumerate(entries, 1):
        where = f"limits.{number}"
        try:
            limit = _limit(raw, where, here, spoken)
        except _Wrong as wrong:
            told += wrong.told
            continue
        if limit.id in found:
            told.append(spoken.say(TWICE, where=where))
        found[limit.id] = limit
    return tuple(found.values()), told


class _Wrong(Exception):
    """One entry is wrong; ``told`` says in which ways."""

    def __init__(self, *told: str) -> None:
        self.told = told


def _limit(raw: object, where: str, here: Here, spoken: Language) -> Limit:
    try:
        entry = LimitEntry.model_validate(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise _Wrong(
            *(
                spoken.say(
                    UNKNOWN if fault["type"] == "extra_forbidden" else MALFORMED,
                    where=_where([where, *fault["loc"]]),
                )
                for fault in faults
            )
        ) from None
    if missing := _missing(entry, here):
        raise _Wrong(spoken.say(missing, where=where))
    try:
        return entry.wanted(here.guild_id).limit(here.guild_id, ANY_NUMBERS)
    except BadRequest as error:
        raise _Wrong(f"{where}: {spoken.error(error)}") from None


def _missing(entry: LimitEntry, here: Here) -> str | None:
    """What a limit speaks of that the server does not have."""
    place_id = int(entry.id or 0)
    if entry.place == "channel" and place_id not in here.channels:
        return NO_CHANNEL
    if entry.place == "category" and place_id not in here.categories:
        return NO_CATEGORY
    if entry.place == "server" and entry.id is not None:
        return MALFORMED
    if entry.role is not None and int(entry.role) not in here.roles:
        return NO_ROLE
    return None


def _where(path: Iterable[object]) -> str:
    """Where in the file something stands, as short as need be."""
    return ".".join(map(str, path))[:LONGEST_TOLD]
