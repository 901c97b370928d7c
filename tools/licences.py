"""The licences of everything that is shipped: ``python -m tools.licences`` writes them, ``--check`` compares.

What is shipped is what is locked for production, and for the demo what comes on top. Each licence is what the
package says of itself, by its name on the SPDX list; one that nobody has looked at yet is a fault.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from tools.locks import LOCKS, ROOT, Lock

PAGE = ROOT / "docs" / "licences.md"
PIN = re.compile(r"^([a-z0-9.-]+)==([^\s;]+)", re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9.-]+")

LOOKED_AT = {
    *(
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "MIT",
        "MIT-0",
    ),
    *("MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib"),
}
"""Licences under which a package may be shipped beside this bot's MIT."""
OTHERWISE_CALLED = {
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages write where they do not use SPDX's names."""
NOT_INSTALLED = {"audioop-lts": "PSF-2.0"}
"""Packages that only other versions of Python need, as they say on their page."""

HEAD = """\
# Licences of what is shipped

Written by `make licences` from the locked requirements; `make check` compares. The texts lie beside each
package, in its `.dist-info` folder, with those of what it bundles. Parlance itself is under the [MIT
licence](../LICENSE).
"""
PRODUCTION = "## The bot (`requirements/prod.txt`)"
DEMO = "## On top of it for the demo (`requirements/demo.txt`, `requirements/model.txt`)"


def locked(lock: Lock) -> dict[str, tuple[str, ...]]:
    """Return the versions of every package in a lock."""
    versions: dict[str, tuple[str, ...]] = {}
    for name, version in PIN.findall(lock.path.read_text(encoding="utf-8")):
        versions[name] = (*versions.get(name, ()), version)
    return versions


def licence_of(name: str) -> str:
    """Return a package's licence as an SPDX expression.

    Raises:
        LookupError: it is not installed, says nothing, or names a licence that nobody has looked at.
    """
    try:
        found = next(_told(metadata(name)), "")
    except PackageNotFoundError:
        found = NOT_INSTALLED.get(name, "")
    unknown = set(NAME.findall(found)) - {"AND", "OR", "WITH"} - LOOKED_AT
    if not found or unknown:
        raise LookupError(f"{name}: its licence is {found or 'not known'}; see tools/licences.py")
    return found


def _told(package: PackageMetadata) -> Iterator[str]:
    """What a package says of its licence, the most exact first."""
    yield from package.get_all("License-Expression") or []
    yield from (
        OTHERWISE_CALLED.get(told, told) for told in package.get_all("License") or [] if "\n" not in told
    )
    classifiers = package.get_all("Classifier") or []
    names = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License")]
    if names:
        yield " OR ".join(OTHERWISE_CALLED.get(name, name) for name in names)


def page() -> str:
    """Return the page.

    Raises:
        LookupError: a licence is not known.
    """
    prod, demo, model = (locked(_lock(name)) for name in ("prod", "demo", "model"))
    beside = {name: versions for name, versions in {**demo, **model}.items() if name not in prod}
    return "\n".join([HEAD, PRODUCTION, "", *_table(prod), "", DEMO, "", *_table(beside), ""])


def _lock(name: str) -> Lock:
    return next(lock for lock in LOCKS if lock.name == name)


def _table(wanted: dict[str, tuple[str, ...]]) -> Iterable[str]:
    yield "| package | version | licence |"
    yield "| --- | --- | --- |"
    for name, versions in sorted(wanted.items()):
        yield f"| {name} | {' or '.join(versions)} | {licence_of(name)} |"


def main(arguments: Sequence[str]) -> int:
    """Write the page or compare it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.licences", description="List all licences.")
    parser.add_argument("--check", action="store_true", help="only tell whether the list is up to date")
    options = parser.parse_args(arguments)
    try:
        wanted = page()
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 1
    if not options.check:
        PAGE.write_text(wanted, encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} written")
        return 0
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != wanted:
        print(f"{PAGE.relative_to(ROOT)} is not of these requirements: run `make licences`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
