"""The command line: what each command prints, and its exit code."""

import asyncio
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from discord.http import Route

from bot.command_line import main
from bot.errors import ConfigError
from bot.store import StoreUnavailable
from tests.support.postgres import ESCAPED, Server

ROOT = Path(__file__).parents[1]
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In an empty folder, with settings that reach nobody."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", "discord-secret")
    monkeypatch.setenv("REPLICATE_API_TOKEN", "replicate-secret")
    monkeypatch.setenv("REPLICATE_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///parlance.db")
    monkeypatch.setattr(Route, "BASE", "http://127.0.0.1:1")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["db"], ["demo", "--port", "x"], ["run", "extra"]])
def test_a_wrong_command_line_is_2(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m bot" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["db", "migrate"], ["db", "backup"], ["usage"]])
def test_what_is_about_the_database_needs_no_other_setting(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    main(["db", "migrate"])
    monkeypatch.delenv("DISCORD_TOKEN")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert main(arguments) == 0
    monkeypatch.setenv("DATABASE_URL", "mysql://x")
    assert main(arguments) == 1
    [told] = capsys.readouterr().err.splitlines()
    assert told.startswith("DATABASE_URL wants")


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_port_that_is_none_is_told(port: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(["demo", f"--port={port}"])
    assert left.value.code == 2
    assert "argument --port: wants a number from 0 to 65535" in capsys.readouterr().err


def test_every_fault_of_the_settings_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.delenv("DISCORD_TOKEN")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert main(["run"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "make demo" in told[0]
    assert told[1].startswith("LOG_LEVEL wants")


def test_check_tells_faults_of_the_settings_too(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert main(["check"]) == 1
    assert capsys.readouterr().out.startswith("WRONG Settings: LOG_LEVEL wants")


def test_check_goes_on_where_nobody_answers(tmp_path: Path, capsys: Captured) -> None:
    assert main(["check", "--models"]) == 1
    out = capsys.readouterr().out
    assert "?     Discord token" in out
    assert "?     Replicate token" in out
    assert "ok    Database" in out
    assert "secret" not in out
    assert not (tmp_path / "parlance.db").exists()


def test_a_reader_who_has_seen_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    main(["db", "migrate"])
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "usage", "--csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_migrate_makes_the_database(tmp_path: Path, capsys: Captured) -> None:
    assert main(["db", "migrate"]) == 0
    assert "parlance.db" in capsys.readouterr().out
    with closing(sqlite3.connect(tmp_path / "parlance.db")) as connection:
        assert connection.execute("SELECT count(*) FROM migrations").fetchone()[0] >= 1


def test_backup_copies_the_database(tmp_path: Path, capsys: Captured) -> None:
    main(["db", "migrate"])
    assert main(["db", "backup", "copy.db"]) == 0
    assert "copy.db" in capsys.readouterr().out
    assert (tmp_path / "copy.db").stat().st_size > 0
    assert main(["db", "backup", "copy.db"]) == 1
    assert "copy.db is there already" in capsys.readouterr().err


def test_backup_beside_the_database(tmp_path: Path) -> None:
    main(["db", "migrate"])
    assert main(["db", "backup"]) == 0
    assert list(tmp_path.glob("parlance.*.backup.db"))


def test_postgresql_is_migrated_and_backed_up_with_its_own_tool(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    name = asyncio.run(server.create())
    monkeypatch.setenv("DATABASE_URL", server.url(name))
    shown = f"postgresql://parlance@127.0.0.1:{server.port}/{name}"
    assert main(["db", "migrate"]) == 0
    assert capsys.readouterr().out == f"The database at {shown} is what this version needs.\n"
    assert main(["db", "backup"]) == 1
    told = capsys.readouterr().err
    assert told.endswith(f"pg_dump --format=custom --file=parlance.dump '{shown}'\n")
    asyncio.run(server.drop(name))
    assert main(["db", "migrate"]) == 1
    told = capsys.readouterr().err
    assert f'database "{name}" does not exist' in told
    assert ESCAPED not in told


def test_backup_into_no_folder_makes_none(tmp_path: Path, capsys: Captured) -> None:
    main(["db", "migrate"])
    assert main(["db", "backup", "mistyped/copy.db"]) == 1
    assert "There is no folder mistyped" in capsys.readouterr().err
    assert not (tmp_path / "mistyped").exists()


def test_backup_of_nothing_makes_nothing(tmp_path: Path, capsys: Captured) -> None:
    assert main(["db", "backup"]) == 1
    assert "no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_backup_of_what_is_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    (tmp_path / "notes.db").write_text("Not a database. " * 100)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///notes.db")
    assert main(["db", "backup"]) == 1
    assert "file is not a database" in capsys.readouterr().err


def test_backup_where_none_can_be_written(tmp_path: Path, capsys: Captured) -> None:
    main(["db", "migrate"])
    (tmp_path / "copy.db.partial").mkdir()
    assert main(["db", "backup", "copy.db"]) == 1
    assert "could not be copied" in capsys.readouterr().err


def test_usage_is_told_of_the_last_thirty_days(capsys: Captured) -> None:
    main(["db", "migrate"])
    capsys.readouterr()
    assert main(["usage"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d to 20\d\d-\d\d-\d\d, UTC", told[0])
    assert told[1:] == ["Nothing was used."]


def test_usage_is_told_since_a_day_as_csv(capsys: Captured) -> None:
    main(["db", "migrate"])
    capsys.readouterr()
    assert main(["usage", "--csv", "--since", "2026-05-01"]) == 0
    assert capsys.readouterr().out.startswith("id,asked_at,")


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "1999-01-01", "9999-01-01", "-1"])
def test_usage_since_no_day_is_2(day: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["usage", "--since=" + day])
    assert ended.value.code == 2
    assert "wants a day that was, such as 2026-05-01" in capsys.readouterr().err


def test_usage_of_no_database_is_told(tmp_path: Path, capsys: Captured) -> None:
    assert main(["usage"]) == 1
    assert "no database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_usage_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable from OSError("it went away")

    main(["db", "migrate"])
    monkeypatch.setattr("bot.usage.console.print_report", away)
    assert main(["usage"]) == 1
    assert "The records could not be read: it went away" in capsys.readouterr().err


def test_the_demo_takes_its_options(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    from bot import demo

    taken: list[demo.DemoOptions] = []

    def run_demo(options: demo.DemoOptions) -> int:
        taken.append(options)
        raise ConfigError(("a fault of the demo",))

    monkeypatch.setattr(demo, "run_demo", run_demo)
    assert main(["demo", "--dm", "--no-browser", "--port", "8123", "--keep"]) == 1
    assert taken == [demo.DemoOptions(place=demo.Place.DM, port=8123, browser=False, keep=True)]
    assert "a fault of the demo" in capsys.readouterr().err


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C works here, also where whoever started the tests ignores it: a shell does in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object) -> int:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(60)
        return 0

    monkeypatch.setattr("bot.command_line.check", interrupted)
    assert main(["check"]) == 130


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_it_is_loaded_is_130_too() -> None:
    script = """
import runpy, signal, sys

class Pressed:
    def find_spec(self, name, *_):
        if name == "bot.config":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Pressed())
sys.argv[1:] = ["demo"]
runpy.run_module("bot", run_name="__main__")
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")
