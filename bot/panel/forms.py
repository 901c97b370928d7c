"""The forms that the panel opens for what is written: a persona, a number, a time zone."""

import asyncio
import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

import discord
from discord import ui

from bot.choices import LONGEST_PERSONA
from bot.config import FEWEST_RECORDS_DAYS, FEWEST_TOKENS, MOST_RECORDS_DAYS
from bot.domain import Setting
from bot.errors import BadRequest
from bot.i18n import N_, Language
from bot.i18n.numbers import whole_number
from bot.i18n.settings import label
from bot.panel.ids import Press
from bot.store.audit import Json

FIELD: Final = "text"
"""The id of a form's one field."""
LONGEST_LINE: Final = 50
LONGEST_TITLE: Final = 45
"""Characters of a form's title and of a label (Discord: Modals)."""
NEAREST: Final = 3

NO_NUMBER: Final = N_("Please write a whole number, such as {example}.")
NO_ZONE: Final = N_("I know no time zone called “{name}”. Write one such as {zones}.")
HINTS: Final = {
    Setting.PERSONA: N_("Who I am here and how I speak. Empty: as inherited."),
    Setting.LONGEST_ANSWER: N_("Tokens, from {fewest} to {most}. Empty: as inherited."),
    Setting.TIME_ZONE: N_("Where days and months begin, such as Europe/Berlin. Empty: UTC."),
    Setting.RETENTION_DAYS: N_("Days, from {fewest_days} to {most_days}. Empty: as the operator set it."),
}


def form(press: Press, language: Language, before: str, most_tokens: int) -> ui.Modal:
    """Return the form for a setting, with what is chosen now.

    It is stopped at once: what is written comes back with the form's id, so none has to be kept.
    """
    if not isinstance(press.part, Setting):
        raise TypeError(f"{press.part} is written in no form")
    setting = press.part
    called = label(language, setting)
    modal = ui.Modal(title=called[:LONGEST_TITLE], custom_id=press.custom_id, timeout=None)
    is_long = setting is Setting.PERSONA
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=FIELD,
        style=discord.TextStyle.paragraph if is_long else discord.TextStyle.short,
        default=before or None,
        required=False,
        max_length=LONGEST_PERSONA if is_long else LONGEST_LINE,
    )
    hint = language.say(
        HINTS[setting],
        fewest=FEWEST_TOKENS,
        most=most_tokens,
        fewest_days=FEWEST_RECORDS_DAYS,
        most_days=MOST_RECORDS_DAYS,
    )
    modal.add_item(ui.Label(text=called[:LONGEST_TITLE], description=hint[:100], component=field))
    modal.stop()
    return modal


def written_in(data: Mapping[str, Any]) -> str:
    """Return the text of a form's one field, as Discord sends it back."""
    fields = (part.get("component", {}) for part in data.get("components", ()))
    return next((str(field["value"]) for field in fields if field.get("custom_id") == FIELD), "")


async def written(setting: Setting, text: str) -> Json:
    """Return what was written into a form as JSON; None where it is empty.

    Raises:
        BadRequest: it is no number, or no time zone.
    """
    text = text.strip()
    if not text:
        return None
    match setting:
        case Setting.LONGEST_ANSWER:
            return _number(text, "1,000")
        case Setting.RETENTION_DAYS:
            return _number(text, "90")
        case Setting.TIME_ZONE:
            # Looked up among all files there are, once.
            zones = await asyncio.to_thread(_zones)
            return _zone(text, zones)
        case _:
            return text


def _number(text: str, example: str) -> int:
    number = whole_number(text)
    if number is None:
        raise BadRequest(NO_NUMBER, example=example)
    return number


def _zone(text: str, zones: dict[str, str]) -> str:
    """The name of a time zone, of its place alone, or in any case."""
    wanted = text.replace(" ", "_").casefold()
    if (found := zones.get(wanted)) is not None:
        return found
    near = difflib.get_close_matches(wanted, zones, n=NEAREST, cutoff=0.6)
    shown = dict.fromkeys([zones[name] for name in near] or ["Europe/Berlin", "Asia/Shanghai"])
    raise BadRequest(NO_ZONE, name=text[:LONGEST_LINE], zones=", ".join(shown))


@cache
def _zones() -> dict[str, str]:
    """Time zones by their names without case, and by their places'."""
    names = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    places = {name.rpartition("/")[2].casefold(): name for name in names if not name.startswith("Etc/")}
    return {**places, **{name.casefold(): name for name in names}}
