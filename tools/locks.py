"""The locked requirements: `python -m tools.locks` writes them anew, `--check` tells if they are up to date.

pyproject.toml says what is wanted; requirements/ holds what is installed, with the hash of every file and no
address. Each lock opens with a digest of what it was made from, so that checking it needs no network.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Lock:
    """One locked set: its name, and uv's words for what goes into it."""

    name: str
    inputs: tuple[str, ...]
    base: str | None = None

    @property
    def path(self) -> Path:
        """Where the lock is kept."""
        return ROOT / "requirements" / f"{self.name}.txt"


# A lock with a base keeps the base's versions, so that the sets never disagree.
LOCKS = (
    Lock("prod", ("pyproject.toml",)),
    Lock("demo", ("pyproject.toml", "--extra=demo"), base="prod"),
    Lock("dev", ("pyproject.toml", "--extra=demo", "--group=dev"), base="demo"),
    Lock("model", ("--group=model", "--no-deps")),
    Lock("tool", ("--group=tool",)),
)


def digest() -> str:
    """Return a digest of everything that pyproject.toml asks for."""
    document = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    project = document["project"]
    wanted = [
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
        document["dependency-groups"],
    ]
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def header() -> str:
    """Return the line that a lock opens with."""
    return f"# Locked by `make lock` from pyproject.toml ({digest()}).\n"


def compiled(lock: Lock, *, upgrade: bool) -> str:
    """Let uv resolve the set for Linux and macOS and every supported Python, keeping the versions it has."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version=3.11",
    ]
    # Where packages come from is left out unless it is asked for.
    command += ["--generate-hashes", "--no-header", "--no-annotate"]
    command += [*lock.inputs, f"--output-file={lock.path}", *(["--upgrade"] if upgrade else [])]
    base = next((other for other in LOCKS if other.name == lock.base), None)
    if base is not None:
        command.append(f"--constraint={base.path}")
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return lock.path.read_text(encoding="utf-8")


def write(*, upgrade: bool) -> None:
    """Write every lock anew."""
    for lock in LOCKS:
        lock.path.parent.mkdir(exist_ok=True)
        lock.path.write_text(header() + compiled(lock, upgrade=upgrade), encoding="utf-8")
        print(f"{lock.path.relative_to(ROOT)} written")


def stale() -> list[str]:
    """Return the locks that are missing or were made from another pyproject.toml."""
    return [
        str(lock.path.relative_to(ROOT))
        for lock in LOCKS
        if not lock.path.is_file() or not lock.path.read_text(encoding="utf-8").startswith(header())
    ]


def main(arguments: Sequence[str]) -> int:
    """Write or check the locks; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.locks", description="Write the locked requirements."
    )
    parser.add_argument("--check", action="store_true", help="only tell whether they are up to date")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    options = parser.parse_args(arguments)
    if not options.check:
        write(upgrade=options.upgrade)
        return 0
    for name in stale():
        print(f"{name} was not made from this pyproject.toml: run `make lock`.", file=sys.stderr)
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
