"""What ``DATABASE_URL`` may name: a SQLite file, or a database of a PostgreSQL server."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

SQLITE: Final = re.compile(r"(?:sqlite(?:\+aiosqlite)?:///)?(?P<path>(?!:memory:)(?:(?!://).)+)")
HOST: Final = r"(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:,\[\]]+)(?::[0-9]{1,5})?"
USER: Final = r"[^\s/?#@:]+(?::[^\s/?#@]*)?@"
OPTION: Final = r"[a-z_]+=[^\s&#@]*"
POSTGRES: Final = re.compile(
    rf"postgres(?:ql)?(?:\+asyncpg)?(?P<rest>://(?:{USER})?(?P<hosts>(?:{HOST}(?:,{HOST})*)?)"
    rf"(?:/[^\s/?#@]*)?(?:\?{OPTION}(?:&{OPTION})*)?)"
)
PASSWORDS: Final = frozenset({"password", "sslpassword"})
"""Options of a PostgreSQL address that are secret."""

WANTED: Final = (
    "an address such as sqlite:///data/parlance.db or postgresql://user:password@host/database, "
    "with %40 for @, %2F for /, %3A for :, %23 for # and %3F for ? in a password"
)


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database on a PostgreSQL server. As a text, it is without its password."""

    dsn: str = field(repr=False)
    """The whole address, as libpq's tools take it too."""

    def __str__(self) -> str:
        parts = urlsplit(self.dsn)
        user, at, hosts = parts.netloc.rpartition("@")
        options = [(name, value) for name, value in parse_qsl(parts.query) if name not in PASSWORDS]
        netloc = user.partition(":")[0] + at + hosts
        return urlunsplit(parts._replace(netloc=netloc, query=urlencode(options, safe="/")))

    def secrets(self) -> tuple[str, ...]:
        """The passwords in it, as they are written there and as they are."""
        parts = urlsplit(self.dsn)
        written = [parts.netloc.rpartition("@")[0].partition(":")[2]]
        written += [
            value
            for name, _, value in (option.partition("=") for option in parts.query.split("&"))
            if name in PASSWORDS
        ]
        return tuple({text for secret in written for text in (secret, unquote(secret)) if text})


Address = Path | PostgresAddress
"""A SQLite file, or a database on a server."""


def located(url: str) -> Address:
    """Return what an address names. A relative path counts from the working directory.

    Raises:
        ValueError: it names neither; says what is wanted, and nothing of what was given.

    >>> [str(located(url)) for url in ("sqlite:///data/p.db", "sqlite+aiosqlite:////var/p.db", "p.db")]
    ['data/p.db', '/var/p.db', 'p.db']
    >>> print(located("postgres://bot:secret@db.example:5433/parlance?sslmode=require"))
    postgresql://bot@db.example:5433/parlance?sslmode=require
    """
    if (file := SQLITE.fullmatch(url)) is not None:
        return Path(file["path"])
    server = POSTGRES.fullmatch(url)
    if server is None or not all(_is_host(host) for host in server["hosts"].split(",")):
        raise ValueError(WANTED)
    return PostgresAddress("postgresql" + server["rest"])


def _is_host(text: str) -> bool:
    """Whether the port is one, and what stands in brackets an address; both may be missing."""
    try:
        # Reads the port, and raises for one that is too large.
        return urlsplit(f"//{text}").port != 0
    except ValueError:
        return False
