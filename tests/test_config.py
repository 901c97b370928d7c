"""Settings are read from the environment and a file, and every fault is told at once."""

import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.address import located
from bot.config import LogFormat, LogLevel, Settings, load, load_database_url, load_for_demo
from bot.domain import NANO, Limit, Metric, Place, Subject, Window
from bot.env_file import read_env_file
from bot.errors import ConfigError

EXAMPLE = Path(__file__).parents[1] / ".env.example"
TOKENS = {"DISCORD_TOKEN": "discord-secret", "REPLICATE_API_TOKEN": "replicate-secret"}


def settings(**given: str) -> Settings:
    return load({**TOKENS, **given}, None)


def faults(**given: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as told:
        load({**TOKENS, **given}, None)
    return told.value.faults


def test_two_tokens_are_enough() -> None:
    chosen = settings()
    assert chosen.discord_token.get_secret_value() == "discord-secret"
    assert chosen.replicate_base_url == "https://api.replicate.com/v1"
    assert chosen.database_url == "sqlite:///data/parlance.db"
    assert chosen.default_model == "meta/meta-llama-3-70b-instruct"
    assert chosen.models_file is None
    assert chosen.direct_messages
    assert chosen.allowed_guilds == frozenset()
    assert (chosen.log_level, chosen.log_format) == (LogLevel.INFO, LogFormat.TEXT)


def test_without_tokens_both_faults_point_at_the_demo() -> None:
    with pytest.raises(ConfigError) as told:
        load({}, None)
    assert [fault.partition(" ")[0] for fault in told.value.faults] == [
        "DISCORD_TOKEN",
        "REPLICATE_API_TOKEN",
    ]
    assert all("make demo" in fault for fault in told.value.faults)


def test_the_demo_needs_no_token() -> None:
    chosen = load_for_demo({}, None)
    assert chosen.replicate_api_token is None
    assert chosen.secrets() == ("simulated",)
    given = load_for_demo({"REPLICATE_API_TOKEN": "replicate-secret"}, None)
    assert "replicate-secret" in given.secrets()


WRONG = {
    "DISCORD_TOKEN": "Bot secret-value",
    "REPLICATE_API_TOKEN": "secret value",
    "REPLICATE_BASE_URL": "secret-value.example.com",
    "DATABASE_URL": "mysql://user:secret-value@host/db",
    "DEFAULT_MODEL": "secret value",
    "FALLBACK_MODEL": "secret value",
    "MODELS_FILE": "/secret-value/models.toml",
    "MAX_ANSWER_TOKENS": "secret-value",
    "ALLOWED_GUILDS": "1, secret-value",
    "DIRECT_MESSAGES": "secret-value",
    "BLOCKED_USERS": "-1",
    "BLOCKED_GUILDS": "99999999999999999999",
    "USER_REQUESTS_PER_MINUTE": "0",
    "USER_DOLLARS_PER_MONTH": "secret-value",
    "SERVER_REQUESTS_PER_MINUTE": "1.5",
    "SERVER_DOLLARS_PER_MONTH": "-1",
    "BOT_REQUESTS_PER_MINUTE": "1000001",
    "BOT_DOLLARS_PER_MONTH": "1e999999999",
    "RECORDS_DAYS": "34",
    "ERASE_GUILDS_AFTER_DAYS": "366",
    "SHARD_COUNT": "0",
    "SHARD_IDS": "secret-value",
    "HEALTH_PORT": "65536",
    "HEALTH_HOST": "secret value",
    "LOG_LEVEL": "secret-value",
    "LOG_FORMAT": "secret-value",
}


def test_every_fault_is_told_at_once_and_none_repeats_a_value() -> None:
    told = faults(**WRONG)
    assert [fault.partition(" ")[0] for fault in told] == list(WRONG)
    assert all(" wants " in fault and fault.endswith(".") for fault in told)
    assert "secret" not in " ".join(told)
    assert {*WRONG} == {name.upper() for name in Settings.model_fields}


def test_tokens_that_have_changed_places_are_told() -> None:
    told = faults(DISCORD_TOKEN="r8_secret", REPLICATE_API_TOKEN="secret.secret.secret")
    assert told == (
        "DISCORD_TOKEN wants the bot's token for Discord, and this is one for Replicate.",
        "REPLICATE_API_TOKEN wants a token for Replicate, and this is a bot's for Discord.",
    )


def test_missing_and_wrong_are_told_together() -> None:
    with pytest.raises(ConfigError) as told:
        load({"LOG_LEVEL": "loud"}, None)
    assert len(told.value.faults) == 3
    assert "LOG_LEVEL wants" in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///p.db",
        "sqlite+aiosqlite:////var/p.db",
        "postgresql://bot:secret@db.example:5433/parlance?sslmode=require",
        "postgres://bot@db.example/parlance",
        "postgresql+asyncpg://bot:p%40ss@[::1]:5432/parlance",
        "postgresql://one:5432,two:5433/parlance?target_session_attrs=read-write",
        "postgresql:///parlance?host=/var/run/postgresql",
    ],
)
def test_databases_that_are_served(url: str) -> None:
    assert settings(DATABASE_URL=url).database_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("sqlite:///:memory:", "sqlite:///", "sqlite://x", "parlance.db", "mysql://h/d"),
        *(
            "postgresql://bot:secret/word@h/d",
            "postgresql://bot:secret@word@h/d",
            "postgresql://bot:secret#w@h/d",
        ),
        *(
            "postgresql://bot:secret/word@h",
            "postgresql://h:99999/d",
            "postgresql://[:::]/d",
            "postgresql://h:secret/d",
        ),
        *("postgresql://bot:secret?word@h/d", "postgresql://h/d?secret", "postgresql://bot:secret word@h/d"),
    ],
)
def test_databases_that_are_not(url: str) -> None:
    (fault,) = faults(DATABASE_URL=url)
    assert fault.startswith(
        "DATABASE_URL wants an address such as sqlite:///data/parlance.db or postgresql://"
    )
    assert "secret" not in fault


def test_the_databases_password_is_a_secret() -> None:
    chosen = settings(DATABASE_URL="postgresql://bot:p%40ss@h/d?sslpassword=other&sslmode=require")
    assert {"p%40ss", "p@ss", "other"} <= {*chosen.secrets()}
    assert "p%40ss" not in f"{chosen!r} {chosen}"
    assert str(located(chosen.database_url)) == "postgresql://bot@h/d?sslmode=require"
    assert "p%40ss" not in repr(located(chosen.database_url))


def test_shards_are_read_with_their_count() -> None:
    chosen = settings(SHARD_COUNT="4", SHARD_IDS="0, 3 1")
    assert (chosen.shard_count, sorted(chosen.shard_ids)) == (4, [0, 1, 3])
    assert (settings(SHARD_IDS="").shard_count, settings().shard_ids) == (None, frozenset())
    assert settings(SHARD_COUNT="16384").shard_count == 16_384


@pytest.mark.parametrize(
    ("count", "ids"), [("4", "4"), ("4", "-1"), ("4", "0-3"), ("", "0"), ("4", "0 one"), ("4", "99999999")]
)
def test_shards_that_are_none_of_the_count(count: str, ids: str) -> None:
    (fault,) = faults(SHARD_COUNT=count, SHARD_IDS=ids)
    assert fault.startswith("SHARD_IDS wants numbers from 0 up to one less than SHARD_COUNT")


def test_secrets_are_not_in_a_representation() -> None:
    shown = f"{settings()!r} {settings()} {settings().model_dump()}"
    assert "discord-secret" not in shown
    assert "replicate-secret" not in shown


def test_values_are_read_as_people_write_them(tmp_path: Path) -> None:
    models = tmp_path / "models.toml"
    models.touch()
    chosen = settings(
        ALLOWED_GUILDS="1, 22 333,",
        DIRECT_MESSAGES=" OFF ",
        LOG_LEVEL="debug",
        LOG_FORMAT="JSON",
        USER_DOLLARS_PER_MONTH="$0.000000001",
        SERVER_DOLLARS_PER_MONTH="none",
        BOT_DOLLARS_PER_MONTH="2.50",
        SERVER_REQUESTS_PER_MINUTE="",
        REPLICATE_BASE_URL="http://proxy:8080/v1/",
        MODELS_FILE=str(models),
        MAX_ANSWER_TOKENS="16",
    )
    assert chosen.allowed_guilds == {1, 22, 333}
    assert not chosen.direct_messages
    assert (chosen.log_level, chosen.log_format) == (LogLevel.DEBUG, LogFormat.JSON)
    assert chosen.user_dollars_per_month == 1
    assert chosen.server_dollars_per_month is None
    assert chosen.bot_dollars_per_month == 2_500_000_000
    assert chosen.server_requests_per_minute is None
    assert chosen.replicate_base_url == "http://proxy:8080/v1"
    assert chosen.models_file == models
    assert chosen.max_answer_tokens == 16


def test_what_is_empty_is_as_if_not_given() -> None:
    assert settings(DATABASE_URL="", LOG_LEVEL=" ", DIRECT_MESSAGES="", ALLOWED_GUILDS="") == settings()


def test_the_ceilings_are_limits_of_the_bot() -> None:
    limits = settings(
        USER_REQUESTS_PER_MINUTE="3",
        USER_DOLLARS_PER_MONTH="",
        SERVER_REQUESTS_PER_MINUTE="",
        SERVER_DOLLARS_PER_MONTH="4",
        BOT_REQUESTS_PER_MINUTE="5",
        BOT_DOLLARS_PER_MONTH="none",
    ).operator_limits()
    assert limits == (
        Limit(0, Place.BOT, 0, Subject.USER, Metric.REQUESTS, Window.MINUTE, 3),
        Limit(0, Place.BOT, 0, Subject.GUILD, Metric.COST, Window.MONTH, 4 * NANO),
        Limit(0, Place.BOT, 0, Subject.EVERYONE, Metric.REQUESTS, Window.MINUTE, 5),
    )


def test_by_default_every_ceiling_holds() -> None:
    assert len(settings().operator_limits()) == 6


@given(st.dictionaries(st.sampled_from([*WRONG]), st.text()))
def test_whatever_is_given_is_read_or_told(given: dict[str, str]) -> None:
    try:
        told = load({**TOKENS, **given}, None).secrets()
    except ConfigError as error:
        told = error.faults
    assert told
    assert all(type(text) is str for text in told)


# The file.


def written(path: Path, content: bytes) -> Settings:
    file = path / ".env"
    file.write_bytes(content)
    return load({}, file)


def test_a_file_as_editors_leave_it(tmp_path: Path) -> None:
    chosen = written(
        tmp_path,
        b"\xef\xbb\xbfDISCORD_TOKEN='quoted'\r\n\r\n# a comment\r\n"
        b'export REPLICATE_API_TOKEN = "r8$HOME${PATH}" # why\r\nLOG_LEVEL=debug   \r\nOTHER\r\nUNKNOWN=1',
    )
    assert chosen.secrets() == ("quoted", "r8$HOME${PATH}")
    assert chosen.log_level is LogLevel.DEBUG


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DISCORD_TOKEN=from-file\nREPLICATE_API_TOKEN=from-file\n")
    assert load({"DISCORD_TOKEN": "from-environment"}, file).secrets() == ("from-environment", "from-file")


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name in WRONG]:
        monkeypatch.delenv(name)
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    assert load(env_file=None) == settings()


def test_a_file_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert load(TOKENS, tmp_path / "none") == settings()


def test_a_name_that_is_nearly_a_settings_is_told(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("USER_REQUEST_PER_MINUTE=1\nPOSTGRES_PASSWORD=ours\nHEALT_PORT=8080\n")
    with pytest.raises(ConfigError) as told:
        load(TOKENS, file)
    assert told.value.faults == (
        "USER_REQUEST_PER_MINUTE is no setting: did you mean USER_REQUESTS_PER_MINUTE?",
        "HEALT_PORT is no setting: did you mean HEALTH_PORT?",
    )


def test_lines_that_are_none_are_told_by_number_and_never_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".env"
    file.write_text("LOG_LEVEL=loud\nsecret value\n# a comment\nDISCORD_TOKEN='secret\n")
    for read in (load, load_for_demo, load_database_url):
        with pytest.raises(ConfigError) as told:
            read({}, file)
        lines = [fault for fault in told.value.faults if fault.startswith(f"{file}: line ")]
        assert [line.removeprefix(f"{file}: line ")[:16] for line in lines] == [
            "2 cannot be read",
            "4 cannot be read",
        ]
        assert "secret" not in str(told.value)
    assert not caplog.records


def test_what_is_about_the_database_is_told_of_its_name_alone(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DATABASE_URI=sqlite:///ours.db\nLOG_LEVLE=loud\n")
    with pytest.raises(ConfigError) as told:
        load_database_url({}, file)
    assert told.value.faults == ("DATABASE_URI is no setting: did you mean DATABASE_URL?",)


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        written(tmp_path, "DISCORD_TOKEN=ü".encode("utf-16"))


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(TOKENS, tmp_path)


def test_the_example_has_every_setting_in_order_with_its_default() -> None:
    names = re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text("utf-8"), re.MULTILINE)
    assert names == [name.upper() for name in Settings.model_fields]
    assert load(TOKENS | {}, None) == load(TOKENS, EXAMPLE)


def test_each_setting_of_the_example_has_a_comment_of_one_line() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"(# )?[A-Z_]+=", line):
            assert above.startswith("# "), line
            assert above.endswith("."), above


def test_a_copy_of_the_example_leaves_the_images_health_port_as_it_is() -> None:
    """Docker hands over empty ones too, and the image's health check asks nobody where the port is empty."""
    assert "HEALTH_PORT" not in read_env_file(EXAMPLE).values
