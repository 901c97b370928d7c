"""Asking a service one thing, for a bounded time and up to a bounded size."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

SECONDS = 10.0
LARGEST_ANSWER = 4 * 1024 * 1024
"""Bytes; the description of a model with its examples is the largest that is asked for."""
CHUNK = 64 * 1024


class Unanswered(Exception):
    """The service could not be asked; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status and, where it has one, its JSON."""

    status: int
    body: Any

    def get(self, *path: str) -> Any:  # noqa: ANN401 - JSON
        """What stands at a path of keys; None where there is nothing."""
        found = self.body
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found


class Service:
    """An HTTP service with the header that says who asks. No redirect is followed: it would get that."""

    def __init__(self, session: aiohttp.ClientSession, base: str, authorization: str) -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": authorization, "User-Agent": "DiscordBot (parlance, 1)"}

    async def get(self, path: str, **query: str) -> Answer:
        """Ask.

        Raises:
            Unanswered: no answer came, or one that is no JSON or too large.
        """
        try:
            async with self._session.get(
                self._base + path,
                params=query,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=SECONDS),
            ) as response:
                return Answer(response.status, _parsed(await _body(response), response.status))
        except TimeoutError:
            raise Unanswered(f"no answer within {SECONDS:.0f} seconds") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise Unanswered(str(error) or type(error).__name__) from error


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise Unanswered(f"an answer larger than {LARGEST_ANSWER // 1024**2} MiB")
    return bytes(body)


def _parsed(body: bytes, status: int) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        if status == 200:  # noqa: PLR2004 - HTTP: OK
            raise Unanswered("an answer that is no JSON; is the address right?") from None
        return None
