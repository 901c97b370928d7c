"""The gateway's side of the stand-in: sessions, sequence numbers, heartbeats, resuming."""

import asyncio
import contextlib
import enum
import itertools
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.wire.discord_payloads import guild_payload, user_payload
from tests.wire.discord_world import Json, World


class Intent(enum.IntFlag):
    """The gateway intents that change what is sent (Discord: Gateway Intents)."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT

APPLICATION_FLAGS = {
    Intent.GUILD_PRESENCES: 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 19,
}
"""How GET /applications/@me tells that a privileged intent is switched on (for bots in fewer than 100
guilds).
"""

HEARTBEAT_MS = 41_250
INVALID = 9


@dataclass(eq=False)
class Session:
    """One IDENTIFY and what was sent since, so that a RESUME can have it again."""

    id: str
    shard: int
    shards: int
    intents: Intent
    sent: list[tuple[int, str]] = field(default_factory=list)
    outbox: asyncio.Queue[str] | None = None
    socket: web.WebSocketResponse | None = None
    closed: bool = False
    muted: bool = False

    def dispatch(self, event: str, data: Json) -> None:
        """Send an event, or keep it for the RESUME while nobody is connected."""
        number = len(self.sent) + 1
        text = json.dumps({"op": 0, "t": event, "s": number, "d": data})
        self.sent.append((number, text))
        if self.outbox is not None:
            self.outbox.put_nowait(text)


class Gateway:
    """Takes websockets at /gateway. ``notify`` is called when something changed that a test may wait for."""

    def __init__(self, world: World, notify: Callable[[], None]) -> None:
        self._world = world
        self._notify = notify
        self.heartbeat_ms = HEARTBEAT_MS
        """Told to those that connect from now on."""
        self._names = itertools.count(1)
        self.address = ""
        self.granted = Intent.MESSAGE_CONTENT
        self.sessions: list[Session] = []
        self.identified: list[Json] = []
        self.resumed = 0
        self.heartbeats = 0
        self.presences: list[Json] = []
        self.refusing_resume = 0
        self.refusing_identify: int | None = None

    @property
    def connected(self) -> list[Session]:
        """The sessions that are being listened to."""
        return [session for session in self.sessions if session.outbox is not None]

    def shard_of(self, guild_id: int | None, shards: int) -> int:
        return 0 if guild_id is None else (guild_id >> 22) % shards

    def listeners(self, guild_id: int | None) -> Iterable[Session]:
        """The sessions, connected or resumable, whose shard hears of a guild (or, for None, of direct
        messages).
        """
        for session in self.sessions:
            if not session.closed and session.shard == self.shard_of(guild_id, session.shards):
                yield session

    async def drop(self, code: int) -> None:
        """Close every connection; the sessions can be resumed unless the code says otherwise (Discord: Close
        Codes).
        """
        for session in self.connected:
            socket, session.outbox, session.socket = session.socket, None, None
            session.closed = code in {1000, 1001, 4007, 4009}
            if socket is not None:
                await socket.close(code=code)
        self._notify()

    def mute(self) -> None:
        """Say nothing more on the connections there are, and leave them open; the sessions can be resumed."""
        for session in self.connected:
            session.muted = True
            session.outbox = session.socket = None
        self._notify()

    async def invalidate(self, *, resumable: bool) -> None:
        """Send Invalid Session on every connection."""
        for session in self.connected:
            session.closed = not resumable
            if session.socket is not None:
                await session.socket.send_str(
                    json.dumps({"op": INVALID, "s": None, "t": None, "d": resumable})
                )
        self._notify()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One websocket connection, from HELLO to its end."""
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0, compress=False)
        await socket.prepare(request)
        await socket.send_str(
            json.dumps({"op": 10, "s": None, "t": None, "d": {"heartbeat_interval": self.heartbeat_ms}})
        )
        session: Session | None = None
        writer: asyncio.Task[None] | None = None
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    break
                if session is not None and session.muted and session.socket is not socket:
                    # Not even a close is answered.
                    await asyncio.Event().wait()
                command = json.loads(frame.data)
                if command["op"] == 1:
                    self.heartbeats += 1
                    await socket.send_str(json.dumps({"op": 11, "s": None, "t": None, "d": None}))
                elif command["op"] == 3:
                    self.presences.append(command["d"])
                elif command["op"] in {2, 6} and session is None:
                    session = await self._begin(socket, command["op"], command["d"])
                    if session is not None and session.outbox is not None:
                        writer = asyncio.create_task(_write(socket, session.outbox))
                self._notify()
        finally:
            if writer is not None:
                writer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await writer
            if session is not None and session.socket is socket:
                session.outbox = session.socket = None
                session.closed = socket.close_code in {1000, 1001}
            self._notify()
        return socket

    async def _begin(self, socket: web.WebSocketResponse, op: int, data: Json) -> Session | None:
        if data.get("token") != self._world.token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return None
        return await (self._identify(socket, data) if op == 2 else self._resume(socket, data))

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> Session | None:
        self.identified.append(data)
        intents = Intent(data["intents"])
        if intents & PRIVILEGED & ~self.granted:
            await socket.close(code=4014, message=b"Disallowed intent(s).")
            return None
        if self.refusing_identify is not None:
            await socket.close(code=self.refusing_identify)
            return None
        shard, shards = data.get("shard", [0, 1])
        session = Session(
            f"{next(self._names)}{secrets.token_hex(15)}", shard, shards, intents, [], asyncio.Queue(), socket
        )
        self.sessions.append(session)
        guilds = [
            guild
            for guild in self._world.guilds.values()
            if self.shard_of(guild.id, shards) == shard and self._world.bot.id in guild.members
        ]
        ready: Json = {
            "v": 10,
            "user": user_payload(self._world.bot) | {"verified": True, "email": None, "mfa_enabled": True},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.address,
            "session_type": "normal",
            "shard": [shard, shards],
            "application": {"id": str(self._world.application_id), "flags": application_flags(self.granted)},
            "relationships": [],
            "private_channels": [],
        }
        session.dispatch("READY", ready)
        if intents & Intent.GUILDS:
            for guild in guilds:
                session.dispatch("GUILD_CREATE", guild_payload(self._world, guild))
        return session

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> Session | None:
        session = next((each for each in self.sessions if each.id == data.get("session_id")), None)
        if session is None or session.closed or self.refusing_resume:
            self.refusing_resume = max(0, self.refusing_resume - 1)
            await socket.send_str(json.dumps({"op": 9, "s": None, "t": None, "d": False}))
            return None
        outbox: asyncio.Queue[str] = asyncio.Queue()
        for number, text in session.sent:
            if number > (data.get("seq") or 0):
                outbox.put_nowait(text)
        session.outbox, session.socket = outbox, socket
        session.dispatch("RESUMED", {"_trace": []})
        self.resumed += 1
        return session


def application_flags(granted: Intent) -> int:
    """The application's flags that stand for its privileged intents."""
    return sum(flag for intent, flag in APPLICATION_FLAGS.items() if granted & intent)


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[str]) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_str(await outbox.get())
