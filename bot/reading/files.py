"""Text files as people have them: in any encoding, and sometimes not text at all.

A file is judged by its bytes, never by its name. What is not text is refused with its kind, so that the
person knows that a renamed picture was understood as one. Order matters: marks of known formats and of byte
order are certain, valid UTF-8 nearly so; what is left is given to a detector, which guesses from the letters.
"""

import asyncio
import codecs
import re
from collections.abc import Awaitable, Callable

from charset_normalizer import from_bytes

from bot.domain import File
from bot.errors import BadRequest
from bot.i18n import N_
from bot.offloading import offload

LARGEST_FILE = 1024 * 1024
"""Bytes of a file that is read."""
DOWNLOAD_SECONDS = 20.0
"""Longest a download may take."""
HEAD = 64
"""Bytes at the start of a file that tell its format from words."""
NEAR = 0.1
"""Difference of the detector's scores (0 to 1) that a short text makes by chance."""
NULL_SHARE = 0.1
"""Share of null bytes from which text is taken for UTF-16: Latin letters have one each, Chinese ones none."""
CONTROL_SHARE = 0.01
"""Share of control characters above which decoded bytes are no text: binary data decodes to many of them."""

Download = Callable[[File], Awaitable[bytes]]
"""Gets an attachment's bytes.

Raises:
    BadRequest: Discord does not have it any more, or does not give it.
"""

PICTURE = N_("This file is a picture, whatever its name says. Please attach a text file.")
SOUND = N_("This file is sound or video, whatever its name says. Please attach a text file.")
ARCHIVE = N_(
    "This file is an archive or an office document. "
    "Please attach its text as a plain text file, such as .txt or .md."
)
PDF = N_("This file is a PDF. Please copy its text into a plain text file and attach that.")
BINARY = N_("This file is not text. Please attach a text file, such as .txt, .md or source code.")
EMPTY = N_("This file is empty. Please attach one with text in it.")
TOO_LARGE = N_("This file is larger than {limit} KiB. Please attach a part of it.")
TOO_SLOW = N_("Discord did not give me the file in time. Please try again.")

_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"GIF87a", PICTURE),
    (b"GIF89a", PICTURE),
    (b"II*\x00", PICTURE),
    (b"MM\x00*", PICTURE),
    (b"RIFF", SOUND),
    (b"OggS", SOUND),
    (b"fLaC", SOUND),
    (b"ID3", SOUND),
    (b"\x1aE\xdf\xa3", SOUND),
    (b"PK\x03\x04", ARCHIVE),
    (b"PK\x05\x06", ARCHIVE),
    (b"Rar!\x1a\x07", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"\x1f\x8b\x08", ARCHIVE),
    (b"\xfd7zXZ\x00", ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ARCHIVE),
    (b"%PDF-", PDF),
)
"""First bytes of formats that people rename or attach by mistake."""

_BYTE_ORDER_MARKS: tuple[tuple[bytes, str], ...] = (
    # UTF-32 before UTF-16: its little-endian mark begins with the other's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
"""Control characters that text has no use for; 0x1B begins a terminal's escape sequences, which logs hold."""


async def read_file(file: File, download: Download) -> str:
    """The text of an attached file, every line end a line feed.

    Raises:
        BadRequest: it is too large, empty, not text, or cannot be had.
    """
    if file.size > LARGEST_FILE:
        raise BadRequest(TOO_LARGE, limit=LARGEST_FILE // 1024)
    try:
        async with asyncio.timeout(DOWNLOAD_SECONDS):
            data = await download(file)
    except TimeoutError as error:
        raise BadRequest(TOO_SLOW) from error
    return await offload(len(data), lambda: text_of(data))


def text_of(data: bytes) -> str:
    """The text that these bytes hold, every line end a line feed. A whole megabyte takes some 30 ms.

    Raises:
        BadRequest: they are too many, empty or not text.
    """
    if len(data) > LARGEST_FILE:
        raise BadRequest(TOO_LARGE, limit=LARGEST_FILE // 1024)
    kind = _kind(data)
    if kind is not None:
        raise BadRequest(kind)
    text = _decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadRequest(EMPTY)
    if "\x00" in text or len(_CONTROLS.findall(text)) > CONTROL_SHARE * len(text):
        raise BadRequest(BINARY)
    return text


def _kind(data: bytes) -> str | None:
    """What to say of a file of a known format that is not text; None for anything else.

    Words can begin as a format does ("ID3 tags are ..."); but only a PDF begins without control characters.
    """
    if not data.startswith(b"%PDF-") and not _CONTROLS.search(data[:HEAD].decode("latin-1")):
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return PICTURE
    if data[4:8] == b"ftyp":
        return PICTURE if data[8:12] in {b"avif", b"heic", b"mif1"} else SOUND
    return next((kind for mark, kind in _MARKS if data.startswith(mark)), None)


def _decode(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if data.count(0) > NULL_SHARE * len(data):
        return _strictly(data, _utf16_by_nulls(data))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _strictly(data, _utf16_by_nulls(data) if 0 in data else _detected(data))


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadRequest(BINARY) from error


def _utf16_by_nulls(data: bytes) -> str:
    """Which UTF-16 text without a mark is in: its spaces and line ends have a null byte first or second."""
    return "utf-16-be" if data[::2].count(0) > data[1::2].count(0) else "utf-16-le"


def _detected(data: bytes) -> str:
    """The encoding that the letters speak for; in a near tie Western European, by far the most common."""
    matches = from_bytes(data)
    best = matches.best()
    if best is None:
        raise BadRequest(BINARY)
    western = next((match for match in matches if match.encoding == "cp1252"), best)
    if western.chaos - best.chaos < NEAR and western.coherence >= best.coherence - NEAR:
        return western.encoding
    return best.encoding
