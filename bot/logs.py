"""The log: lines for people or lines of JSON, each with the short id of its request, and never a secret."""

import json
import logging
import re
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, Protocol, TextIO

from bot.config import LogFormat, LogLevel, Settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The short id of the request that the current task is about."""

HIDDEN: Final = "[hidden]"
INTERACTION_TOKEN: Final = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/?\s\"']+")
"""Whoever has an interaction's token can write in the bot's name for fifteen minutes."""
URL_PASSWORD: Final = re.compile(r"(://[^\s/@:]*:)[^\s/@]+(?=@)")
OPTION_PASSWORD: Final = re.compile(r"((?i:password)(?:=| = ))(?!b[\"'])[^\s&#\"']+")
"""As in ``sslpassword=...`` and ``PGPASSWORD=...``."""
QUOTED_PASSWORDS: Final = (
    re.compile(r"((?i:password)[\"']?(?:=| = | ?: ?)b?')(?:[^'\\\n]|\\.)+"),
    re.compile(r"((?i:password)[\"']?(?:=| = | ?: ?)b?\")(?:[^\"\\\n]|\\.)+"),
    # A text that is quoted in another.
    re.compile(r"((?i:password)(?:\\[\"'])?(?:=| = | ?: ?)\\[\"'])[^\"'\\\n]+"),
)
"""As in ``password='...'`` and ``"password": "..."``. After a colon only these are hidden: "PASSWORD: wants a
value" is a sentence. The end of a quoted one need not be there, so that a text that was cut tells none.
"""
SHAPES: Final = (INTERACTION_TOKEN, URL_PASSWORD, *QUOTED_PASSWORDS, OPTION_PASSWORD)
"""Passwords are hidden by where they stand, too: one that is a word is known to stand there alone."""
SHORTEST: Final = 8
SHORTEST_WORD: Final = 16
"""Length from which a secret is hidden wherever it stands, and one of nothing but letters. A shorter one is
part of what anybody writes: to hide it there would garble the text, and tell the secret to whoever reads it.
"""

CONTROL: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
"""What ends a line somewhere, or moves a terminal's cursor."""

CHATTY: Final = ("aiosqlite", "httpcore", "httpx", "asyncio")
"""Libraries that tell of every call below WARNING."""
TALKATIVE: Final = ("discord.gateway", "discord.http", "discord.webhook", "replicate")
"""Libraries that below INFO write down all they send and get: people's words, and tokens to answer them."""


class Redact(Protocol):
    """Returns a text without secrets."""

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""


def redactor(secrets: Iterable[str]) -> Redact:
    """Return a function that hides these secrets, interaction tokens, and named passwords in a text."""
    known = sorted({secret for secret in secrets if not _is_common(secret)}, key=len, reverse=True)
    values = re.compile("|".join(map(re.escape, known))) if known else None

    def redact(text: str) -> str:
        text = values.sub(HIDDEN, text) if values else text
        for shape in SHAPES:
            text = shape.sub(rf"\1{HIDDEN}", text)
        return text

    return redact


def _escaped(control: re.Match[str]) -> str:
    r"""As Python writes it: ``\n``, ``\x1b``, ``\u2028``."""
    return control[0].encode("unicode_escape").decode()


def _is_common(secret: str) -> bool:
    """Whether it may be part of a text that has nothing to do with it."""
    return len(secret) < (SHORTEST_WORD if secret.isalpha() else SHORTEST)


class TextFormatter(logging.Formatter):
    """An entry is one line; a traceback follows below it."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry, without secrets."""
        time = _time(record).strftime("%Y-%m-%d %H:%M:%S")
        request = f" [{_request(record)}]" if _request(record) else ""
        message = CONTROL.sub(_escaped, self._redact(record.getMessage()))
        line = f"{time} {record.levelname:<8} {record.name}{request}: {message}"
        if exception := self._exception(record):
            line = f"{line}\n{self._redact(exception)}"
        return line

    def _exception(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


class JsonFormatter(TextFormatter):
    """An entry is one line, its traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry, without secrets; what does not apply is left out."""
        fields = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": _request(record),
            "message": record.getMessage(),
            "exception": self._exception(record),
        }
        # Hidden before it is written as JSON, which may escape a character of a secret.
        shown = {name: self._redact(text) for name, text in fields.items() if text}
        return CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", json.dumps(shown, ensure_ascii=False))


def open_log(settings: Settings, stream: TextIO) -> logging.Handler:
    """Send every logger's entries to a stream, as the settings say; return the handler that does."""
    formatter = JsonFormatter if settings.log_format is LogFormat.JSON else TextFormatter
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(redactor(settings.secrets())))
    logging.basicConfig(level=settings.log_level.value, handlers=[handler], force=True)
    quiet = logging.NOTSET if settings.log_level is LogLevel.DEBUG else logging.WARNING
    for name in CHATTY:
        logging.getLogger(name).setLevel(quiet)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(settings.log_level.value)))
    return handler


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _request(record: logging.LogRecord) -> str:
    """The id given with the entry, or that of the task it was made in."""
    return str(getattr(record, "request", "") or request_id.get())
