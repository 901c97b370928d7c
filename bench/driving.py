"""Drives a bot's process between a Discord and a Replicate on loopback sockets, and reads what was seen.

All times are ``time.perf_counter`` seconds: of the stand-ins in this process, and so of one clock. What is
measured includes what the stand-ins themselves take.
"""

import asyncio
import math
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bench.prose import tokens
from tests.wire import launch
from tests.wire.discord import DiscordStandIn, Interaction, Message, User
from tests.wire.replicate import ReplicateStandIn, Run, standing_in
from tests.wire.replicate_script import Script

RATE = 30.0
"""Tokens a second of one stream, where a bench says no other."""
THINKS = 0.8
"""Seconds from a prediction's creation to its first token."""
NUMBER = re.compile(r"Question (\d+)")
SMALL = "-# "
"""How a line of the bot's own begins, its status or its footer."""
ANSWER = "Because."
"""All that the model says where only its answer's coming is measured."""
LOOKS = 0.05
"""Seconds between two looks at whether something is over."""


class Contender(Enum):
    """The bots that are measured: how each is started."""

    PARLANCE = "the bot"
    BARE = "the bare bot"


@dataclass(frozen=True, slots=True)
class Change:
    """The answer's text in one of its messages changed."""

    at: float
    place: int
    """Which message of the answer, from 0."""
    text: str
    """The message's whole text then, without question and footer."""


@dataclass(eq=False)
class Asked:
    """A question, and where its answer is seen."""

    number: int
    tokens: list[str]
    at: float
    """When it was asked."""
    find: Callable[[], Sequence[Message]]
    interaction: Interaction | None = None
    run: Run | None = None

    @property
    def question(self) -> str:
        """The question's text, by which its prediction is known."""
        return question(self.number)

    @property
    def messages(self) -> Sequence[Message]:
        """The answer's messages, oldest first."""
        return self.find()

    @property
    def acknowledged_at(self) -> float | None:
        """When Discord had the interaction's first response, or None."""
        return None if self.interaction is None else self.interaction.acknowledged_at

    @property
    def first_token_at(self) -> float:
        """When the model wrote its first token."""
        return self._run.written_at[0]

    @property
    def last_token_at(self) -> float:
        """When the model wrote its last token."""
        return self._run.written_at[-1]

    @property
    def first_text_at(self) -> float:
        """When the first of the answer's text stood on the screen."""
        return self.changes()[0].at

    @property
    def completed_at(self) -> float | None:
        """When all of the answer's text stood on the screen, or None."""
        whole = _squeezed("".join(self.tokens))
        shown: dict[int, str] = {}
        for change in self.changes():
            shown[change.place] = change.text
            if change.at >= self.last_token_at and whole == _squeezed("".join(shown.values())):
                return change.at
        return None

    @property
    def _run(self) -> Run:
        assert self.run is not None
        return self.run

    def changes(self) -> list[Change]:
        """Every change of the answer's text that could be seen, in the order of time."""
        found: list[Change] = []
        for place, message in enumerate(self.messages):
            before = ""
            for version in message.versions:
                text = self._body(version.content)
                if text != before:
                    found.append(Change(version.time, place, text))
                before = text
        return sorted(found, key=lambda change: change.at)

    def is_complete(self) -> bool:
        """Whether all text is to be seen now; the footer may be missing."""
        if self.run is None or not self.run.is_over:
            return False
        now = "".join(self._body(message.content) for message in self.messages)
        return len(_squeezed(now)) == len(_squeezed("".join(self.tokens)))

    def has_footer(self) -> bool:
        """Whether the answer is complete, with the line below it."""
        return self.is_complete() and f"\n{SMALL}" in self.messages[-1].content

    def _body(self, content: str) -> str:
        lines = content.removeprefix(f"> {self.question}").splitlines()
        return "\n".join(line for line in lines if not line.startswith(SMALL)).strip()


@dataclass(eq=False)
class Bench:
    """A bot's process between its stand-ins."""

    contender: Contender
    discord: DiscordStandIn
    replicate: ReplicateStandIn
    process: asyncio.subprocess.Process
    directory: Path
    online_after: float = math.nan
    """Seconds from the start of the process until it was online with its commands registered."""
    asked: list[Asked] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Where the predictions made from now on wait before their first token; None to let them go."""
    rate: float = RATE
    """Tokens a second that the predictions made from now on write."""

    def slash(self, count: int, length: Callable[[int], int]) -> list[Asked]:
        """Let as many people use /ask at once; ``length(i)`` is the tokens of each one's answer."""
        return [self._interaction(length(index)) for index in range(count)]

    def mention(self, count: int, length: Callable[[int], int]) -> list[Asked]:
        """Let as many people mention the bot in one channel at once."""
        return [self._mention(length(index)) for index in range(count)]

    async def start_again(self) -> None:
        """Kill the process, start another with the same database, and wait until it is online."""
        self.process.kill()
        await self.process.wait()
        await self.discord.drop_gateway()
        sessions = len(self.discord.gateway.sessions)
        self.process = await _start(self.contender, self.discord, self.replicate, self.directory)
        await self.discord.wait_for(lambda: len(self.discord.gateway.sessions) > sessions)

    async def listening(self, asked: Sequence[Asked], timeout: float = 30.0) -> None:
        """Wait until every question's prediction exists and its stream is being read.

        Raises:
            TimeoutError: one is not.
        """
        async with asyncio.timeout(timeout):
            while not all(one.run is not None and one.run.streams for one in asked):
                await asyncio.sleep(LOOKS)
                self._find_runs(list(asked))

    async def over(self, asked: Iterable[Asked], timeout: float) -> list[Asked]:
        """Wait until the answers are over, footer and all; those that were not in time."""
        left = list(asked)
        ends = time.perf_counter() + timeout
        while left and time.perf_counter() < ends:
            await asyncio.sleep(LOOKS)
            self._find_runs(left)
            left = [one for one in left if not self._is_over(one)]
        return left

    def _is_over(self, asked: Asked) -> bool:
        return asked.has_footer() if self.contender is Contender.PARLANCE else asked.is_complete()

    def _interaction(self, length: int) -> Asked:
        number = len(self.asked)
        person = self._person(number)
        options = {"question": question(number)}
        at = time.perf_counter()
        interaction = self.discord.slash(person, self.discord.channel, "ask", options)
        return self._note(number, length, at, lambda: interaction.messages, interaction)

    def _mention(self, length: int) -> Asked:
        number = len(self.asked)
        channel = self.discord.channel
        at = time.perf_counter()
        said = self.discord.say(self._person(number), channel, f"{self.discord.mention} {question(number)}")
        return self._note(number, length, at, lambda: _answers_to(said, self.discord.sent(channel)))

    def _person(self, number: int) -> User:
        return self.discord.add_user(f"person{number}", self.discord.guild)

    def _note(
        self,
        number: int,
        length: int,
        at: float,
        find: Callable[[], Sequence[Message]],
        interaction: Interaction | None = None,
    ) -> Asked:
        asked = Asked(number, tokens(length, number), at, find, interaction)
        self.asked.append(asked)
        return asked

    def _find_runs(self, wanted: list[Asked]) -> None:
        """Tell each question its prediction, as soon as there is one."""
        missing = {one.number: one for one in wanted if one.run is None}
        if not missing:
            return
        for run in self.replicate.runs.values():
            number = number_in(run.input)
            if number in missing:
                missing[number].run = run


def question(number: int) -> str:
    """A question that no other is like."""
    return f"Question {number}: what is there to know about rivers?"


def number_in(given: object) -> int:
    """Which question a prediction's input asks."""
    found = NUMBER.search(str(given))
    assert found is not None
    return int(found[1])


@asynccontextmanager
async def driven(
    contender: Contender, fill: Callable[[DiscordStandIn], None] = lambda _: None
) -> AsyncIterator[Bench]:
    """Start a bot between fresh stand-ins, wait until it is online, and end it after.

    ``fill`` puts into its Discord what there is beside one server with one channel.
    """
    with tempfile.TemporaryDirectory() as directory:
        async with DiscordStandIn() as discord, standing_in() as replicate:
            fill(discord)
            begun = time.perf_counter()
            process = await _start(contender, discord, replicate, Path(directory))
            bench = Bench(contender, discord, replicate, process, Path(directory))
            replicate.respond = lambda given: Script(
                tokens=bench.asked[number_in(given)].tokens,
                rate=bench.rate,
                first_token_after=THINKS,
                gate=bench.gate,
            )
            try:
                await discord.online()
                bench.online_after = time.perf_counter() - begun
                yield bench
            finally:
                bench.process.kill()
                await bench.process.wait()


@asynccontextmanager
async def crowded(settings: Mapping[str, str]) -> AsyncIterator[tuple[DiscordStandIn, ReplicateStandIn]]:
    """Start the bot with these settings between stand-ins whose Discord limits nothing and whose model says
    ``ANSWER``, wait until it is online, and end it after.
    """
    with tempfile.TemporaryDirectory() as directory:
        async with DiscordStandIn() as discord, standing_in() as replicate:
            discord.rules.clear()
            replicate.respond = lambda _: Script(tokens=[ANSWER])
            environment = {**_environment(discord, replicate, Path(directory)), **settings}
            process = await launch.start(environment, "run")
            try:
                await discord.online()
                yield discord, replicate
            finally:
                process.kill()
                await process.wait()


async def _start(
    contender: Contender, discord: DiscordStandIn, replicate: ReplicateStandIn, directory: Path
) -> asyncio.subprocess.Process:
    """Start the process; every ceiling of the bot's is counted, and none is reached."""
    environment = _environment(discord, replicate, directory) | ceilings("1000000")
    if contender is Contender.BARE:
        return await launch.start(environment, module="bench.bare")
    return await launch.start(environment, "run")


def _environment(discord: DiscordStandIn, replicate: ReplicateStandIn, directory: Path) -> dict[str, str]:
    return discord.environment() | {
        "REPLICATE_API_TOKEN": replicate.token,
        "REPLICATE_BASE_URL": replicate.base_url,
        "DATABASE_URL": f"sqlite:///{directory / 'bench.db'}",
        "LOG_LEVEL": "ERROR",
    }


def ceilings(value: str) -> dict[str, str]:
    """Settings that put every ceiling of the bot's here."""
    return {
        f"{subject}_{ceiling}": value
        for subject in ("USER", "SERVER", "BOT")
        for ceiling in ("REQUESTS_PER_MINUTE", "DOLLARS_PER_MONTH")
    }


def _answers_to(said: Message, sent: Sequence[Message]) -> list[Message]:
    """The bot's messages that answer this one: the one that refers to it, and those after it.

    Only for answers of one message each where several are under way in the channel.
    """
    return [message for message in sent if message.reference is said]


def _squeezed(text: str) -> str:
    """The text without white space, which splitting and Discord trim."""
    return "".join(text.split())
