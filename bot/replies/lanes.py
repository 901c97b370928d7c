"""Who may send next: replies that share a rate-limit bucket share its pace.

A lane is one bucket's queue. It hands one request at a time to whoever needs it most, only when the pace has
a slot free: a Discord request that is under way is never cancelled, so it must not be started before it can
be finished. What waits is a ticket, not a text: the text is read when the slot is given, so newer text
replaces what waited.

All lanes but those of interactions also share one gate: Discord counts a bot's requests together, whatever
they are for. So those that no lane knows of pass it as well, each as it begins.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from bot.replies.once import once
from bot.replies.pace import Pace, Urgency

Clock = Callable[[], float]
Waited = Callable[[float], None]
"""Called with the seconds that a change waited for its slot."""
Key = tuple[str, str]
"""A route and its major parameter, as far as Discord counts them together before headers say more."""

GATE_BURST = 10
GATE_RATE = 30.0
"""Requests that pass the gate at once, and then in a second: 40 in the first, where nothing is late."""
GATE_MOST = 45
"""Requests that Discord may count in a second before none passes the gate.

It takes 50 (Discord: Global Rate Limit); the others are for those that the HTTP client sends again by itself,
where a connection broke.
"""
SECOND = 1.0
ROUNDING = 1e-9
"""Seconds that are none: sums of fractions differ by less, and no clock would move by them."""
IDLE_LANES = 2_000
"""Lanes kept before those that nobody waits in are forgotten."""

WEBHOOK = "webhook"
"""The route of everything sent with an interaction's token, which the gate does not count."""
_WEBHOOK = re.compile(r"/webhooks/\d+/(?P<major>[^/]+)")
_COUNTED = re.compile(r"/api/v\d+/(?!webhooks/|interactions/)")
"""What Discord counts among all requests of a bot (Discord: Global Rate Limit)."""
_CHANNEL = re.compile(r"/channels/(?P<major>\d+)/messages(?P<message>/\d+)?/?$")


def webhook_key(token: str) -> Key:
    """Key of everything sent with one interaction's token."""
    return (WEBHOOK, token)


def send_key(channel_id: int) -> Key:
    """Key of new messages in a channel."""
    return ("send", str(channel_id))


def edit_key(channel_id: int) -> Key:
    """Key of edits of the bot's messages in a channel."""
    return ("edit", str(channel_id))


def key_of(method: str, path: str) -> Key | None:
    """Key of the bucket that a request to Discord belongs to, or None where no reply is paced by it."""
    if found := _WEBHOOK.search(path):
        return webhook_key(found["major"])
    if found := _CHANNEL.search(path):
        if method == "PATCH" and found["message"]:
            return edit_key(int(found["major"]))
        if method == "POST" and not found["message"]:
            return send_key(int(found["major"]))
    return None


def is_counted(path: str) -> bool:
    """Whether Discord counts a request among all of the bot's."""
    return _COUNTED.match(path) is not None


@dataclass(slots=True, eq=False)
class Ticket:
    """A change that waits: how urgent it is, how long its answer is (characters), and since when its
    reader has seen nothing new.
    """

    urgency: Urgency
    size: int
    since: float
    granted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def rank(self) -> tuple[int, float]:
        """Who goes first among those who may: the most urgent, then the shortest that ends or the one that
        waits longest.
        """
        return (self.urgency, self.size if self.urgency is Urgency.COMPLETES else self.since)


@dataclass(slots=True)
class Place:
    """A place inside the gate, kept for the next request of whoever passed."""

    is_taken: bool = False


_place: ContextVar[Place | None] = ContextVar("place", default=None)


class Gate:
    """Lets a few pass at once and the others evenly, whoever needs it most first; and never so many that
    Discord could count too many in a second.

    Discord counts a request somewhere between its start and its response. So each counts here from its start
    until a second after its response: all those that Discord counts in one second count here at once, however
    late the network or this process brings them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[Ticket] = []
        self._timer: asyncio.TimerHandle | None = None
        self._even = 0.0
        """When those who have passed would have, had all of them come evenly."""
        self._under_way = 0
        self._lately: deque[float] = deque()
        """Until when those that have had their response count."""

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def passing(self, ticket: Ticket) -> AsyncIterator[None]:
        """Wait for the ticket's turn: the first request in here does not wait again, one after it does."""
        await self._turn(ticket)
        place = Place()
        before = _place.set(place)
        try:
            yield
        finally:
            _place.reset(before)
            if not place.is_taken:
                self.ended()

    async def begin(self) -> None:
        """Wait until a request may begin; ``ended`` has to follow."""
        place = _place.get()
        if place is None or place.is_taken:
            await self._turn(Ticket(Urgency.FIRST, 0, self._clock()))
        else:
            place.is_taken = True

    async def _turn(self, ticket: Ticket) -> None:
        ticket.granted.clear()
        self._waiting.append(ticket)
        self._look()
        try:
            await ticket.granted.wait()
        except BaseException:
            if ticket.granted.is_set():
                self.ended()
            else:
                self._waiting.remove(ticket)
            raise

    def ended(self) -> None:
        """Know that a request has had its response, or never will."""
        self._under_way -= 1
        self._lately.append(self._clock() + SECOND)
        self._look()

    def _look(self) -> None:
        if self._timer is None:
            self._open()

    def _open(self) -> None:
        """Let through who may pass now, and look again when the next may."""
        self._timer = None
        while self._waiting:
            wait = self._wait(self._clock())
            if wait is None:
                return
            if wait > ROUNDING:
                self._timer = asyncio.get_running_loop().call_later(wait, self._open)
                return
            first = min(self._waiting, key=lambda ticket: ticket.rank)
            self._waiting.remove(first)
            self._even = max(self._even, self._clock()) + 1 / GATE_RATE
            self._under_way += 1
            first.granted.set()

    def _wait(self, now: float) -> float | None:
        """Seconds until the next may pass; None where only a response can say."""
        while self._lately and self._lately[0] <= now:
            self._lately.popleft()
        even = self._even - now - (GATE_BURST - 1) / GATE_RATE
        if self._under_way + len(self._lately) < GATE_MOST:
            return even
        return max(even, self._lately[0] - now) if self._lately else None


class Lane:
    """The queue of one bucket. One request is under way at a time."""

    def __init__(self, clock: Clock, waited: Waited = lambda _: None, gate: Gate | None = None) -> None:
        self.pace = Pace()
        self._clock = clock
        self._waited = waited
        self._gate = gate
        self._waiting: list[Ticket] = []
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits and nothing is under way."""
        return not self._busy and not self._waiting

    @property
    def length(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, ticket: Ticket) -> AsyncIterator[None]:
        """Wait for the ticket's turn and hold the lane for one request."""
        came = self._clock()
        self._waiting.append(ticket)
        self.wake()
        try:
            await ticket.granted.wait()
        except BaseException:
            with suppress(ValueError):
                self._waiting.remove(ticket)
            if ticket.granted.is_set():
                self._release()
            raise
        try:
            async with nullcontext() if self._gate is None else self._gate.passing(ticket):
                self._waited(self._clock() - came)
                # For another try there has to be another slot.
                with once():
                    yield
        finally:
            self._release()

    def wake(self) -> None:
        """Give the slot to whoever should have it now, or look again when that may change."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._busy or not self._waiting:
            return
        now = self._clock()
        waits = {ticket: self.pace.wait(ticket.urgency, now) for ticket in self._waiting}
        ready = [ticket for ticket, wait in waits.items() if wait <= 0]
        if not ready:
            self._timer = asyncio.get_running_loop().call_later(min(waits.values()), self.wake)
            return
        first = min(ready, key=lambda ticket: ticket.rank)
        self._waiting.remove(first)
        self._busy = True
        self.pace.took(now)
        first.granted.set()

    def _release(self) -> None:
        self._busy = False
        self.wake()


class Lanes:
    """Every lane of the bot, by bucket, taught by the headers of every response (fed from the client's HTTP
    trace).
    """

    def __init__(self, clock: Clock, waited: Waited = lambda _: None) -> None:
        self._clock = clock
        self._waited = waited
        self._gate = Gate(clock)
        self._lanes: dict[Key, Lane] = {}
        self._by_bucket: dict[Hashable, Lane] = {}

    @property
    def waiting(self) -> int:
        """How many changes and other requests wait, in all lanes and at the gate."""
        lanes = {id(lane): lane for lane in self._lanes.values()}.values()
        return self._gate.length + sum(lane.length for lane in lanes)

    def lane(self, key: Key) -> Lane:
        """The lane of this key; made when first asked for."""
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= IDLE_LANES:
                self._forget_idle()
            gate = None if key[0] == WEBHOOK else self._gate
            lane = self._lanes[key] = Lane(self._clock, self._waited, gate)
        return lane

    async def begin(self, path: str) -> None:
        """Wait until a request may begin, whoever makes it; ``ended`` has to follow."""
        if is_counted(path):
            await self._gate.begin()

    def ended(self, path: str) -> None:
        """Know that a request which began has its response, or never will."""
        if is_counted(path):
            self._gate.ended()

    def learn(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Take in what one response of Discord says of its bucket."""
        key = key_of(method, path)
        lane = self._lanes.get(key) if key is not None else None
        if key is None or lane is None:
            return
        limit = headers.get("X-RateLimit-Limit")
        if limit is None:
            lane.pace.learn_unlimited()
        else:
            lane = self._joined(key, lane, headers.get("X-RateLimit-Bucket"))
            lane.pace.learn(
                int(limit),
                int(headers.get("X-RateLimit-Remaining", "0")),
                float(headers.get("X-RateLimit-Reset-After", "1")),
                self._clock(),
            )
        lane.wake()

    def _joined(self, key: Key, lane: Lane, bucket: str | None) -> Lane:
        """One lane for the keys that Discord counts in one bucket; the second key to be seen moves in with
        the first.
        """
        if bucket is None:
            return lane
        shared = self._by_bucket.setdefault((bucket, key[1]), lane)
        if shared is not lane and lane.is_idle:
            self._lanes[key] = shared
            return shared
        return lane

    def _forget_idle(self) -> None:
        self._lanes = {key: lane for key, lane in self._lanes.items() if not lane.is_idle}
        kept = set(map(id, self._lanes.values()))
        self._by_bucket = {bucket: lane for bucket, lane in self._by_bucket.items() if id(lane) in kept}
