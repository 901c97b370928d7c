"""SECURITY.md names tests and files that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::((?:\w+::)?\w+)`", TEXT)))


def named_in(path: Path) -> set[str]:
    """The tests of a file, those of a class with its name before them."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            functions = (
                each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            )
            found |= {f"{node.name}::{each.name}" for each in functions}
    return found


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_is_named_exists(file: str, test: str) -> None:
    assert test in named_in(ROOT / file)


def test_every_row_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| what ")]
    rows = [line for line in rows if not line.startswith("| --- ")]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row.rpartition(" | ")[2]] == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_a_file_that_is_named_exists(link: str) -> None:
    assert (ROOT / link).is_file()
