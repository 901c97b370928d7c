"""The demo's page: SimCord's preview behind an address of our own.

The preview is a developer's tool. This small proxy makes it a page for a newcomer (title, icon, a quiet
toolbar) and lets answers grow in it: it takes turns with ``Live`` around each action, and tells the preview
which of its revisions the action belongs to, because while an answer grows a page is often one revision
behind what was published.

Only this computer is served, only to pages of this address (Host and Origin are checked), and only with the
preview's own capability, which is in the printed address and passes through.
"""

import re
from importlib.resources import files
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict
from yarl import URL

from bot.demo.live import Live

LARGEST_ACTION = 27 * 1024 * 1024
"""Bytes of an action with its files; the preview itself takes 26 MiB."""

POLL_MILLISECONDS = 150
"""How often the page asks for news. The preview's own 500 ms would show a growing answer in jumps."""

MENTION = "@Parlance"
"""How a person writes to the bot. The preview offers no names behind an "@", and sends what was typed."""

_OWN_FILES = {"/demo.css": "text/css", "/demo.js": "text/javascript", "/favicon.svg": "image/svg+xml"}

_REWRITES: dict[str, tuple[tuple[str, str], ...]] = {
    "/": (
        ("<title>SimCord Preview</title>", "<title>Parlance demo</title>"),
        (
            '<link rel="stylesheet" href="/preview.css">',
            (
                '<link rel="stylesheet" href="/preview.css"><link rel="stylesheet" href="/demo.css">'
                '<link rel="icon" type="image/svg+xml" href="/favicon.svg">'
            ),
        ),
        (
            '<span class="brand-mark" aria-hidden="true">S</span>',
            '<img class="brand-icon" src="/favicon.svg" alt="">',
        ),
        (
            "<span><strong>SimCord</strong><small>Preview</small></span>",
            (
                "<span><strong>Parlance demo</strong>"
                "<small>The real bot in a simulated Discord, on this computer</small></span>"
            ),
        ),
        (
            '<script type="module" src="/app.js"></script>',
            '<script type="module" src="/app.js"></script><script type="module" src="/demo.js"></script>',
        ),
    ),
    "/session.js": (("interval = 500", f"interval = {POLL_MILLISECONDS}"),),
}

_REVISION = re.compile(rb'"published_revision":\s*\d+')
"""The field in an action's JSON, which may be the first part of a form. In a person's own words it would be
escaped.
"""

_PASSED_UP = ("Content-Type", "X-Simcord-Capability", "X-Simcord-Context")
_NOT_PASSED_DOWN = frozenset(
    {"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"}
)


class Page:
    """Serves the demo on 127.0.0.1 while entered. ``port`` 0 takes any free one.

    ``mention`` is what Discord's own apps send where a person picks the bot's name behind an "@".
    """

    def __init__(self, live: Live, preview_url: str, port: int, mention: str = MENTION) -> None:
        self._live = live
        self._mention = mention.encode()
        self._preview = URL(preview_url)
        self._port = port
        self._session: ClientSession | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address to open. It carries the capability: whoever has it can use the page."""
        return f"http://127.0.0.1:{self._port}/#{self._preview.fragment}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=LARGEST_ACTION)
        for path in _OWN_FILES:
            app.router.add_get(path, self._own_file)
        app.router.add_post("/api/action", self._action)
        app.router.add_route("*", "/{path:.*}", self._pass)
        app.middlewares.append(self._guard)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        self._session = ClientSession(self._preview.origin(), auto_decompress=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    @property
    def _hosts(self) -> frozenset[str]:
        return frozenset({f"127.0.0.1:{self._port}", f"localhost:{self._port}"})

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if request.headers.get("Host") not in self._hosts:
            raise web.HTTPForbidden
        if origin is not None and origin not in {f"http://{host}" for host in self._hosts}:
            raise web.HTTPForbidden
        return await handler(request)

    async def _own_file(self, request: web.Request) -> web.Response:
        body = files("bot.demo").joinpath("static", request.path.removeprefix("/")).read_bytes()
        return web.Response(
            body=body, content_type=_OWN_FILES[request.path], headers={"Cache-Control": "no-store"}
        )

    async def _action(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._live.turn():
            revision = await self._revision(request)
            if revision is not None:
                body = _REVISION.sub(b'"published_revision":%d' % revision, body, count=1)
            if request.content_type == "application/json":
                body = body.replace(MENTION.encode(), self._mention)
            return await self._forward(request, body)

    async def _pass(self, request: web.Request) -> web.Response:
        return await self._forward(request, await request.read())

    async def _revision(self, request: web.Request) -> int | None:
        """The revision that the asking page would see now; None when the preview refuses to say."""
        async with self._client.get("/api/state", headers=_passed_up(request)) as answer:
            if not answer.ok:
                return None
            revision: int = (await answer.json())["publishedRevision"]
            return revision

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        target = URL.build(
            path=request.rel_url.raw_path, query_string=request.rel_url.raw_query_string, encoded=True
        )
        async with self._client.request(
            request.method, target, headers=_passed_up(request), data=body or None, allow_redirects=False
        ) as answer:
            content = await answer.read()
            for before, after in _REWRITES.get(request.path, ()):
                content = content.replace(before.encode(), after.encode())
            headers = CIMultiDict(
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in _NOT_PASSED_DOWN
            )
            return web.Response(status=answer.status, body=content, headers=headers)

    @property
    def _client(self) -> ClientSession:
        if self._session is None:
            raise RuntimeError("the page is not entered")
        return self._session


def _passed_up(request: web.Request) -> dict[str, str]:
    return {name: request.headers[name] for name in _PASSED_UP if name in request.headers}
