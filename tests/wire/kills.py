"""Where a process is killed, and what has to be true when it was started again.

A point is one request of one answer: the n-th of its kind, before or after it took effect. Many answers go at
once, each until it meets its point and waits there; when all do, the process is killed, so one life of a
process is spent on many points.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from itertools import product
from typing import Any

from tests.support.patience import PATIENCE
from tests.wire.discord import DiscordStandIn, Message, Upload
from tests.wire.discord_log import Cut, Exchange, Phase
from tests.wire.discord_world import Channel, Interaction
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Script

KEY = re.compile(r"key\d{4}x")
SMALL_PRINT = "-# "
FOOTER = "-# meta"


class Kind(StrEnum):
    """What is asked, and how."""

    ASK = "ask"
    PRIVATE = "private ask"
    STORY = "story"
    LONG_PRIVATE = "long private ask"
    MENTION = "mention"
    LONG_MENTION = "long mention"
    DIRECT = "direct message"
    TRANSLATE = "translation in parts"
    SUMMARY = "summary in parts"
    MESSAGES = "summary of messages in parts"

    @property
    def is_long(self) -> bool:
        """Whether its answer takes several messages."""
        return self in {Kind.STORY, Kind.LONG_PRIVATE, Kind.LONG_MENTION}

    @property
    def calls(self) -> int:
        """How many calls of the model its answer takes."""
        return {Kind.TRANSLATE: 2, Kind.SUMMARY: 3, Kind.MESSAGES: 3}.get(self, 1)

    @property
    def is_private(self) -> bool:
        return self in {Kind.PRIVATE, Kind.LONG_PRIVATE}


CALLBACK = "POST /interactions/*"
FOLLOW_UP = "POST /webhooks/*"
EDIT = "PATCH /webhooks/*"
SEND = "POST /channels/*/messages"
CHANNEL_EDIT = "PATCH /channels/*"
HISTORY = "GET /channels/*/messages"
FIRST_TEXT = "first text"
COMPLETE = "complete text"
FINAL = "footer"
TOKEN = "token"
CREATE, GET, STREAM = Operation.CREATE.value, Operation.GET.value, Operation.STREAM.value


class Outcome(Enum):
    """What has become of an answer in the end."""

    WHOLE = auto()
    UNSEEN = auto()
    """Nobody ever saw anything of it."""


@dataclass(frozen=True, slots=True)
class Point:
    """The ``number``-th request of a kind, before or after it takes effect; of tokens, how many came."""

    kind: Kind
    request: str
    number: int
    phase: Phase

    def __str__(self) -> str:
        return f"{self.kind}: {self.phase.value} {self.request} {self.number}"

    @property
    def outcome(self) -> Outcome:
        """What becomes of the answer."""
        never_seen = self.request == CALLBACK and self.phase is Phase.BEFORE
        return Outcome.UNSEEN if never_seen else Outcome.WHOLE

    @property
    def may_repeat(self) -> bool:
        """Whether Discord took a follow-up whose id was never stored, and which the bot cannot look for."""
        return self.request == FOLLOW_UP and self.phase is Phase.AFTER and self.kind.is_private


def _points() -> Iterator[Point]:
    def at(kind: Kind, *requests: tuple[str, int]) -> Iterator[Point]:
        for (request, number), phase in product(requests, Phase):
            yield Point(kind, request, number, phase)

    def tokens(kind: Kind, *numbers: int) -> Iterator[Point]:
        for number in numbers:
            yield Point(kind, TOKEN, number, Phase.AFTER)

    for kind in (Kind.ASK, Kind.PRIVATE):
        yield from at(kind, (CALLBACK, 1), (CREATE, 1), (GET, 1))
        yield Point(kind, STREAM, 1, Phase.BEFORE)
        yield from at(kind, (FIRST_TEXT, 1), (EDIT, 2), (EDIT, 3), (COMPLETE, 1), (FINAL, 1))
        yield from tokens(kind, 1, 10, 20, 39)
    for kind in (Kind.STORY, Kind.LONG_PRIVATE):
        yield from at(kind, (FOLLOW_UP, 1), (FOLLOW_UP, 2), (EDIT, 4), (EDIT, 5), (GET, 1), (FINAL, 1))
        yield from tokens(kind, 20, 60, 99)
    for kind in (Kind.MENTION, Kind.DIRECT):
        yield from at(
            kind, (SEND, 1), (CREATE, 1), (CHANNEL_EDIT, 1), (CHANNEL_EDIT, 2), (GET, 1), (FINAL, 1)
        )
        yield from tokens(kind, 1, 20)
    yield from at(Kind.LONG_MENTION, (SEND, 2), (SEND, 3))
    yield from at(Kind.TRANSLATE, (CREATE, 1), (CREATE, 2), (GET, 1), (GET, 2), (FINAL, 1))
    yield from tokens(Kind.TRANSLATE, 10)
    yield from at(Kind.SUMMARY, (CALLBACK, 1), (CREATE, 1), (CREATE, 3), (GET, 2), (GET, 3), (FINAL, 1))
    yield from at(Kind.MESSAGES, (HISTORY, 1), (CREATE, 2), (CREATE, 3), (GET, 1))


POINTS = tuple(_points())
SAMPLE = tuple(
    point
    for point in POINTS
    if (point.kind, point.request, point.number, point.phase)
    in {
        (Kind.ASK, CALLBACK, 1, Phase.BEFORE),
        (Kind.ASK, CREATE, 1, Phase.BEFORE),
        (Kind.ASK, CREATE, 1, Phase.AFTER),
        (Kind.PRIVATE, FIRST_TEXT, 1, Phase.AFTER),
        (Kind.PRIVATE, TOKEN, 20, Phase.AFTER),
        (Kind.LONG_PRIVATE, FOLLOW_UP, 1, Phase.AFTER),
        (Kind.STORY, FOLLOW_UP, 1, Phase.AFTER),
        (Kind.STORY, FOLLOW_UP, 2, Phase.BEFORE),
        (Kind.STORY, FINAL, 1, Phase.BEFORE),
        (Kind.MENTION, SEND, 1, Phase.AFTER),
        (Kind.DIRECT, GET, 1, Phase.BEFORE),
        (Kind.TRANSLATE, CREATE, 2, Phase.BEFORE),
        (Kind.SUMMARY, CREATE, 1, Phase.AFTER),
        (Kind.MESSAGES, CREATE, 3, Phase.BEFORE),
    }
)
"""Those of the default run."""


class _Arriving(asyncio.Event):
    """A gate that says when it is reached."""

    def __init__(self, arrived: asyncio.Event) -> None:
        super().__init__()
        self._arrived = arrived

    async def wait(self) -> Any:
        self._arrived.set()
        return await super().wait()


@dataclass(eq=False)
class Answer:
    """One answer on its way to its point."""

    point: Point
    number: int
    dead: asyncio.Event
    """Set when the process is killed."""
    channel: Channel | None = None
    asked: Interaction | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    calls: int = 0
    _met: Counter[tuple[str, Phase]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.gate = _Arriving(self.arrived)

    @property
    def key(self) -> str:
        """Stands in everything that is asked and answered, so that it is known again."""
        return f"key{self.number:04d}x"

    def script(self) -> Script:
        """The next prediction: words with a number each; a long one takes as long as its many edits do, on a
        busy machine too.
        """
        self.calls += 1
        count, size, seconds = (100, 8, 5.0) if self.point.kind.is_long else (40, 1, 1.5)
        words = [
            f"{self.key} " + "".join(f"c{self.calls}w{index}n{part} " for part in range(size))
            for index in range(count)
        ]
        gates = {self.point.number: self.gate} if self.point.request == TOKEN and self.calls == 1 else {}
        return Script(tokens=words, rate=count / seconds, gates=gates)

    async def meet(self, requests: set[str], phase: Phase) -> bool:
        """Wait here if this is the point; False when the process is dead by then."""
        if self.dead.is_set():
            return True
        for request in requests:
            self._met[request, phase] += 1
            if (request, self._met[request, phase], phase) == (
                self.point.request,
                self.point.number,
                self.point.phase,
            ):
                self.arrived.set()
                await self.dead.wait()
                return False
        return True

    @property
    def messages(self) -> list[Message]:
        """What stands of it."""
        if self.asked is not None:
            return self.asked.messages
        assert self.channel is not None
        found = [
            message
            for message in self.channel.messages.values()
            if message.author.bot and message.deleted is None
        ]
        return sorted(found, key=lambda message: message.id)


class Life:
    """Answers that begin together and whose process dies."""

    def __init__(self, discord: DiscordStandIn, replicate: ReplicateStandIn, first: int) -> None:
        self.dead = asyncio.Event()
        self.answers: list[Answer] = []
        self._discord = discord
        self._replicate = replicate
        self._first = first

    def begin(self, points: tuple[Point, ...]) -> None:
        """Ask for everything at once."""
        self._discord.server.interference.meet = self._meet_discord
        self._replicate.meet = self._meet_replicate
        self._replicate.respond = self._respond
        for number, point in enumerate(points, start=self._first):
            answer = Answer(point, number, self.dead)
            self.answers.append(answer)
            self._ask(answer)

    async def arrive(self, timeout: float = PATIENCE) -> None:
        """Wait until every answer is at its point."""
        waiting = [asyncio.create_task(answer.arrived.wait()) for answer in self.answers]
        await asyncio.wait(waiting, timeout=timeout)
        missing = [str(answer.point) for answer in self.answers if not answer.arrived.is_set()]
        for task in waiting:
            task.cancel()
        assert not missing, f"never reached: {missing}; {self._discord.story()}"

    def die(self) -> None:
        """Let go of everything that waits: nobody hears of it any more."""
        self.dead.set()
        for answer in self.answers:
            answer.gate.set()

    def _ask(self, answer: Answer) -> None:
        discord, kind = self._discord, answer.point.kind
        person = discord.add_user(f"person{answer.number}", discord.guild)
        question = f"{answer.key} why?"
        options: dict[str, object] = {}
        match kind:
            case Kind.MENTION | Kind.LONG_MENTION:
                answer.channel = discord.add_channel(f"channel{answer.number}", discord.guild)
                discord.say(person, answer.channel, f"{discord.mention} {question}")
            case Kind.DIRECT:
                answer.channel = discord.dm(person, question).channel
            case Kind.STORY:
                answer.asked = discord.slash(person, discord.channel, "story", {"premise": question})
            case Kind.TRANSLATE:
                text = "\n\n".join(f"{answer.key} says paragraph {index}. " * 5 for index in range(26))
                options |= {"text": text, "to": "French"}
                answer.asked = discord.slash(person, discord.channel, "translate", options)
            case Kind.SUMMARY:
                text = "\n\n".join(f"{answer.key} says paragraph {index}. " * 5 for index in range(190))
                options |= {"file": Upload("long.txt", text.encode())}
                answer.asked = discord.slash(person, discord.channel, "summarize", options)
            case Kind.MESSAGES:
                answer.channel = discord.add_channel(f"channel{answer.number}", discord.guild)
                for index in range(60):
                    discord.say(person, answer.channel, f"{answer.key} says message {index}. " * 16)
                answer.asked = discord.slash(person, answer.channel, "summarize", {"messages": 60})
                # What is said meanwhile is not summarised.
                discord.say(person, answer.channel, f"{answer.key} says more. " * 16)
            case _:
                options |= {"question": question} | ({"private": True} if kind.is_private else {})
                answer.asked = discord.slash(person, discord.channel, "ask", options)

    def _respond(self, said: Mapping[str, Any]) -> Script:
        return self._known(json.dumps(said)).script()

    async def _meet_replicate(self, operation: Operation, phase: Phase, said: Mapping[str, Any]) -> bool:
        return await self._known(json.dumps(said)).meet({operation.value}, phase)

    async def _meet_discord(self, exchange: Exchange, phase: Phase) -> None:
        answer = self._of(exchange)
        if answer is not None and not await answer.meet(set(_names(exchange)), phase):
            raise Cut

    def _known(self, text: str) -> Answer:
        found = KEY.search(text)
        assert found is not None, text
        return next(answer for answer in self.answers if answer.key == found[0])

    def _of(self, exchange: Exchange) -> Answer | None:
        """Whose request this is: by its token or its channel."""
        parameters = exchange.parameters
        token = parameters.get("interaction_token") or parameters.get("webhook_token")
        channel = parameters.get("channel_id")
        for answer in self.answers:
            if token and answer.asked is not None and answer.asked.token == token:
                return answer
            if channel and answer.channel is not None and str(answer.channel.id) == channel:
                return answer
        return None


def _names(exchange: Exchange) -> Iterator[str]:
    """What points call a request."""
    for pattern in (CALLBACK, FOLLOW_UP, EDIT, SEND, CHANNEL_EDIT, HISTORY):
        if exchange.matches(pattern):
            yield pattern
    content = str((exchange.body or {}).get("content") or "")
    if exchange.method == "PATCH" and KEY.search(plain(content)):
        yield FIRST_TEXT
        if FOOTER in content:
            yield FINAL
        elif "w39n0" in content:
            yield COMPLETE


def plain(content: str) -> str:
    """A message's text without the question above it and the small print below."""
    lines = [line for line in content.split("\n") if not line.startswith((SMALL_PRINT, "> "))]
    return "\n".join(lines)
