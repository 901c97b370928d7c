"""What admins choose for a server or a channel: the settings of a place, each of them checked."""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from bot.config import FEWEST_RECORDS_DAYS, FEWEST_TOKENS, LARGEST_ID, MOST_RECORDS_DAYS, MOST_TOKENS
from bot.domain import Command, Setting

log = logging.getLogger(__name__)

LONGEST_PERSONA: Final = 2_000
"""Characters of a persona."""
LONGEST_MODEL: Final = 200
MOST_MODELS: Final = 100
LANGUAGES: Final = (
    *("en-US", "zh-CN", "zh-TW", "ja", "ko", "es-ES", "pt-BR", "fr", "de", "it", "nl", "pl"),
    *("ru", "uk", "tr", "vi", "th", "id", "hi", "sv-SE", "cs", "el", "hu", "ro"),
)
"""Languages that replies can be set to, as Discord spells them; a menu shows one more, for "inherited"."""
ZONE_NAME: Final = re.compile(r"[A-Z][\w+-]{1,30}(/[\w+-]{1,30}){0,2}", re.ASCII)
GUILD_ONLY: Final = frozenset({Setting.NOTICES, Setting.TIME_ZONE, Setting.RETENTION_DAYS})
"""What is chosen for a whole server."""


def _spoken(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError("a language that replies can be set to")
    return code


def _time_zone(name: str) -> str:
    try:
        known = ZONE_NAME.fullmatch(name) and ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        known = None
    if known is None:
        raise ValueError("a time zone such as Europe/Berlin")
    return name


def _words(text: str) -> str:
    if not text.strip() or "\x00" in text:
        raise ValueError("some words")
    return text


ModelName = Annotated[str, Field(min_length=1, max_length=LONGEST_MODEL)]


class Choices(BaseModel):
    """The settings of one place; None where it chose nothing, and what is wider holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    commands: Annotated[frozenset[Command], PlainSerializer(sorted)] | None = None
    """Those that are on."""
    model: ModelName | None = None
    models: Annotated[frozenset[ModelName], Field(max_length=MOST_MODELS), PlainSerializer(sorted)] | None = (
        None
    )
    """Those that a person may choose beside ``model``."""
    longest_answer: Annotated[int, Field(ge=FEWEST_TOKENS, le=MOST_TOKENS)] | None = None
    """Tokens."""
    private: bool | None = None
    """Whether answers are private where the person did not say."""
    persona: Annotated[str, Field(max_length=LONGEST_PERSONA), AfterValidator(_words)] | None = None
    language: Annotated[str, AfterValidator(_spoken)] | None = None
    paused: bool | None = None
    notices: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    """The channel where admins are told of what happens."""
    time_zone: Annotated[str, AfterValidator(_time_zone)] | None = None
    retention_days: Annotated[int, Field(ge=FEWEST_RECORDS_DAYS, le=MOST_RECORDS_DAYS)] | None = None
    """How long the records of requests are kept."""

    def json_of(self, setting: Setting) -> Any:  # noqa: ANN401 - JSON
        """Return a setting as it is stored; None where nothing is chosen."""
        return self.model_dump(mode="json", include={setting.value})[setting.value]


def checked(setting: Setting, value: object) -> Choices:
    """Return the choice of one setting, given as JSON.

    Raises:
        ValueError: it is none.
    """
    return Choices.model_validate_json(json.dumps({setting.value: value}))


def loaded(values: Mapping[str, str]) -> Choices:
    """Return choices from stored JSON by name. What this version cannot use counts as not chosen."""
    usable = dict(values)
    while True:
        try:
            return Choices.model_validate_json(
                "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in usable.items()) + "}"
            )
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                name = str(fault["loc"][0])
                log.warning("the stored setting %s cannot be used: %s", name, fault["type"])
                usable.pop(name, None)


def zone_of(name: str | None) -> tzinfo:
    """Return the time zone of a name that was checked; UTC where none is chosen."""
    return UTC if name in {None, "UTC"} else ZoneInfo(str(name))
