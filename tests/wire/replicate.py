"""A stand-in for Replicate: its HTTP API and its streams, over real sockets on 127.0.0.1.

Each prediction follows a ``Script``: the next one queued with ``script()``, or what ``respond`` makes of the
input. Predictions run by themselves, as the real ones do, whether or not anybody listens. ``refuse()`` queues
answers that are errors.

As a process, for benches, it prints its base URL and serves until it is ended::

    python -m tests.wire.replicate --port 0 --rate 30 --tokens 400
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import re
import socket
import struct
import sys
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from bot.domain import PredictionState
from tests.support.canaries import REPLICATE
from tests.wire.discord_log import Phase
from tests.wire.replicate_script import Operation, Refusal, Responder, Script, StreamFault

TOKEN = REPLICATE
PAGE = 100
"""Predictions that are listed at a time, as Replicate does."""
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


Meet = Callable[[Operation, Phase, Mapping[str, Any]], Awaitable[bool]]
"""Is told of each request for a prediction, before and after it took effect; False cuts the connection."""


@dataclass(slots=True)
class Creation:
    """A create as it arrived."""

    model: str
    input: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(slots=True, eq=False)
class Run:
    """One prediction under way or over.

    ``written_at`` has the time of each token in ``written``, in ``time.perf_counter`` seconds.
    """

    id: str
    model: str
    input: dict[str, Any]
    script: Script
    state: str = PredictionState.STARTING
    written: list[str] = field(default_factory=list)
    written_at: list[float] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    gets: int = 0
    cancels: int = 0
    streams: int = 0

    @property
    def is_over(self) -> bool:
        return self.state not in {PredictionState.STARTING, PredictionState.PROCESSING}

    def change(self) -> None:
        """Wake every reader of the stream."""
        self.changed.set()
        self.changed = asyncio.Event()

    def end(self, state: str) -> None:
        if not self.is_over:
            self.state = state
            self.change()


class ReplicateStandIn:
    """The server. ``base_url`` is what goes into REPLICATE_BASE_URL; ``token`` is the one it accepts."""

    def __init__(self, *, token: str = TOKEN, enforce_deadlines: bool = True) -> None:
        self.token = token
        self.base_url = ""
        self.origin = ""
        self.creations: list[Creation] = []
        self.runs: dict[str, Run] = {}
        self.respond: Responder = lambda _: Script()
        self.created = asyncio.Event()
        """Set when a prediction exists, even if its answer is still held back."""
        self.meet: Meet = _pass
        self.lists_inputs = True
        """Whether the list of predictions shows their inputs."""
        self.listed = asyncio.Event()
        """Set when the list of predictions was asked for."""
        self.lists = asyncio.Event()
        """The list is given, as it is then, once this is set."""
        self.lists.set()
        self.input_schemas: dict[str, dict[str, Any]] = {}
        self._enforce_deadlines = enforce_deadlines
        self._scripts: deque[Script] = deque()
        self._refusals: dict[Operation, deque[Refusal]] = defaultdict(deque)
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None

    # What tests say and ask.

    def script(self, *scripts: Script) -> None:
        """Queue what the next predictions do."""
        self._scripts.extend(scripts)

    def refuse(self, operation: Operation, refusal: Refusal, *, times: int = 1) -> None:
        """Answer the next calls of this kind with an error."""
        self._refusals[operation].extend([refusal] * times)

    def forgive(self, operation: Operation) -> None:
        """Refuse calls of this kind no longer."""
        self._refusals[operation].clear()

    def begin(self, model: str, input_: dict[str, Any], deadline: float | None = None) -> Run:
        """Begin a prediction, as a create does."""
        script = self._scripts.popleft() if self._scripts else self.respond(input_)
        run = Run(f"standin{next(self._numbers):06d}", model, input_, script)
        self.runs[run.id] = run
        run.task = asyncio.create_task(self._live(run, deadline))
        self.created.set()
        return run

    @property
    def last(self) -> Run:
        """The newest prediction."""
        return next(reversed(self.runs.values()))

    def left_running(self) -> list[str]:
        """Ids of predictions that have not ended."""
        return [run.id for run in self.runs.values() if not run.is_over]

    # Life.

    async def start(self, port: int = 0) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.add_routes(
            [
                web.post("/v1/models/{owner}/{name}/predictions", self._create),
                web.get("/v1/models/{owner}/{name}", self._model),
                web.get("/v1/predictions", self._list),
                web.get("/v1/predictions/{id}", self._get),
                web.post("/v1/predictions/{id}/cancel", self._cancel),
                web.get("/v1/account", self._account),
                web.get("/streams/{id}", self._stream),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024)
        await site.start()
        address = self._runner.addresses[0]
        self.origin = f"http://127.0.0.1:{address[1]}"
        self.base_url = f"{self.origin}/v1"
        return self

    async def stop(self) -> None:
        tasks = [run.task for run in self.runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    # Routes.

    async def _refused(self, operation: Operation, request: web.Request) -> web.StreamResponse | None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _problem(401, "Unauthenticated", "You did not pass a valid authentication token")
        if not self._refusals[operation]:
            return None
        refusal = self._refusals[operation].popleft()
        if refusal.gate is not None:
            await refusal.gate.wait()
        if refusal.reset:
            _reset(request)
            return web.Response(status=500)
        if isinstance(refusal.body, str):
            return web.Response(status=refusal.status, text=refusal.body, headers=refusal.headers)
        return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = "{owner}/{name}".format_map(request.match_info)
        self.creations.append(Creation(model, body["input"], dict(request.headers)))
        refused = await self._refused(Operation.CREATE, request)
        if refused is not None:
            return refused
        if not await self.meet(Operation.CREATE, Phase.BEFORE, body["input"]):
            return _cut(request)
        run = self.begin(model, body["input"], _seconds(request.headers.get("Cancel-After")))
        if run.script.create_gate is not None:
            await run.script.create_gate.wait()
        if not await self.meet(Operation.CREATE, Phase.AFTER, run.input):
            return _cut(request)
        return web.json_response(self._record(run), status=201)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        run = self.runs.get(request.match_info["id"])
        if run is not None:
            run.gets += 1
        refused = await self._refused(Operation.GET, request)
        if refused is not None:
            return refused
        if run is None:
            return _problem(404, "Not found", "Prediction not found")
        for phase in Phase:
            if not await self.meet(Operation.GET, phase, run.input):
                return _cut(request)
        return web.json_response(self._record(run))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        run = self.runs.get(request.match_info["id"])
        if run is not None:
            run.cancels += 1
        refused = await self._refused(Operation.CANCEL, request)
        if refused is not None:
            return refused
        if run is None:
            return _problem(404, "Not found", "Prediction not found")
        run.end(PredictionState.CANCELED)
        return web.json_response(self._record(run))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        refused = await self._refused(Operation.GET, request)
        self.listed.set()
        await self.lists.wait()
        since = datetime.fromisoformat(request.query.get("created_after", "0001-01-01T00:00:00+00:00"))
        until = datetime.fromisoformat(request.query.get("created_before", "9999-01-01T00:00:00+00:00"))
        cursor = int(request.query.get("cursor", "0"))
        found = [run for run in reversed(self.runs.values()) if since <= run.created_at < until]
        page = [self._record(run) for run in found[cursor : cursor + PAGE]]
        if not self.lists_inputs:
            page = [{**record, "input": {}} for record in page]
        following = str(request.url.update_query(cursor=cursor + PAGE)) if found[cursor + PAGE :] else None
        return refused or web.json_response({"previous": None, "next": following, "results": page})

    async def _account(self, request: web.Request) -> web.StreamResponse:
        refused = await self._refused(Operation.ACCOUNT, request)
        return refused or web.json_response({"type": "user", "username": "stand-in", "name": "Stand-in"})

    async def _model(self, request: web.Request) -> web.StreamResponse:
        refused = await self._refused(Operation.MODEL, request)
        if refused is not None:
            return refused
        name = "{owner}/{name}".format_map(request.match_info)
        properties = self.input_schemas.get(name, {"prompt": {"type": "string"}})
        schema = {"components": {"schemas": {"Input": {"type": "object", "properties": properties}}}}
        version = {"id": "standin", "created_at": _now(), "cog_version": "0.9", "openapi_schema": schema}
        owner, _, short = name.partition("/")
        return web.json_response({"owner": owner, "name": short, "url": "", "latest_version": version})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        run = self.runs.get(request.match_info["id"])
        if run is None or run.script.fault is StreamFault.NOT_FOUND:
            return _problem(404, "Not found", "Stream not found")
        run.streams += 1
        # Whoever has the address may read it, unless a test says otherwise.
        if self._refusals[Operation.STREAM] and (refused := await self._refused(Operation.STREAM, request)):
            return refused
        if not await self.meet(Operation.STREAM, Phase.BEFORE, run.input):
            return _cut(request)
        if run.script.fault is StreamFault.HTML:
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        if run.script.fault is StreamFault.REDIRECT:
            raise web.HTTPFound(run.script.stream_url or self.base_url)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            async for data in self._events(run, request):
                await _write(response, data, run.script.chunk)
            await response.write_eof()
        return response

    # Predictions.

    async def _live(self, run: Run, deadline: float | None) -> None:
        """Write the tokens as the script says, and end."""
        try:
            async with asyncio.timeout(deadline if self._enforce_deadlines else None):
                await self._write_tokens(run)
        except TimeoutError:
            started = run.state == PredictionState.PROCESSING
            run.end(PredictionState.CANCELED if started else PredictionState.ABORTED)

    async def _write_tokens(self, run: Run) -> None:
        script = run.script
        if script.gate is not None:
            await script.gate.wait()
        if script.first_token_after:
            await asyncio.sleep(script.first_token_after)
        clock = asyncio.get_running_loop().time
        start = clock()
        for index, token in enumerate(script.tokens):
            if index in script.gates:
                await script.gates[index].wait()
                start = clock() - index / (script.rate or 1)
            if script.rate is not None:
                await asyncio.sleep(start + index / script.rate - clock())
            if run.is_over:
                return
            run.state = PredictionState.PROCESSING
            run.written.append(token)
            run.written_at.append(time.perf_counter())
            run.change()
        if script.end_gate is not None:
            await script.end_gate.wait()
        run.end(script.state)

    async def _events(self, run: Run, request: web.Request) -> AsyncIterator[str]:
        """The stream of a prediction, from its beginning, with what the script breaks in it."""
        script = run.script
        if script.preamble:
            yield script.preamble
        for index in itertools.count():
            if script.fault is not None and index >= script.fault_after:
                async for data in _fault(script.fault, request):
                    yield data
                return
            while index >= len(run.written) and not run.is_over:
                await run.changed.wait()
            if index >= len(run.written):
                break
            yield _event(script, "output", run.written[index], index)
        yield _event(script, "done", _done(run), len(run.written))

    def _record(self, run: Run) -> dict[str, Any]:
        """A prediction as the API gives it."""
        script = run.script
        output: Any = list(run.written)
        if run.is_over and run.state == script.state and script.output is not None:
            output = script.output if isinstance(script.output, str) else list(script.output)
        if script.as_one_string:
            output = "".join(output)
        metrics: Mapping[str, Any] = {"predict_time": 0.1, "total_time": 0.2}
        if run.is_over:
            counted = {"input_token_count": 7, "output_token_count": len(run.written)}
            metrics = {**metrics, **(counted if script.metrics is None else script.metrics)}
        urls = {
            "get": f"{self.base_url}/predictions/{run.id}",
            "cancel": f"{self.base_url}/predictions/{run.id}/cancel",
            "web": f"https://replicate.com/p/{run.id}",
        }
        if script.streams:
            own = script.stream_url is None or script.fault is StreamFault.REDIRECT
            urls["stream"] = f"{self.origin}/streams/{run.id}" if own else str(script.stream_url)
        return {
            "id": run.id,
            "model": run.model,
            "version": "hidden",
            "input": run.input,
            "output": output if run.written or run.is_over else None,
            "error": script.error if run.is_over else None,
            "logs": "",
            "status": run.state,
            "created_at": run.created_at.isoformat(),
            "started_at": _now() if run.written else None,
            "completed_at": _now() if run.is_over else None,
            "data_removed": False,
            "metrics": metrics,
            "urls": urls,
        }


@asynccontextmanager
async def standing_in(**options: Any) -> AsyncIterator[ReplicateStandIn]:
    """A running stand-in, stopped at the end."""
    standin = await ReplicateStandIn(**options).start()
    try:
        yield standin
    finally:
        await standin.stop()


async def _fault(fault: StreamFault, request: web.Request) -> AsyncIterator[str]:
    match fault:
        case StreamFault.RESET:
            _reset(request)
        case StreamFault.TIMEOUT_COMMENT:
            yield ":408: 408 Request Timeout\n\n"
        case StreamFault.ERROR_EVENT:
            yield 'event: error\ndata: {"detail": "the stream broke"}\n\n'
        case StreamFault.STALL:
            await asyncio.Event().wait()
        case StreamFault.FLOOD:
            while True:
                yield "data: " + "x" * 65_536


def _event(script: Script, name: str, data: str, number: int) -> str:
    end = script.line_end
    lines = [f"event: {name}"]
    if script.ids:
        lines.append(f"id: {1_700_000_000 + number}:0")
    lines += [f"data: {line}" for line in data.split("\n")]
    return end.join(lines) + end + end


def _done(run: Run) -> str:
    if run.script.done is not None:
        return run.script.done
    reasons = {
        PredictionState.CANCELED: "canceled",
        PredictionState.ABORTED: "canceled",
        PredictionState.FAILED: "error",
    }
    reason = reasons.get(PredictionState(run.state)) if run.state in set(PredictionState) else None
    return json.dumps({} if reason is None else {"reason": reason})


async def _write(response: web.StreamResponse, data: str, chunk: int | None) -> None:
    encoded = data.encode("utf-8", "surrogatepass")
    size = chunk or len(encoded)
    for start in range(0, len(encoded), size):
        await response.write(encoded[start : start + size])
        if chunk is not None:
            # Let each chunk leave by itself.
            await asyncio.sleep(0)


def _reset(request: web.Request) -> None:
    """End the connection with a reset, not with a tidy close."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


def _cut(request: web.Request) -> web.Response:
    """Answer nothing."""
    _reset(request)
    return web.Response(status=500)


async def _pass(_operation: Operation, _phase: Phase, _input: Mapping[str, Any]) -> bool:
    return True


def _problem(status: int, title: str, detail: str) -> web.Response:
    return web.json_response({"title": title, "detail": detail, "status": status}, status=status)


def _seconds(duration: str | None) -> float | None:
    """Seconds of a Cancel-After header such as ``90s`` or ``1h5m``."""
    match = DURATION.fullmatch(duration) if duration else None
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _words(count: int) -> list[str]:
    return [" word" if index % 12 else f"\n\nParagraph {index // 12 + 1}:" for index in range(count)]


async def serve(port: int, script: Script) -> None:
    """Serve until the process is ended; the first line printed is the base URL."""
    standin = ReplicateStandIn()
    standin.respond = lambda _: script
    await standin.start(port)
    print(standin.base_url, flush=True)
    await asyncio.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve Replicate's API with made-up answers.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=float, default=30.0, help="tokens a second")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--first-token-after", type=float, default=0.0, help="seconds")
    options = parser.parse_args()
    script = Script(_words(options.tokens), rate=options.rate, first_token_after=options.first_token_after)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.port, script))
    return 0


if __name__ == "__main__":
    sys.exit(main())
