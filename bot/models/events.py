"""Server-sent events of a prediction's stream, read by aiohttp and decoded by httpx-sse.

A token is the bot's most frequent event, and most of its cost is on the way here. httpx spends three times as
long on it as aiohttp, and httpx-sse's ``EventSource`` wants an httpx response; so aiohttp reads, and the two
decoders inside ``EventSource`` are used by themselves. Silence is watched by one timer that looks again when
it could be too long, since aiohttp's own ``sock_read`` sets and cancels a timer for every token. And a stream
whose tokens come close together is left in the kernel until the next look, which all such streams share:
waking up for a token costs several times what the token itself does.
"""

import asyncio
import codecs
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import lru_cache
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_sse import ServerSentEvent
from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from yarl import URL

LONGEST_EVENT = 256 * 1024
"""Bytes after which an event that has not ended is given up."""

LOOK_SECONDS = 0.1
"""How often a fast stream is looked at; the end of an answer may wait as long."""

HOSTS = ("replicate.com", "replicate.net")
"""Replicate's own; streams come from hosts below both."""


class StreamBroken(Exception):
    """The stream cannot be read (any further)."""


class Looks:
    """The moments at which fast streams are looked at, all of them together."""

    def __init__(self) -> None:
        self._next: asyncio.Event | None = None

    async def next(self) -> None:
        """Wait for the next look."""
        if self._next is None:
            self._next = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.call_at((loop.time() // LOOK_SECONDS + 1) * LOOK_SECONDS, self._look)
        await self._next.wait()

    def _look(self) -> None:
        if self._next is not None:
            self._next.set()
            self._next = None


def is_trusted(stream: str, base_url: str) -> bool:
    """Whether a stream address may be followed with the token.

    It may over https to Replicate's hosts, and to the configured base's own.
    """
    try:
        url, base = URL(stream), URL(base_url)
    except ValueError:
        return False
    if url.host is None or url.user is not None:
        return False
    if url.scheme == "https" and any(url.host == host or url.host.endswith(f".{host}") for host in HOSTS):
        return True
    return url.host == base.host and url.scheme in {"https", base.scheme}


@lru_cache(maxsize=64)
def proxy_for(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment names for a host, as it was when first asked for.

    One that does not speak HTTP is left out: streams cannot be read through it, and the record tells as well.
    """
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if proxy is None or proxy_bypass(host):
        return None
    address = proxy if "://" in proxy else f"http://{proxy}"
    return address if address.startswith(("http://", "https://")) else None


@asynccontextmanager
async def reading(
    session: aiohttp.ClientSession, url: str, token: str, idle: float, looks: Looks
) -> AsyncIterator[AsyncIterator[list[ServerSentEvent]]]:
    """Open a stream and hand over its events, those that came together at once; redirects are not followed.
    ``idle`` seconds of silence break it.

    Raises:
        StreamBroken: it cannot be opened; the iterator raises the same when it breaks.
    """
    headers = {
        "Accept": "text/event-stream",
        "Accept-Encoding": "identity",
        "Cache-Control": "no-store",
        "Authorization": f"Bearer {token}",
    }
    address = URL(url)
    proxy = proxy_for(address.scheme, address.host or "")
    try:
        async with asyncio.timeout(idle):
            opened = await session.get(address, headers=headers, allow_redirects=False, proxy=proxy)
        async with opened as response:
            if response.status != httpx.codes.OK or response.content_type != "text/event-stream":
                raise StreamBroken(f"the stream answered {response.status} {response.content_type}")
            with _watched(response.content, idle) as silence:
                async with aclosing(_events(response, silence, looks)) as events:
                    yield events
    except (aiohttp.ClientError, TimeoutError) as error:
        raise StreamBroken(type(error).__name__) from error


class _Silence:
    """Breaks a body when nothing was heard of it for ``idle`` seconds."""

    def __init__(self, content: aiohttp.StreamReader, idle: float) -> None:
        self._content = content
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._timer = self._loop.call_later(idle, self._look)

    def heard(self) -> None:
        """Something came."""
        self._heard_at = self._loop.time()

    def end(self) -> None:
        """Stop watching."""
        self._timer.cancel()

    def _look(self) -> None:
        left = self._heard_at + self._idle - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._content.set_exception(aiohttp.SocketTimeoutError("the stream is silent"))


@contextmanager
def _watched(content: aiohttp.StreamReader, idle: float) -> Iterator[_Silence]:
    silence = _Silence(content, idle)
    try:
        yield silence
    finally:
        silence.end()


async def _events(
    response: aiohttp.ClientResponse, silence: _Silence, looks: Looks
) -> AsyncGenerator[list[ServerSentEvent], None]:
    characters = codecs.getincrementaldecoder("utf-8")("replace")
    lines, decoder = SSELineDecoder(), SSEDecoder()
    time = asyncio.get_running_loop().time
    unread = 0
    asked_at = time()
    while chunk := await response.content.readany():
        silence.heard()
        unread += len(chunk)
        if unread > LONGEST_EVENT:
            raise StreamBroken("an event does not end")
        text = characters.decode(chunk)
        if events := _decoded(decoder, lines.decode(text) if text else []):
            unread = 0
            yield events
        if time() - asked_at < LOOK_SECONDS:
            await _rest(response, looks)
        asked_at = time()
    if events := _decoded(decoder, lines.flush()):
        yield events


def _decoded(decoder: SSEDecoder, lines: list[str]) -> list[ServerSentEvent]:
    return [event for line in lines if (event := decoder.decode(line)) is not None]


async def _rest(response: aiohttp.ClientResponse, looks: Looks) -> None:
    """Let what comes until the next look wait in the kernel."""
    transport = None if response.connection is None else response.connection.transport
    if not isinstance(transport, asyncio.ReadTransport):
        # All of it is here already.
        return
    # Not aiohttp's own pause, which also holds back what has been read.
    transport.pause_reading()
    await looks.next()
    transport.resume_reading()
