"""The way of one request through the stand-in: log, hold, fault, authorisation, bucket, contract, handler."""

import asyncio
import json
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp import BodyPartReader, web

from tests.wire.discord_buckets import Breach, Buckets, Verdict
from tests.wire.discord_contract import Contract
from tests.wire.discord_log import Cut, Exchange, Fault, Interference, Phase, now
from tests.wire.discord_messages import UNAUTHORIZED, ApiError
from tests.wire.discord_world import Json, Upload, World

API = "/api/v10"
NO_CONTENT = object()
"""What a handler returns where Discord answers 204."""

Handler: TypeAlias = Callable[[Exchange], Any]
"""Acts on a request and returns the answer's JSON, or raises ``ApiError``."""


class Server:
    """Speaks REST for the handlers: one aiohttp application with a route for each."""

    def __init__(
        self, world: World, buckets: Buckets, contract: Contract | None, notify: Callable[[], None]
    ) -> None:
        self._world = world
        self._buckets = buckets
        self._notify = notify
        self.contract = contract
        self.log: list[Exchange] = []
        self.breaches: list[Breach] = []
        self.contract_errors: list[str] = []
        self.errors: list[str] = []
        self.interference = Interference()
        self.application = web.Application(client_max_size=64 * 1024 * 1024)

    def add(self, route: str, handler: Handler, created: int = 200) -> None:
        """Serve ``METHOD /path/{template}`` below the API's root; ``created`` is the status of a success with
        a body.
        """
        method, path = route.split(" ", 1)

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, route, handler, created)

        self.application.router.add_route(method, API + path, serve)

    def add_rest(self) -> None:
        """Everything else below the API's root is recorded as an error and answered 404."""

        async def serve(request: web.Request) -> web.Response:
            self.errors.append(f"{request.method} {request.path}: not spoken by the stand-in")
            self._notify()
            return _json({"message": "404: Not Found", "code": 0}, 404)

        self.application.router.add_route("*", API + "/{rest:.*}", serve)

    async def _serve(
        self, request: web.Request, route: str, handler: Handler, created: int
    ) -> web.StreamResponse:
        started = now()
        body, files = await _read(request)
        parameters = {name: str(value) for name, value in request.match_info.items()}
        path = request.path.removeprefix(API)
        exchange = Exchange(
            request.method, path, route, parameters, dict(request.query), body, files, started
        )
        self.log.append(exchange)
        self._notify()
        try:
            response = await self._answer(request, exchange, handler, created)
        except Cut:
            exchange.status = 0
            if request.transport is not None:
                request.transport.abort()
            response = web.Response(status=500)
        else:
            exchange.status = response.status
        exchange.finished = now()
        self._notify()
        return response

    async def _answer(
        self, request: web.Request, exchange: Exchange, handler: Handler, created: int
    ) -> web.Response:
        await self.interference.hold(exchange, Phase.BEFORE)
        if fault := self.interference.fault(exchange, Phase.BEFORE):
            return await _faulty(fault)
        chance = self.interference.chance(exchange)
        if chance is not None and chance.phase is Phase.BEFORE:
            return await _faulty(chance)
        verdict = self._buckets.take(exchange.route, exchange.parameters)
        exchange.bucket = verdict.headers.get("X-RateLimit-Bucket", "")
        if verdict.breach:
            self.breaches.append(verdict.breach)
            return _too_many(verdict, verdict.breach)
        await self.interference.delay(exchange)
        self._check_contract(exchange)
        response = self._handle(request, exchange, handler, created)
        response.headers.update(verdict.headers)
        # The answer stands now; who waits for what it did need not wait for its way back.
        self._notify()
        await self.interference.hold(exchange, Phase.AFTER)
        if fault := self.interference.fault(exchange, Phase.AFTER) or chance:
            return await _faulty(fault)
        return response

    def _handle(
        self, request: web.Request, exchange: Exchange, handler: Handler, created: int
    ) -> web.Response:
        try:
            self._authorise(request, exchange)
            answer = handler(exchange)
        except ApiError as error:
            exchange.answer = error.payload()
            return _json(exchange.answer, error.status)
        except Exception:  # noqa: BLE001 - the bot gets a 500, the test gets the trace
            self.errors.append(f"{exchange.route}: {traceback.format_exc()}")
            return _json({"message": "500: Internal Server Error", "code": 0}, 500)
        if answer is NO_CONTENT:
            return web.Response(status=204)
        exchange.answer = answer
        return _json(answer, created)

    def _authorise(self, request: web.Request, exchange: Exchange) -> None:
        given = request.headers.get("Authorization")
        if not _free_of_token(exchange.route) and given != f"Bot {self._world.token}":
            raise UNAUTHORIZED

    def _check_contract(self, exchange: Exchange) -> None:
        if self.contract is not None and exchange.body is not None:
            path = exchange.route.split(" ", 1)[1]
            self.contract_errors += self.contract.faults(exchange.method, path, exchange.body)


def _free_of_token(route: str) -> bool:
    return route.split(" ", 1)[1].startswith(("/webhooks/", "/interactions/")) or route.endswith(" /gateway")


async def _faulty(fault: Fault) -> web.Response:
    await asyncio.sleep(fault.delay)
    if fault.status is None:
        raise Cut
    return _json(fault.body, fault.status, fault.headers)


def _too_many(verdict: Verdict, breach: Breach) -> web.Response:
    scope = "global" if verdict.everywhere else "user"
    headers = verdict.headers | {
        "Retry-After": f"{breach.retry_after:.3f}",
        "Via": "1.1 stand-in",
        "X-RateLimit-Scope": scope,
    }
    body: Json = {
        "message": "You are being rate limited.",
        "retry_after": breach.retry_after,
        "global": verdict.everywhere,
    }
    return _json(body, 429, headers)


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> web.Response:
    # discord.py reads JSON only where the type is exactly this, without a charset.
    return web.Response(
        body=json.dumps(body).encode(),
        status=status,
        headers={"Content-Type": "application/json"} | (headers or {}),
    )


async def _read(request: web.Request) -> tuple[Any, list[Upload]]:
    """The body's JSON (None where there is none) and its files."""
    if request.content_type != "multipart/form-data":
        raw = await request.read()
        return (json.loads(raw) if raw else None), []
    body: Any = None
    files: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(data)
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files.append(Upload(part.filename or "", data, kind))
    return body, files
