"""What passed over REST, and the ways a test interferes with it: faults and holds."""

import asyncio
import enum
import fnmatch
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.support.patience import PATIENCE
from tests.wire.discord_world import Json, Upload


class Phase(enum.Enum):
    """Where a request is met: before Discord acts on it, or after, when only the answer is outstanding."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(eq=False)
class Exchange:
    """One request and its answer. ``started`` and ``finished`` are ``time.perf_counter`` seconds.

    ``route`` is the method with the path's template, ``path`` has the real ids, ``body`` is the parsed JSON
    (``payload_json`` of a multipart body), ``status`` is None while unanswered (0 where the connection was
    cut), ``bucket`` the rate-limit headers' bucket or "".
    """

    method: str
    path: str
    route: str
    parameters: dict[str, str]
    query: dict[str, str]
    body: Any
    files: list[Upload]
    started: float
    finished: float | None = None
    status: int | None = None
    bucket: str = ""
    answer: Any = None

    def __str__(self) -> str:
        parts = [part if len(part) < 30 else f"{part[:8]}..." for part in self.path.split("/")]
        return f"{self.method} {'/'.join(parts)} -> {self.status}"

    def matches(self, pattern: str) -> bool:
        """Whether the route fits a pattern like ``PATCH /webhooks/*`` (``*`` also spans slashes)."""
        return fnmatch.fnmatchcase(self.route, pattern)


@dataclass(eq=False)
class Fault:
    """An answer that is not Discord's usual one. ``status`` None cuts the connection; ``delay`` is in
    seconds.
    """

    pattern: str
    status: int | None
    times: int
    delay: float
    phase: Phase
    body: Json
    headers: dict[str, str] = field(default_factory=dict)


def made_fault(
    pattern: str = "*",
    status: int | None = 500,
    times: int = 1,
    delay: float = 0.0,
    phase: Phase = Phase.BEFORE,
    body: Json | None = None,
    headers: dict[str, str] | None = None,
) -> Fault:
    """A fault that ``times`` requests meet; ``status`` None cuts the connection.

    A 429 has Discord's body and headers, with ``delay`` as what it says to wait, unless ``headers`` are
    given.
    """
    told = body or {"message": f"{status}: scripted", "code": 0}
    if status == 429:
        told = {"message": "You are being rate limited.", "retry_after": delay, "global": False} | (
            body or {}
        )
        usual = {"Via": "1.1 stand-in", "Retry-After": str(told["retry_after"])}
        headers = usual if headers is None else headers
        delay = 0.0
    return Fault(pattern, status, times, delay, phase, told, headers or {})


@dataclass(eq=False)
class Weather:
    """Trouble by chance, the same for the same seed and order of requests.

    A ``share`` of the requests that fit the pattern meet one of the ``faults``, and every one takes up to
    ``slowest`` seconds longer.
    """

    pattern: str
    share: float
    faults: tuple[Fault, ...]
    slowest: float
    chance: random.Random

    def draw(self) -> Fault | None:
        """What one request meets."""
        return self.chance.choice(self.faults) if self.chance.random() < self.share else None

    async def delay(self) -> None:
        """Take the time that one request takes longer."""
        await asyncio.sleep(self.chance.uniform(0.0, self.slowest))


class Hold:
    """Keeps the requests of a route waiting until ``release()``; as a context manager it releases when
    left.
    """

    def __init__(self, pattern: str, phase: Phase) -> None:
        self.pattern = pattern
        self.phase = phase
        self.waiting: list[Exchange] = []
        self._arrived = asyncio.Condition()
        self._released = asyncio.Event()

    async def arrived(self, times: int = 1, timeout: float = PATIENCE) -> list[Exchange]:
        """Wait until this many requests have come to wait here; the requests.

        Raises:
            TimeoutError: They did not come.
        """
        async with asyncio.timeout(timeout), self._arrived:
            await self._arrived.wait_for(lambda: len(self.waiting) >= times)
        return list(self.waiting)

    def release(self) -> None:
        """Let everything pass, from now on too."""
        self._released.set()

    async def keep(self, exchange: Exchange) -> None:
        """Wait here, as a request."""
        self.waiting.append(exchange)
        async with self._arrived:
            self._arrived.notify_all()
        await self._released.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Cut(Exception):
    """The connection is to be cut."""


@dataclass(eq=False)
class Interference:
    """The faults, the holds and the weather in force.

    ``meet`` is called with every request, before and after it takes effect; it may wait, and raise ``Cut``.
    """

    faults: list[Fault] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    weather: list[Weather] = field(default_factory=list)
    meet: Callable[[Exchange, Phase], Awaitable[None]] | None = None

    def chance(self, exchange: Exchange) -> Fault | None:
        """The fault that a request meets by chance."""
        drawn = [weather.draw() for weather in self._weather(exchange)]
        return next((fault for fault in drawn if fault is not None), None)

    async def delay(self, exchange: Exchange) -> None:
        """Take the time that the weather costs a request, which rate limits have counted already."""
        for weather in self._weather(exchange):
            await weather.delay()

    def _weather(self, exchange: Exchange) -> list[Weather]:
        return [weather for weather in self.weather if exchange.matches(weather.pattern)]

    async def hold(self, exchange: Exchange, phase: Phase) -> None:
        if self.meet is not None:
            await self.meet(exchange, phase)
        for hold in [hold for hold in self.holds if hold.phase is phase and exchange.matches(hold.pattern)]:
            await hold.keep(exchange)

    def fault(self, exchange: Exchange, phase: Phase) -> Fault | None:
        """The next fault for this request, used up once."""
        for fault in self.faults:
            if fault.times > 0 and fault.phase is phase and exchange.matches(fault.pattern):
                fault.times -= 1
                return fault
        return None

    def release(self) -> None:
        for hold in self.holds:
            hold.release()


def now() -> float:
    """The clock of the log and of messages' versions."""
    return time.perf_counter()
