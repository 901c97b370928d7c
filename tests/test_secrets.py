"""The operator's secrets are shown nowhere: not by settings, errors, objects or the check.

tests/conftest.py looks for those of the tests in whatever any test writes, tests/wire/test_secrets.py in what
a running bot leaves behind.
"""

import io
import logging
import os
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.address import located
from bot.check import Reach, check
from bot.config import Settings, load
from bot.errors import ConfigError
from bot.logs import HIDDEN, open_log
from bot.models.replicate import ReplicateProvider
from bot.store import Store
from tests.support.canaries import CANARIES, DATABASE, DATABASE_ESCAPED, DISCORD, REPLICATE, spilled
from tests.support.simulated import World
from tests.wire.crowd import log_of
from tests.wire.process import clean

ROOT = Path(__file__).parents[1]
URL = f"postgresql://parlance:{DATABASE_ESCAPED}@127.0.0.1:1/parlance"
ENVIRONMENT = {"DISCORD_TOKEN": DISCORD, "REPLICATE_API_TOKEN": REPLICATE, "DATABASE_URL": URL}
SECRET_NAMES = ("token", "secret", "password", "key")


def secret_fields() -> set[str]:
    """The settings whose values are secret, by their type."""
    return {
        name for name, field in Settings.model_fields.items() if SecretStr.__name__ in repr(field.annotation)
    }


def test_every_secret_setting_has_its_canary() -> None:
    """A new one is to be given one, so that all of the suite looks for it."""
    named = {name for name in Settings.model_fields if set(name.split("_")) & set(SECRET_NAMES)}
    assert named <= secret_fields() | {"max_answer_tokens"}
    assert {name.upper() for name in secret_fields()} | {"DATABASE_URL"} == set(ENVIRONMENT)
    assert set(load(ENVIRONMENT, None).secrets()) == set(CANARIES)


def test_a_password_from_the_environment_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", DATABASE)
    assert (
        DATABASE in load({**ENVIRONMENT, "DATABASE_URL": "postgresql://parlance@db/parlance"}, None).secrets()
    )


def test_settings_show_none() -> None:
    settings = load(ENVIRONMENT, None)
    assert not spilled(f"{settings!r} {settings} {located(URL)!r} {located(URL)}")


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_faults_of_settings_show_none(name: str) -> None:
    wrong = f"{DISCORD} {REPLICATE} {DATABASE} ://{DATABASE}"
    with pytest.raises(ConfigError) as refused:
        load({**ENVIRONMENT, name: wrong, "LOG_LEVEL": "loud"}, None)
    told = "".join(traceback.format_exception(refused.value)) + "".join(refused.value.faults)
    assert name in told
    assert not spilled(told)


async def test_the_check_shows_none_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discord.http.Route.BASE", "http://127.0.0.1:1")
    out = io.StringIO()
    environment = {**ENVIRONMENT, "REPLICATE_BASE_URL": "http://127.0.0.1:1/v1"}
    assert await check(lambda: load(environment, None), Reach.MODELS, out) == 1
    assert "WRONG Database" in out.getvalue()
    assert not spilled(out.getvalue())


async def test_a_database_that_is_away_shows_none() -> None:
    with pytest.raises(ConfigError) as away:
        async with Store.open(URL):
            raise AssertionError("nobody listens there")
    told = "".join(traceback.format_exception(away.value)) + repr(away.value)
    assert not spilled(told)


async def test_what_the_bot_is_made_of_shows_none(world: World) -> None:
    services = world.bot.answers.services
    provider = ReplicateProvider(REPLICATE)
    parts = [
        services,
        services.settings,
        services.ledger,
        world.bot,
        world.bot.store,
        provider,
        provider._client,
    ]
    assert not spilled(repr(parts) + str(vars(services.settings)))
    await provider.close()


def test_the_log_hides_each_wherever_it_stands(tmp_path: Path) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        open_log(load({**ENVIRONMENT, "LOG_LEVEL": "DEBUG"}, None), stream)
        for canary in CANARIES:
            logging.getLogger("asyncpg").debug("connecting with %s", canary)
            error = OSError(f"no such user: {canary}")
            headers = {"Authorization": f"Bearer {canary}"}
            logging.getLogger("bot").error("failed with %r", headers, exc_info=error)
    finally:
        root.handlers[:], _ = before
        root.setLevel(before[1])
    written = stream.getvalue()
    assert written.count(HIDDEN) >= 3 * len(CANARIES)
    assert not spilled(written)


SPILLING = """
import logging, sys
from tests.support.canaries import DATABASE, DISCORD, REPLICATE

def test_out():
    print(DISCORD)

def test_err():
    print(REPLICATE, file=sys.stderr)

def test_log():
    logging.getLogger("bot").warning("connecting with %s", DATABASE)

def test_none():
    print("nothing secret")
"""


@pytest.mark.slow
def test_a_test_that_writes_one_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    (tmp_path / "test_spilling.py").write_text(SPILLING)
    options = ["-c", "pyproject.toml", "-o", f"cache_dir={tmp_path / 'cache'}"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failed = re.findall(r"^FAILED .*::(\w+)", ended.stdout, re.MULTILINE)
    assert failed == ["test_out", "test_err", "test_log"]
    assert "1 passed" in ended.stdout


@pytest.mark.parametrize("canary", CANARIES)
def test_what_a_bot_wrote_is_looked_through(tmp_path: Path, canary: str) -> None:
    with pytest.raises(AssertionError):
        clean(f"before {canary} after")
    with pytest.raises(AssertionError), log_of(tmp_path) as (_, output):
        os.write(output, f"first\nbefore {canary} after\nlast\n".encode())
    with log_of(tmp_path) as (_, output):
        os.write(output, b"nothing secret\n")
