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
from typing import Annotated, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.config import Settings
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


_Size = Annotated[int, Field(gt=0, description="a whole number of tokens above 0")]
_FieldName = Annotated[str | None, Field(min_length=1, description="the name of an input field")]
_PriceOfTokens = Annotated[
    Decimal, Field(ge=0, decimal_places=3, description="dollars such as 0.65, with at most three decimals")
]


class _Price(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _PriceOfTokens
    output: _PriceOfTokens


class _Entry(BaseModel):
    """One table of the file. A field's description is what a fault says that it wants."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: ProviderName = Field(description=" or ".join(f'"{name}"' for name in ProviderName))
    context: _Size
    max_output: _Size
    min_output: _Size = 1
    length_field: _FieldName = None
    template: Template = Field(
        default=Template.PLAIN, description=" or ".join(f'"{template}"' for template in Template)
    )
    system_field: _FieldName = None
    messages_field: _FieldName = None
    template_field: _FieldName = None
    temperature_field: _FieldName = None
    price: _Price | None = Field(
        default=None, description="{ input = 0.65, output = 2.75 }, in dollars for a million tokens"
    )
    reasons: bool = Field(default=False, description="true or false")
    vision: bool = Field(default=False, description="true or false")
    extra: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="input fields with a text, a number, true or false each"
    )

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
                faults += _sentences(override or BUILT_IN, name, error)
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
            near = [found.name for found in self.search(name[:100], SUGGESTED)] or difflib.get_close_matches(
                name[:100], self._models, n=SUGGESTED, cutoff=0.4
            )
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


def faults_on_replicate(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the models that these settings choose, where Replicate alone runs models."""
    try:
        registry = Registry.load(settings.models_file)
    except ConfigError as error:
        return error.faults
    return registry.faults(settings.default_model, settings.fallback_model, {ProviderName.REPLICATE})


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


def _sentences(file: Path, name: str, error: ValidationError) -> tuple[str, ...]:
    """What is wrong with a model, a sentence a field, in words of our own: the library's name its classes."""
    said = (_sentence(fault) for fault in error.errors(include_url=False, include_input=False))
    return tuple(dict.fromkeys(f"{file}: model {name}: {sentence}." for sentence in said))


def _sentence(fault: Mapping[str, Any]) -> str:
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    field, *inner = (str(part) for part in fault["loc"])
    called = ".".join((field, *inner[:1]))
    if fault["type"] == "extra_forbidden":
        return f"{called} is no field of a model"
    fields = _Price.model_fields if field == "price" and inner else _Entry.model_fields
    wanted = fields[inner[0] if fields is _Price.model_fields else field].description
    if fault["type"] == "missing":
        return f"{called} is missing: it wants {wanted}"
    return f"{called} wants {wanted}"


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
