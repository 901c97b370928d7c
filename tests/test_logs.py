"""The log is one line an entry, says the request, and never a secret."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from bot.config import LogFormat, LogLevel, Settings, load
from bot.logs import HIDDEN, open_log, redactor, request_id

SECRET = 'q"uo\\te-secret'


def settings(form: LogFormat, level: LogLevel = LogLevel.INFO) -> Settings:
    return load(
        {
            "DISCORD_TOKEN": SECRET,
            "REPLICATE_API_TOKEN": f"{SECRET}-longer",
            "LOG_FORMAT": form.value,
            "LOG_LEVEL": level.value,
        },
        None,
    )


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.NOTSET)


def opened(form: LogFormat, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    open_log(settings(form, level), stream)
    return stream


def failing() -> None:
    raise RuntimeError(f"with {SECRET}")


def test_text_is_a_line_with_the_request() -> None:
    stream = opened(LogFormat.TEXT)
    logging.getLogger("bot.answer").info("settled %s", "well", extra={"request": "ABCD1234"})
    line = stream.getvalue()
    assert line.endswith("INFO     bot.answer [ABCD1234]: settled well\n")
    datetime.fromisoformat(line[:19])


def test_a_message_cannot_begin_a_line_of_its_own() -> None:
    stream = opened(LogFormat.TEXT)
    logging.getLogger("bot").info("a\r\nCRITICAL root: forged")
    assert stream.getvalue().endswith("a\\r\\nCRITICAL root: forged\n")
    assert stream.getvalue().count("\n") == 1


CHARACTERS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]))


def test_json_holds_no_control_character_as_it_is() -> None:
    stream = opened(LogFormat.JSON)
    logging.getLogger("bot").info("é你 %s", CHARACTERS)
    [line] = stream.getvalue().splitlines()
    assert all(character.isprintable() for character in line)
    assert json.loads(line)["message"] == f"é你 {CHARACTERS}"


def test_no_control_character_is_written_as_it_is() -> None:
    stream = opened(LogFormat.TEXT)
    logging.getLogger("bot").info("é你 \\n %s", CHARACTERS)
    [line] = stream.getvalue().splitlines()
    assert "é你 \\n \\x00" in line
    assert "\\x0b\\x0c\\r" in line
    assert line.endswith("\\x9f\\u2028\\u2029")
    assert all(character.isprintable() for character in line)


def test_the_request_comes_from_the_task() -> None:
    stream = opened(LogFormat.JSON)
    token = request_id.set("WXYZ5678")
    logging.getLogger("bot").info("hello")
    request_id.reset(token)
    logging.getLogger("bot").info("bye")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["request"] == "WXYZ5678"
    assert "request" not in second
    assert set(second) == {"time", "level", "logger", "message"}
    assert datetime.fromisoformat(second["time"]).tzinfo is not None


@pytest.mark.parametrize("form", list(LogFormat))
def test_no_secret_is_written_however_it_comes(form: LogFormat) -> None:
    stream = opened(form)
    try:
        failing()
    except RuntimeError:
        logging.getLogger("bot").exception("it was %s", f"{SECRET}-longer")
    logging.getLogger("discord").warning("POST /api/v10/webhooks/123/aW50ZXJ/messages/@original said 404")
    written = stream.getvalue()
    assert "RuntimeError" in written
    assert SECRET not in written
    assert json.dumps(SECRET)[1:-1] not in written
    assert "longer" not in written
    assert "aW50ZXJ" not in written
    assert f"/webhooks/123/{HIDDEN}/messages" in written


def test_json_has_its_traceback_in_the_line() -> None:
    stream = opened(LogFormat.JSON)
    try:
        failing()
    except RuntimeError:
        logging.getLogger("bot").exception("oh")
    assert stream.getvalue().count("\n") == 1
    assert "Traceback" in json.loads(stream.getvalue())["exception"]


def test_the_level_is_kept_and_libraries_are_quiet() -> None:
    stream = opened(LogFormat.TEXT)
    logging.getLogger("bot").debug("small")
    logging.getLogger("httpx").info("HTTP Request")
    assert stream.getvalue() == ""
    stream = opened(LogFormat.TEXT, LogLevel.DEBUG)
    logging.getLogger("bot").debug("small")
    logging.getLogger("httpx").info("HTTP Request")
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("password", ["p", "postgres", "s3cret!"])
def test_a_password_that_is_part_of_other_words_is_hidden_where_it_is_one(password: str) -> None:
    redact = redactor([password])
    kept = "the database postgresql://postgres@host/p is complete and s3cret!ive"
    assert redact(kept) == kept
    address = f"postgresql://postgres:{password}@host/p?sslpassword={password}&x=1"
    assert redact(address) == f"postgresql://postgres:{HIDDEN}@host/p?sslpassword={HIDDEN}&x=1"


@pytest.mark.parametrize("password", ["p", "hunter2", "postgres", "lettersandnomore", "it is:1,2)"])
@pytest.mark.parametrize(
    "place",
    [
        "connect(user='it', password='{}', port=5432)",
        'connect(user="it", password="{}", port=5432)',
        "password = '{}' host = db",
        "{{'user': 'it', 'password': '{}', 'port': 5432}}",
        '{{"user": "it", "password": "{}", "port": 5432}}',
        '{{"user":"it","password":"{}","port":5432}}',
        'password: "{}"\nport: 5432',
        "environ({{'PGPASSWORD': '{}', 'PGPORT': '5432'}})",
        "'password': b'{}'",
        "password=b'{}'",
        'said "{{\\"password\\": \\"{}\\", \\"port\\": 5432}}"',
    ],
)
def test_a_password_is_hidden_in_its_quotes_and_nothing_else_is(password: str, place: str) -> None:
    assert redactor([])(place.format(password)) == place.format(HIDDEN)


@pytest.mark.parametrize("password", ["p", "hunter2", "postgres", "lettersandnomore", "it:1,2)"])
@pytest.mark.parametrize(
    "place",
    [
        "PGPASSWORD={} psql --host db",
        "POSTGRES_PASSWORD={}\nPGPORT=5432",
        "host=db password={} user=it",
        "host = db password = {} user = it",
        "postgresql://db/it?password={}&sslmode=require",
        "said 'postgresql://db/it?user=it&password={}' twice",
    ],
)
def test_a_password_is_hidden_behind_its_name_and_nothing_else_is(password: str, place: str) -> None:
    assert redactor([])(place.format(password)) == place.format(HIDDEN)


@pytest.mark.parametrize("password", ["don't", 'say "so"', 'it\'s "so"', "back\\slash", "new\nline"])
def test_a_password_with_quotes_is_hidden_as_python_and_json_write_it(password: str) -> None:
    redact = redactor([])
    arguments = {"password": password, "port": 5432}
    hidden = f"'password': '{HIDDEN}', 'port': 5432"
    assert redact(repr(arguments)).replace('"', "'") == f"{{{hidden}}}"
    assert redact(json.dumps(arguments)).replace('"', "'") == f"{{{hidden}}}"


def test_a_password_in_a_text_that_was_cut_is_hidden() -> None:
    assert redactor([])("connect(password='hunt\nnext line") == f"connect(password='{HIDDEN}\nnext line"


@pytest.mark.parametrize(
    "text",
    [
        'password authentication failed for user "postgres"',
        "DATABASE_URL: wants a password: it is not there",
        "PGPASSWORD: wants a value; 'password' is none",
        "the password is 'postgres', and passwords: 'two' are more",
        'password=\'\' password="" "password": "" password= PGPASSWORD=',
        "passwordless='yes' password_file='/run/secret' passfile=.pgpass",
        'fields "password", "port" and \'password\': 5 of them',
        "see u:hunter2@h",
    ],
)
def test_what_only_speaks_of_passwords_stays_as_it_is(text: str) -> None:
    assert redactor([])(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        *("password", "password=", "password='", 'password="', "password=\\", "password=\\'", "password: "),
        *(
            "password='\\",
            "password=b",
            "'password': b",
            "password = ",
            "://",
            "://a:",
            "://a:b",
            ":",
            "a",
            "\\",
        ),
    ],
)
def test_a_hostile_text_takes_no_longer_than_another(piece: str) -> None:
    """One that took time by the square of its length would take hours."""
    redact = redactor(["0123456789"])
    for begin in ("", "password='", "password=", "://", "://a:"):
        redact(begin + piece * (500_000 // len(piece)))


@pytest.mark.parametrize("password", ["longer than that", "0123456789", "onlylettersandlong"])
def test_a_password_that_is_like_nothing_else_is_hidden_everywhere(password: str) -> None:
    assert redactor([password])(f"it is{password}, then") == f"it is{HIDDEN}, then"


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert redactor([""])("a text") == "a text"
