"""Files that people are sent, of any length: written to disk, in parts that Discord takes."""

import asyncio
import gzip
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from bot.errors import BadRequest
from bot.i18n import N_

MOST_PARTS: Final = 10
"""Files of one message (Discord: Uploading Files)."""
OVERHEAD: Final = 1024
"""Bytes that a compressed file may be larger than what is in it (RFC 1952, and a flush for each chunk)."""


class TooLarge(BadRequest):
    """It needs more files than one message takes."""

    message = N_("That is more than Discord lets me send at once. Ask for a shorter period.")


async def in_parts(
    chunks: AsyncIterator[bytes], name: str, folder: Path, most_bytes: int, head: bytes = b""
) -> list[Path]:
    """Write chunks into files in a folder, each of at most so many bytes; return them, or none for no chunk.

    What fits one plain file is one; more is compressed. Each file begins with ``head`` and ends with a chunk.

    Raises:
        TooLarge: there would be too many.
    """
    stem, _, ending = name.partition(".")
    parts: list[_Part] = []
    try:
        async for chunk in chunks:
            if not parts or parts[-1].size + len(chunk) + OVERHEAD > most_bytes:
                if len(parts) == MOST_PARTS:
                    raise TooLarge
                parts.append(_Part(folder / f"{stem}-{len(parts) + 1}.{ending}.gz", head))
            await asyncio.to_thread(parts[-1].add, chunk)
    finally:
        for part in parts:
            part.close()
    if len(parts) == 1 and parts[0].plain <= most_bytes:
        return [await asyncio.to_thread(parts[0].unpacked, folder / name)]
    return [part.path for part in parts]


class _Part:
    """A compressed file that grows; ``plain`` are the bytes in it, ``size`` those it takes on disk."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.path = path
        self.plain = 0
        self._file = gzip.open(path, "wb", compresslevel=6)  # noqa: SIM115 - closed by its owner
        self.add(head)

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def add(self, data: bytes) -> None:
        self.plain += len(data)
        self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def unpacked(self, path: Path) -> Path:
        with gzip.open(self.path) as packed, path.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        return path
