"""A Discord for tests: REST and gateway over real sockets on 127.0.0.1, strict where Discord is strict.

The fixture ``standin`` (tests/wire/conftest.py) gives a started ``DiscordStandIn`` with one guild
(``standin.guild``), a text channel (``standin.channel``) and three people: ``standin.owner`` (who owns guild
and application), ``standin.member`` and ``standin.other``. The bot is ``standin.bot``. When the test ends,
the fixture fails it for any rate-limit breach, any request body against Discord's published description, any
route the stand-in does not speak, and any fault inside the stand-in. A test that means to breach clears the
list it filled: ``standin.breaches.clear()``. Every name that a test needs can be imported from here.

Running a bot against it
    As a process: ``process = await launch.start({**standin.environment(), ...}, "run")``
    (tests/wire/launch.py points discord.py at the stand-in and calls ``bot.__main__.main``), then ``await
    standin.online()``, which waits until the bot listens and its commands are registered. In process: ``with
    launch.pointed(standin.environment()):`` around a client. Never run a file of this directory by path: its
    ``discord.py`` would shadow the library. Use ``python -m tests.wire.launch``.

What people do (returns at once; all of it is in discord_people.py)
    - ``standin.slash(user, channel, "ask", {"question": "why?", "file": Upload("a.txt", b"...")},
    locale="zh-CN")`` - ``standin.press(user, message, message.button("Stop"))`` -
    ``standin.submit(interaction, {"field": "text"})`` sends the form in ``interaction.modal`` -
    ``standin.autocomplete(user, channel, "translate", "to", "fre")``, answered in ``interaction.choices`` -
    ``standin.menu(user, message, "Translate")`` - ``standin.say(user, channel, f"{standin.mention} hello",
    reply_to=message)``, ``standin.dm(user, "hello")``

    Only what a person could do: an option the bot did not register, a button that is disabled, a command that
    is not offered in that place raises ``Impossible``. A user-installed app: ``install=Install.USER`` in a
    channel of a guild that the bot was not invited to (``standin.add_guild``), in
    ``standin.add_private_channel``, or anywhere.

Waiting (no sleeping, no polling): a predicate is asked again whenever something happened
    - ``answer = await standin.wait_for(lambda: interaction.messages and interaction.messages[0])``
    - ``message = await standin.shown(interaction, "the end")``

    A ``TimeoutError`` tells the last requests and faults.

Looking
    - ``interaction``: ``acknowledged``, ``acknowledged_at``, ``original``, ``followups``, ``messages``,
      ``text``, ``choices``, ``modal``.
    - ``message``: ``content`` (trimmed as Discord trims), ``versions`` (every text with its
      ``time.perf_counter`` time), ``ephemeral``, ``attachments`` (``.upload.data``), ``components``,
      ``custom_ids``, ``reference``, ``deleted``, and ``pings``: whom its writes would have notified, counted
      strictly. ``standin.pings`` is all of them, and should be empty.
    - ``standin.sent(channel)`` is what the bot wrote in a channel; ``standin.log`` every request with body,
      files, status and times; ``standin.requests("PATCH /webhooks/*")`` those of a route;
      ``standin.typing``, ``standin.cdn.requests``, ``standin.gateway.presences``.

Rules and their adjustment
    - ``standin.rules[EDITS] = Rule(5, 5.0)``; ``standin.rules.clear()`` lifts all rate limits.
    - ``standin.lifetimes.token = 2.0`` (seconds), ``interaction.expired = True`` (the 15 minutes are over),
      ``interaction.late = True`` (the 3 seconds are).
    - ``user.dms = Dms.CLOSED``, ``standin.deny(channel, standin.bot, Permission.SEND_MESSAGES)``.
    - ``standin.gateway.granted = Intent(0)``: message content switched off. 4014 for who asks for it, empty
      content for who does not.

Trouble
    - ``standin.fault("POST /channels/*/messages", status=500, times=2)``; ``status=None`` cuts the
      connection; ``phase=Phase.AFTER`` lets Discord act and loses the answer; ``delay=`` seconds pass first.
    - ``async with standin.hold("PATCH /webhooks/*") as hold: await hold.arrived()`` keeps requests waiting.
    - ``await standin.drop_gateway()``: the bot resumes and what it missed is replayed;
      ``await standin.wait_for(lambda: standin.gateway.resumed)``. With ``standin.refuse_resume()`` before it
      the bot has to identify anew, for which discord.py takes five seconds.
    - ``await standin.invalidate_session()``; ``standin.mute_gateway()``: quiet, but not closed.
    - ``with standin.weather(seed=1, share=0.05, faults=[made_fault(status=503)], slowest=2.0):`` trouble by
      chance.

What it does not do: voice, stickers, polls, embeds made from links, guild commands, scheduled events; lengths
are counted in UTF-16 units before trimming, and pings in code and in edits count, both stricter than Discord
may be.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.support.patience import PATIENCE
from tests.wire.discord_buckets import EDITS, GLOBAL, INTERACTION, SENDS, Breach, Buckets, Rule
from tests.wire.discord_channels import Channels
from tests.wire.discord_commands import Commands, Impossible
from tests.wire.discord_contract import Contract
from tests.wire.discord_directory import Directory
from tests.wire.discord_events import CDN, Cdn, Events
from tests.wire.discord_gateway import Gateway, Intent
from tests.wire.discord_interactions import Interactions, Lifetimes
from tests.wire.discord_kinds import Acknowledged, ChannelKind, Dms, Install, Permission
from tests.wire.discord_log import Exchange, Fault, Hold, Phase, Weather, made_fault, now
from tests.wire.discord_people import People
from tests.wire.discord_server import API, Server
from tests.wire.discord_world import Channel, Interaction, Message, Upload, User, World

__all__ = [
    "EDITS",
    "GLOBAL",
    "INTERACTION",
    "SENDS",
    "Acknowledged",
    "Channel",
    "ChannelKind",
    "DiscordStandIn",
    "Dms",
    "Impossible",
    "Install",
    "Intent",
    "Interaction",
    "Message",
    "Permission",
    "Phase",
    "Rule",
    "Upload",
    "User",
]

T = TypeVar("T")


class DiscordStandIn(People):
    """The stand-in as tests hold it; an async context manager that serves between entering and leaving."""

    def __init__(self, *, shards: int = 1, contract: Contract | None = None) -> None:
        world = World()
        self._waiters: list[Callable[[], None]] = []
        self.gateway = Gateway(world, self._notify)
        super().__init__(world, Events(world, self.gateway), Cdn(world), Commands(world))
        self.lifetimes = Lifetimes()
        self.typing: list[tuple[float, Channel]] = []
        self._buckets = Buckets(now)
        self.server = Server(world, self._buckets, contract, self._notify)
        self._runner = web.AppRunner(self.server.application, access_log=None, shutdown_timeout=1.0)
        self._address = ""
        self.owner = world.add_user("owner")
        self.guild = world.add_guild("workshop", self.owner)
        self.member = self.add_user("member", self.guild)
        self.other = self.add_user("other", self.guild)
        self.channel = self.add_channel("general", self.guild)
        world.join(self.guild, world.bot)
        self._channels = Channels(world, self.events, self.cdn, self.gateway, self.typing)
        self._channels.routes(self.server)
        Interactions(world, self._channels, self.lifetimes).routes(self.server)
        self.commands.routes(self.server)
        Directory(world, self.owner, self.gateway, shards).routes(self.server)
        self.server.add_rest()

    async def __aenter__(self) -> Self:
        application = self.server.application
        application.router.add_get("/gateway", self.gateway.serve)
        application.router.add_get(CDN, self.cdn.serve)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._address = f"{host}:{port}"
        self.cdn.address = f"http://{self._address}"
        self.gateway.address = f"ws://{self._address}/gateway"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.interference.release()
        await self.gateway.drop(1001)
        await self._runner.cleanup()

    # ---- addresses

    @property
    def bot(self) -> User:
        """The bot's user."""
        return self.world.bot

    @property
    def mention(self) -> str:
        """The text that mentions the bot."""
        return self.world.bot.mention

    def environment(self) -> dict[str, str]:
        """What a bot's process needs to log in here."""
        return {
            "DISCORD_TOKEN": self.world.token,
            "DISCORD_API": f"http://{self._address}{API}",
            "DISCORD_GATEWAY": self.gateway.address,
        }

    # ---- waiting

    async def wait_for(self, predicate: Callable[[], T], timeout: float = PATIENCE) -> T:
        """The first true value of ``predicate``, asked now and whenever something happens, for ``timeout``
        seconds.

        Raises:
            TimeoutError: It did not become true; the message tells what passed lately.
        """
        if value := predicate():
            return value
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if future.done():
                return
            try:
                value = predicate()
            except Exception as error:  # noqa: BLE001 - it is the waiting test's own, and raised there
                future.set_exception(error)
            else:
                if value:
                    future.set_result(value)

        self._waiters.append(look)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s; {self.story()}") from None
        finally:
            self._waiters.remove(look)

    async def shown(self, interaction: Interaction, text: str, timeout: float = PATIENCE) -> Message:
        """The answer's first visible message, once ``text`` is somewhere in the answer.

        Raises:
            TimeoutError: It was not to be seen.
        """
        await self.wait_for(lambda: text in interaction.text, timeout)
        return interaction.messages[0]

    async def online(self, timeout: float = PATIENCE) -> None:
        """Wait until a bot listens on the gateway and has registered its commands."""
        await self.wait_for(lambda: self.gateway.connected and self.world.commands, timeout)

    def _notify(self) -> None:
        for look in list(self._waiters):
            look()

    # ---- looking

    @property
    def log(self) -> list[Exchange]:
        """Every request, in the order of arrival."""
        return self.server.log

    @property
    def breaches(self) -> list[Breach]:
        """Requests beyond a rate limit."""
        return self.server.breaches

    @property
    def contract_errors(self) -> list[str]:
        """Bodies that Discord's description does not allow."""
        return self.server.contract_errors

    @property
    def rules(self) -> dict[str, Rule]:
        """The rate limits in force, by bucket (names in discord_buckets.py); may be changed."""
        return self._buckets.rules

    @property
    def pings(self) -> list[str]:
        """Whom the bot's messages would have notified."""
        return [
            ping
            for channel in self.world.channels.values()
            for each in self.sent(channel)
            for ping in each.pings
        ]

    def sent(self, channel: Channel) -> list[Message]:
        """The bot's messages in a channel, private and deleted ones too, oldest first."""
        return [message for _, message in sorted(channel.messages.items()) if message.author is self.bot]

    def requests(self, pattern: str) -> list[Exchange]:
        """The requests whose route fits a pattern such as ``POST /channels/*/messages``."""
        return [exchange for exchange in self.log if exchange.matches(pattern)]

    def problems(self) -> list[str]:
        """What fails a test that did not ask for it."""
        breaches = [f"rate limit: {breach}" for breach in self.breaches]
        return breaches + self.contract_errors + self.server.errors

    def story(self) -> str:
        """The last requests and all problems, for a failure's message."""
        lines = [str(each) for each in self.log[-15:]]
        return "last requests:\n  " + "\n  ".join([*lines, "problems:", *self.problems()])

    # ---- trouble

    def fault(self, pattern: str, **how: Any) -> None:
        """Answer the next requests of a route otherwise; ``how`` as in ``made_fault``.

        Rate limits do not count them.
        """
        self.server.interference.faults.append(made_fault(pattern, **how))

    @contextmanager
    def weather(
        self,
        pattern: str = "*",
        *,
        seed: int,
        share: float = 0.0,
        faults: Sequence[Fault] = (),
        slowest: float = 0.0,
    ) -> Iterator[None]:
        """Meanwhile, let a share of all requests meet one of these faults, and each take up to ``slowest``
        seconds longer.
        """
        weather = Weather(pattern, share, tuple(faults), slowest, random.Random(seed))
        self.server.interference.weather.append(weather)
        yield
        self.server.interference.weather.remove(weather)

    def hold(self, pattern: str, phase: Phase = Phase.BEFORE) -> Hold:
        """Keep the requests of a route waiting from now on, until released."""
        hold = Hold(pattern, phase)
        self.server.interference.holds.append(hold)
        return hold

    async def drop_gateway(self, code: int = 4000) -> None:
        """Close the gateway connections; by default the bot may resume (Discord: Gateway Close Event
        Codes).
        """
        await self.gateway.drop(code)

    def mute_gateway(self) -> None:
        """Say nothing more on the connections there are, no answer to a heartbeat either, and leave them
        open.
        """
        self.gateway.mute()

    async def invalidate_session(self, *, resumable: bool = False) -> None:
        """Tell the bot that its session is not valid any more (Discord: Invalid Session)."""
        await self.gateway.invalidate(resumable=resumable)

    def refuse_resume(self, times: int = 1) -> None:
        """Answer the next RESUMEs with an invalid session, so that the bot identifies anew."""
        self.gateway.refusing_resume += times
