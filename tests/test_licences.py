"""Everything that is shipped is listed with its licence, and none that nobody has looked at."""

from email.message import Message

import pytest

from tools import licences
from tools.licences import PAGE, licence_of, locked, main, page
from tools.locks import LOCKS


def test_the_page_lists_everything_that_is_locked_for_people() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page()
    for lock in LOCKS:
        if lock.name in {"prod", "demo", "model"}:
            for name, versions in locked(lock).items():
                assert f"| {name} | {' or '.join(versions)} | " in written


def test_a_page_of_other_requirements_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"]) == 0
    monkeypatch.setattr(licences, "HEAD", "# Something else\n")
    assert main(["--check"]) == 1
    assert "make licences" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License-Expression": "MIT OR Apache-2.0", "License": "whatever"}, "MIT OR Apache-2.0"),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0"),
        (
            {"License": "The text of it\nin lines", "Classifier": "License :: OSI Approved :: MIT License"},
            "MIT",
        ),
    ],
)
def test_a_licence_is_what_the_package_says(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], licence: str
) -> None:
    says(monkeypatch, fields)
    assert licence_of("example") == licence


@pytest.mark.parametrize(
    "fields", [{}, {"License": "GPL-3.0-only"}, {"License-Expression": "MIT AND AGPL-3.0-only"}]
)
def test_a_licence_that_nobody_has_looked_at_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fields: dict[str, str]
) -> None:
    says(monkeypatch, fields)
    with pytest.raises(LookupError, match="example: its licence is"):
        licence_of("example")
    assert main([]) == 1
    assert "its licence is" in capsys.readouterr().err


def says(monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]) -> None:
    """Let every package say this of itself."""
    told = Message()
    for name, value in fields.items():
        told[name] = value
    monkeypatch.setattr(licences, "metadata", lambda _: told)
