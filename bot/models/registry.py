"""The models the bot knows, read from a data file that an operator can extend or override.

``models.toml`` beside this module holds every model with its input fields, sizes, abilities and price. An
operator's file has the same form: a model it names that is known already keeps the fields that the file
leaves out.
"""

import difflib
import tomllib
from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.domain import Model, Price, ProviderName, Template
from bot.errors import BadRequest, ConfigError
from bot.i18n import N_

BUILT_IN = Path(__file__).with_name("models.toml")
LARGEST_FILE = 256 * 1024
"""Bytes of a registry file; a larger one is surely another file."""

NANO_PER_MILLIONTH = 1_000
"""Nano-dollars a token for each dollar per million tokens."""

SUGGESTED = 3
"""Names offered where somebody asked for a model that is not there."""

Tables = dict[str, dict[str, Any]]


class _Price(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Decimal = Field(ge=0, decimal_places=3)
    output: Decimal = Field(ge=0, decimal_places=3)


class _Entry(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: ProviderName
    context: int = Field(gt=0)
    max_output: int = Field(gt=0)
    min_output: int = Field(default=1, gt=0)
    length_field: str | None = Field(default=None, min_length=1)
    template: Template = Template.PLAIN
    system_field: str | None = Field(default=None, min_length=1)
    messages_field: str | None = Field(default=None, min_length=1)
    template_field: str | None = Field(default=None, min_length=1)
    temperature_field: str | None = Field(default=None, min_length=1)
    price: _Price | None = None
    reasons: bool = False
    vision: bool = False
    extra: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if not self.min_output <= self.max_output < self.context:
            raise ValueError("min_output must not be above max_output, and max_output must be below context")
        return self


class Registry:
    """The known models by name, in the order of the files."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._models: Mapping[str, Model] = {model.name: model for model in models}

    @classmethod
    def load(cls, override: Path | None = None) -> Self:
        """Read the built-in models and, over them, the operator's file.

        Raises:
            ConfigError: a file cannot be read, or entries are wrong; every fault names its model and field.
        """
        tables = _read(BUILT_IN)
        if override is not None:
            for name, table in _read(override).items():
                tables[name] = {**tables.get(name, {}), **table}
        models: list[Model] = []
        faults: list[str] = []
        for name, table in tables.items():
            try:
                models.append(_model(name, _Entry.model_validate(table)))
            except ValidationError as error:
                faults += _sentences(name, error)
        if faults:
            raise ConfigError(tuple(faults))
        return cls(models)

    def get(self, name: str) -> Model:
        """The model of this name.

        Raises:
            BadRequest: there is none; the sentence names what comes closest.
        """
        model = self._models.get(name)
        if model is None:
            near = difflib.get_close_matches(name[:100], self._models, n=SUGGESTED, cutoff=0.4)
            raise BadRequest(
                N_("There is no model called “{name}” here. Try one of these: {models}."),
                name=name[:100],
                models=", ".join(near or list(self._models)[:SUGGESTED]),
            )
        return model

    def names(self) -> tuple[str, ...]:
        """Every name, in the order of the files."""
        return tuple(self._models)

    def reached_by(self, providers: Container[ProviderName]) -> tuple[str, ...]:
        """The names of the models that these providers run, in the order of the files."""
        return tuple(name for name, model in self._models.items() if model.provider in providers)

    def faults(
        self, default: str, fallback: str | None, providers: Container[ProviderName]
    ) -> tuple[str, ...]:
        """What is wrong with the models that an operator chose, where these providers run them."""
        known = self.reached_by(providers)
        return tuple(
            f"{variable} is none of those known: {', '.join(known)}."
            for variable, name in (("DEFAULT_MODEL", default), ("FALLBACK_MODEL", fallback))
            if name is not None and name not in known
        )

    def search(self, text: str, limit: int = 25) -> tuple[Model, ...]:
        """At most ``limit`` models whose name holds every word of ``text``; where it begins one, first."""
        words = text.casefold().split()
        found = [
            model for name, model in self._models.items() if all(word in name.casefold() for word in words)
        ]
        return tuple(sorted(found, key=lambda model: _begins_late(model.name, words))[:limit])


def _begins_late(name: str, words: list[str]) -> bool:
    if not words:
        return False
    return not any(part.startswith(words[0]) for part in (name.casefold(), *name.casefold().split("/")))


def _read(path: Path) -> Tables:
    """The file's tables by model name, prices as exact decimals."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read ({error.strerror})",)) from error
    if len(data) > LARGEST_FILE:
        raise ConfigError((f"{path}: larger than {LARGEST_FILE // 1024} KiB; this is not a models file",))
    try:
        content = tomllib.loads(data.decode(), parse_float=Decimal)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError((f"{path}: not a TOML file ({error})",)) from error
    models = content.pop("models", {})
    faults = [f'{path}: {key}: unknown; only [models."owner/name"] tables belong here' for key in content]
    if not isinstance(models, dict) or not all(isinstance(table, dict) for table in models.values()):
        faults.append(f'{path}: models: every entry must be a table like [models."owner/name"]')
    if faults:
        raise ConfigError(tuple(faults))
    return cast("Tables", models)


def _sentences(name: str, error: ValidationError) -> list[str]:
    return [
        f"model {name}: {'.'.join(str(part) for part in fault['loc']) or 'sizes'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _model(name: str, entry: _Entry) -> Model:
    price = None if entry.price is None else Price(_nano(entry.price.input), _nano(entry.price.output))
    return Model(
        name=name,
        provider=entry.provider,
        context=entry.context,
        max_output=entry.max_output,
        min_output=entry.min_output,
        length_field=entry.length_field,
        template=entry.template,
        system_field=entry.system_field,
        messages_field=entry.messages_field,
        template_field=entry.template_field,
        temperature_field=entry.temperature_field,
        price=price,
        reasons=entry.reasons,
        vision=entry.vision,
        extra=dict(entry.extra),
    )


def _nano(dollars_per_million: Decimal) -> int:
    return int(dollars_per_million * NANO_PER_MILLIONTH)
