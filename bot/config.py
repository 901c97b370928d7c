"""Every operator setting: read from the environment and `.env`, typed, with all faults listed at once.

A fault names the variable and says what it wants. It never repeats what was given: a token pasted into the
wrong line is still a token.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo

from bot.address import WANTED, PostgresAddress, located
from bot.domain import NANO, Limit, Metric, Place, Subject, Window
from bot.env_file import EnvFile, read_env_file
from bot.errors import ConfigError

ENV_FILE: Final = Path(".env")

MOST_DOLLARS: Final = 1_000_000
MOST_REQUESTS: Final = 1_000_000
FEWEST_TOKENS: Final = 16
MOST_TOKENS: Final = 131_072
LARGEST_ID: Final = 2**63 - 1
MOST_SHARDS: Final = 16_384
FEWEST_RECORDS_DAYS: Final = 35
"""A new limit counts what its month has used from the records, so they are kept longer than one."""
MOST_RECORDS_DAYS: Final = 3_650
MOST_DEPARTED_DAYS: Final = 365
MOST_PORT: Final = 65_535
ALIKE: Final = 0.9
"""From which share of common letters on (difflib) a name is taken for a misspelt one."""

SWITCHES: Final = {"on": True, "true": True, "yes": True, "1": True} | {
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}
ONE_WORD: Final = re.compile(r"[!-~]+")
WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")

DISCORD_TOKEN: Final = "DISCORD_TOKEN"  # noqa: S105 - a variable's name
REPLICATE_API_TOKEN: Final = "REPLICATE_API_TOKEN"  # noqa: S105 - a variable's name
WHERE: Final = "in .env or the environment. `make demo` runs the bot without it."
MISSING: Final = {
    DISCORD_TOKEN: "DISCORD_TOKEN is missing: it wants the bot's token from "
    f"https://discord.com/developers/applications, {WHERE}",
    REPLICATE_API_TOKEN: "REPLICATE_API_TOKEN is missing: it wants a token from "
    f"https://replicate.com/account/api-tokens, {WHERE}",
}


class LogLevel(StrEnum):
    """The least important entries that the log shows."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogFormat(StrEnum):
    """How a log entry is written: a line for people, or a line of JSON."""

    TEXT = "text"
    JSON = "json"


def _text(read: Callable[[str], object]) -> BeforeValidator:
    """Read a variable's text; a value that is none has its type already."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _token(text: str) -> str:
    if not ONE_WORD.fullmatch(text):
        raise ValueError("the token alone: one word, without spaces")
    return text


def _discord_token(text: str) -> str:
    if text.startswith("r8_"):
        raise ValueError("the bot's token for Discord, and this is one for Replicate")
    return _token(text)


def _replicate_token(text: str) -> str:
    if text.count(".") == 2:  # noqa: PLR2004 - Discord's have three parts
        raise ValueError("a token for Replicate, and this is a bot's for Discord")
    return _token(text)


def _web_address(text: str) -> str:
    if not WEB_ADDRESS.fullmatch(text):
        raise ValueError("an address such as https://api.replicate.com/v1")
    return text.rstrip("/")


def _database(text: str) -> str:
    if "://" not in text:
        raise ValueError(WANTED)
    located(text)
    return text


def _model_name(text: str) -> str:
    if not ONE_WORD.fullmatch(text):
        raise ValueError("the name of a model, such as meta/meta-llama-3-70b-instruct")
    return text


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("a file that is there, or nothing for the models that come with the bot")
    return path


def _log_level(text: str) -> LogLevel:
    try:
        return LogLevel(text.upper())
    except ValueError:
        raise ValueError("DEBUG, INFO, WARNING or ERROR") from None


def _log_format(text: str) -> LogFormat:
    try:
        return LogFormat(text.lower())
    except ValueError:
        raise ValueError("text or json") from None


def _switch(text: str) -> bool:
    try:
        return SWITCHES[text.lower()]
    except KeyError:
        raise ValueError("on or off") from None


def _ids(text: str) -> frozenset[int]:
    ids = frozenset(_whole(word) for word in text.replace(",", " ").split())
    if not all(1 <= number <= LARGEST_ID for number in ids):
        raise ValueError("Discord ids with commas between them, or nothing")
    return ids


def _shard_count(text: str) -> int:
    if not 1 <= _whole(text) <= MOST_SHARDS:
        raise ValueError(f"a whole number from 1 to {MOST_SHARDS:,}, or nothing to let Discord choose")
    return _whole(text)


def _shard_ids(text: str, others: ValidationInfo) -> frozenset[int]:
    """Read the shards of this process. The field of their count is read before."""
    words = text.replace(",", " ").split()
    count = others.data.get("shard_count") or 0
    if not all(re.fullmatch("[0-9]{1,5}", word) and int(word) < count for word in words):
        raise ValueError(
            "numbers from 0 up to one less than SHARD_COUNT, which is to be set as well, with commas between "
            "them, or nothing"
        )
    return frozenset(int(word) for word in words)


def _host(text: str) -> str:
    if not ONE_WORD.fullmatch(text) or "/" in text:
        raise ValueError("an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them")
    return text


def _port(text: str) -> int:
    if not 1 <= _whole(text) <= MOST_PORT:
        raise ValueError(f"a whole number from 1 to {MOST_PORT:,}, or nothing to serve no health address")
    return _whole(text)


def _requests(text: str) -> int | None:
    if text.lower() in {"", "none"}:
        return None
    if not 1 <= _whole(text) <= MOST_REQUESTS:
        raise ValueError(f"a whole number from 1 to {MOST_REQUESTS:,}, or nothing for no ceiling")
    return _whole(text)


def _nano_dollars(text: str) -> int | None:
    if text.lower() in {"", "none"}:
        return None
    try:
        dollars = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        dollars = Decimal(0)
    if not dollars.is_finite() or not Decimal(1) / NANO <= dollars <= MOST_DOLLARS:
        raise ValueError(f"dollars above 0 and up to {MOST_DOLLARS:,}, or nothing for no ceiling")
    return int(dollars * NANO)


def _answer_tokens(text: str) -> int:
    if not FEWEST_TOKENS <= _whole(text) <= MOST_TOKENS:
        raise ValueError(f"a whole number from {FEWEST_TOKENS} to {MOST_TOKENS:,}")
    return _whole(text)


def _records_days(text: str) -> int:
    if not FEWEST_RECORDS_DAYS <= _whole(text) <= MOST_RECORDS_DAYS:
        raise ValueError(f"a whole number of days from {FEWEST_RECORDS_DAYS} to {MOST_RECORDS_DAYS:,}")
    return _whole(text)


def _departed_days(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or int(text) > MOST_DEPARTED_DAYS:
        raise ValueError(f"a whole number of days from 0 to {MOST_DEPARTED_DAYS}")
    return int(text)


def _whole(text: str) -> int:
    """The number that the text is, or 0, which no setting takes."""
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else 0


Ids = Annotated[frozenset[int], _text(_ids)]
RequestCeiling = Annotated[int | None, _text(_requests)]
ShardIds = Annotated[
    frozenset[int],
    BeforeValidator(lambda value, info: _shard_ids(value, info) if isinstance(value, str) else value),
]
DollarCeiling = Annotated[int | None, _text(_nano_dollars)]
"""Nano-dollars, though given in dollars."""


class Settings(BaseModel):
    """The operator's settings. Each field is read from the variable of its name in capitals.

    A ceiling that is None holds nothing back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    discord_token: Annotated[SecretStr, _text(_discord_token)]
    replicate_api_token: Annotated[SecretStr | None, _text(_replicate_token)] = None
    """None only in the demo: without it, no model runs on Replicate."""
    replicate_base_url: Annotated[str, _text(_web_address)] = "https://api.replicate.com/v1"
    database_url: Annotated[str, _text(_database), Field(repr=False)] = "sqlite:///data/parlance.db"
    default_model: Annotated[str, _text(_model_name)] = "meta/meta-llama-3-70b-instruct"
    fallback_model: Annotated[str | None, _text(_model_name)] = None
    """The model that answers while another is left alone because it does not; None for none."""
    models_file: Annotated[Path | None, _text(_file)] = None
    max_answer_tokens: Annotated[int, _text(_answer_tokens)] = 2048
    """Tokens of output that one call of a model may ask for."""
    allowed_guilds: Ids = frozenset()
    """Servers that are served; empty serves all."""
    direct_messages: Annotated[bool, _text(_switch)] = True
    blocked_users: Ids = frozenset()
    blocked_guilds: Ids = frozenset()
    user_requests_per_minute: RequestCeiling = 6
    user_dollars_per_month: DollarCeiling = 2 * NANO
    server_requests_per_minute: RequestCeiling = 60
    server_dollars_per_month: DollarCeiling = 20 * NANO
    bot_requests_per_minute: RequestCeiling = 300
    bot_dollars_per_month: DollarCeiling = 100 * NANO
    records_days: Annotated[int, _text(_records_days)] = 365
    """How long the record of a request is kept where a server's admins chose nothing."""
    erase_guilds_after_days: Annotated[int, _text(_departed_days)] = 30
    """How long what belongs to a server is kept after the bot was removed from it."""
    shard_count: Annotated[int | None, _text(_shard_count)] = None
    """How many connections to Discord there are in all processes together; None leaves it to Discord."""
    shard_ids: ShardIds = frozenset()
    """Those of this process; empty for all."""
    health_port: Annotated[int | None, _text(_port)] = None
    """Where others ask whether the bot is ready and what it counts; None for nowhere."""
    health_host: Annotated[str, _text(_host)] = "127.0.0.1"
    log_level: Annotated[LogLevel, _text(_log_level)] = LogLevel.INFO
    log_format: Annotated[LogFormat, _text(_log_format)] = LogFormat.TEXT

    def operator_limits(self) -> tuple[Limit, ...]:
        """The ceilings as limits at place ``bot``, with ids of 0: the ledger gives them theirs."""
        ceilings = (
            (Subject.USER, self.user_requests_per_minute, self.user_dollars_per_month),
            (Subject.GUILD, self.server_requests_per_minute, self.server_dollars_per_month),
            (Subject.EVERYONE, self.bot_requests_per_minute, self.bot_dollars_per_month),
        )
        return tuple(
            Limit(0, Place.BOT, 0, subject, metric, window, amount)
            for subject, requests, nano_dollars in ceilings
            for metric, window, amount in (
                (Metric.REQUESTS, Window.MINUTE, requests),
                (Metric.COST, Window.MONTH, nano_dollars),
            )
            if amount is not None
        )

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, in no log and in no message."""
        tokens = (self.discord_token, self.replicate_api_token)
        address = located(self.database_url)
        # The variable in which PostgreSQL's own clients, and docker-compose.yml, have the password.
        password = os.environ.get("PGPASSWORD")
        return (
            *([password] if password else []),
            *(token.get_secret_value() for token in tokens if token is not None),
            *(address.secrets() if isinstance(address, PostgresAddress) else ()),
        )


def load(
    env: Mapping[str, str] | None = None,
    env_file: Path | None = ENV_FILE,
    faults_of: Callable[[Settings], tuple[str, ...]] = lambda _settings: (),
) -> Settings:
    """Read the settings for the bot on Discord; the environment comes before the file.

    ``faults_of`` says what is wrong with settings that each can be read; those that cannot have their
    defaults meanwhile.

    Raises:
        ConfigError: with every fault there is.
    """
    file = read_env_file(env_file)
    values = _values(env, file)
    missing = [sentence for name, sentence in MISSING.items() if not values.get(name.lower())]
    known = {name.upper() for name in Settings.model_fields}
    return _checked(values, [*missing, *file.faults, *_misspelt(file, known)], faults_of)


def load_for_demo(env: Mapping[str, str] | None = None, env_file: Path | None = ENV_FILE) -> Settings:
    """Read the settings for the simulated Discord, which takes any token; none for Replicate is needed.

    Raises:
        ConfigError: with every fault there is.
    """
    file = read_env_file(env_file)
    return _checked({**_values(env, file), DISCORD_TOKEN.lower(): "simulated"}, file.faults)


def load_database_url(env: Mapping[str, str] | None = None, env_file: Path | None = ENV_FILE) -> str:
    """Read where the database is, for what needs nothing else.

    Raises:
        ConfigError: it cannot be anywhere.
    """
    file = read_env_file(env_file)
    name = "database_url"
    given = {key: text for key, text in _values(env, file).items() if key == name}
    return _checked(given, [*file.faults, *_misspelt(file, {name.upper()})]).database_url


def _values(env: Mapping[str, str] | None, file: EnvFile) -> dict[str, str]:
    """The texts of known variables by field. An empty one counts only where nothing has a meaning."""
    given = {**file.values, **(os.environ if env is None else env)}
    texts = {name: given[name.upper()].strip() for name in Settings.model_fields if name.upper() in given}
    return {name: text for name, text in texts.items() if text or name.endswith(("_minute", "_month"))}


def _misspelt(file: EnvFile, known: AbstractSet[str]) -> list[str]:
    """What to say of names in the file that are nearly a known one: a ceiling left out by mistake is none."""
    others = [name for name in file.values if name not in known]
    near = {name: get_close_matches(name.upper(), known, n=1, cutoff=ALIKE) for name in others}
    return [f"{name} is no setting: did you mean {found[0]}?" for name, found in near.items() if found]


def _checked(
    values: Mapping[str, str],
    told: Iterable[str],
    faults_of: Callable[[Settings], tuple[str, ...]] = lambda _settings: (),
) -> Settings:
    """The settings, where nothing is wrong with them. What is missing is among the faults ``told`` before."""
    wrong = _wrong(values)
    right = {name: text for name, text in values.items() if name not in wrong}
    settings = Settings.model_validate({DISCORD_TOKEN.lower(): "missing", **right})
    faults = [*told, *wrong.values()]
    if "models_file" not in wrong:  # or it would be judged without the models of that file
        faults += faults_of(settings)
    if faults:
        raise ConfigError(tuple(faults))
    return settings


def _wrong(values: Mapping[str, str]) -> dict[str, str]:
    """What to say of each field that cannot be what it was given."""
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        return {
            str(fault["loc"][0]): f"{str(fault['loc'][0]).upper()} wants {fault['ctx']['error']}."
            for fault in error.errors(include_url=False, include_context=True, include_input=False)
            if fault["type"] == "value_error"
        }
    return {}
