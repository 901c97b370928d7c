"""The operator's file of variables, `.env`: what it gives, and which of its lines give nothing."""

from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import parse_stream

from bot.errors import ConfigError


@dataclass(frozen=True, slots=True)
class EnvFile:
    """A file as it was read."""

    values: dict[str, str] = field(default_factory=dict)
    """The variables by name, a later one before an earlier one."""
    faults: tuple[str, ...] = ()
    """A sentence on each line that is none. It does not repeat the line, which may hold a secret."""


def read_env_file(path: Path | None) -> EnvFile:
    """Read a file, which need not be there. A byte order mark is no part of the first name.

    Raises:
        ConfigError: it is no text file in UTF-8.
    """
    if path is None or not path.exists():
        return EnvFile()
    try:
        with path.open(encoding="utf-8-sig") as lines:
            bindings = list(parse_stream(lines))
    except (OSError, UnicodeDecodeError):
        raise ConfigError((f"{path} cannot be read: it wants to be a text file in UTF-8.",)) from None
    return EnvFile(
        {each.key: each.value for each in bindings if each.key is not None and each.value is not None},
        tuple(
            f"{path}: line {each.original.line} cannot be read: it wants NAME=value, a quote closed where "
            "one is opened, or # before a comment."
            for each in bindings
            if each.error
        ),
    )
