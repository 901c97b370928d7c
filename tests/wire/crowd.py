"""Many people who ask at once, while something is wrong, and what becomes of each of them.

The bot is a process of its own. With SOAK in the environment the crowds are large (``make soak``); otherwise
they are a sample of the same.
"""

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from bot.ids import short
from tests.support.databases import Database
from tests.support.patience import PATIENCE
from tests.wire.discord import Acknowledged, DiscordStandIn, Interaction, Message
from tests.wire.kills import plain
from tests.wire.process import Running, clean

IN_FULL = "SOAK" in os.environ
SIZE = 200 if IN_FULL else 12
"""People in a crowd."""
WORDS = "the sea is wide and the boat is small"
MARKS = ("sea", "wide", "boat", "small")
"""Words of the answer that are in no sentence of the bot's own, and in the answer once."""
FOOTER = re.compile(r"^-# .*llama-3-(70|8)b-instruct · .* s$", re.MULTILINE)
SHORT_ID = re.compile(r"\(([0-9A-HJKMNP-TV-Z]{8})\)")
"""Ends every sentence that is said instead of an answer."""
STOPPED = "Stopped."
"""Is said to whoever stopped their answer."""
TOO_LATE = 4.0
"""Seconds after which Discord takes no first response any more, and a little."""
LOOKS = 0.1
"""Seconds between two looks at the database."""
OWN_LOGGERS = ("bot.answer", "bot.replies", "bot.models")
NO_CEILINGS: dict[str, Any] = {
    f"{subject}_{ceiling}": ""
    for subject in ("USER", "SERVER", "BOT")
    for ceiling in ("REQUESTS_PER_MINUTE", "DOLLARS_PER_MONTH")
}
"""Settings under which nobody is refused for asking too much."""


class End(Enum):
    """What a person was left with."""

    OPEN = "nothing yet"
    WHOLE = "the whole answer"
    SENTENCE = "a sentence that says why there is none, or no more"
    UNHEARD = "Discord took no first response, so nothing could be said"
    REPEATED = "the answer, or a part of it, more than once"


@dataclass(eq=False)
class Asked:
    """One person's question."""

    find: Callable[[], Sequence[Message]]
    interaction: Interaction | None = field(default=None, repr=False)
    at: float = field(default_factory=time.perf_counter)

    @property
    def text(self) -> str:
        return "\n".join(message.content for message in self.find())

    @property
    def answer(self) -> str:
        """What all its messages say between the question above and the small print below."""
        return "\n".join(plain(message.content) for message in self.find())

    @property
    def end(self) -> End:
        text, answer = self.text, self.answer
        footers = FOOTER.findall(text)
        if len(footers) > 1 or any(answer.count(mark) > 1 for mark in MARKS):
            return End.REPEATED
        if SHORT_ID.search(text) or STOPPED in text:
            return End.SENTENCE
        if footers and answer.split() == WORDS.split():
            return End.WHOLE
        unheard = self.interaction is not None and self.interaction.acknowledged is Acknowledged.NOT
        return End.UNHEARD if unheard and time.perf_counter() - self.at > TOO_LATE else End.OPEN


@dataclass
class Crowd:
    """Those who ask, and the bot that they ask."""

    discord: DiscordStandIn = field(repr=False)
    bot: Running
    database: Database
    log: Path
    asked: list[Asked] = field(default_factory=list, repr=False)

    def ask(self, count: int = SIZE) -> list[Asked]:
        """Let as many people ask at once: two of three with a command, one in a direct message."""
        return [self.write() if index % 3 == 2 else self.command() for index in range(count)]

    async def ends(self, asked: Sequence[Asked], timeout: float = 2 * PATIENCE) -> Counter[End]:
        """Wait until nobody waits any more; how many were left with what.

        Raises:
            AssertionError: somebody waits on.
        """
        # Who can be told nothing any more is known by the time alone.
        asyncio.get_running_loop().call_later(TOO_LATE + 0.1, self.discord._notify)
        left = list(asked)

        def nobody_waits() -> bool:
            # Asked at every request: to look at everybody each time would take the stand-ins' time.
            while left and left[-1].end is not End.OPEN:
                left.pop()
            return not left

        with suppress(TimeoutError):
            await self.discord.wait_for(nobody_waits, timeout)
        waiting = [one.text for one in left if one.end is End.OPEN]
        assert not waiting, f"{len(waiting)} of {len(asked)} wait on: {waiting[:3]}; {self.discord.story()}"
        return Counter(one.end for one in asked)

    async def is_whole_again(self, timeout: float = PATIENCE) -> None:
        """See that the next ones to ask get their whole answers."""
        assert await self.ends(self.ask(3), timeout) == {End.WHOLE: 3}

    async def is_on_record(self, timeout: float = PATIENCE) -> None:
        """Wait until the database has every request that was asked, and how it ended."""
        async with asyncio.timeout(timeout):
            while await self._on_record() < len(self.asked):  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(LOOKS)
        assert await self._on_record() == len(self.asked)

    async def leave(self) -> None:
        """End the bot, and see that every request is on record exactly once, and in the log by its id."""
        assert await self.bot.end() == 0
        rows = await self.database.select("SELECT id, ending FROM usage")
        assert None not in {ending for _, ending in rows}
        on_record = Counter(short(int(str(id_))) for id_, _ in rows)
        said = Counter(found for one in self.asked for found in set(SHORT_ID.findall(one.text)))
        assert said <= on_record, said - on_record
        unheard = sum(one.end is End.UNHEARD for one in self.asked)
        assert len(self.asked) - unheard <= len(rows) <= len(self.asked)
        for line in self.lines():
            if line["logger"].startswith(OWN_LOGGERS):
                assert line.get("request") in on_record, line
        see_that_nothing_is_said_twice(self.discord, self.asked)

    async def _on_record(self) -> int:
        ((count,),) = await self.database.select("SELECT COUNT(ending) FROM usage")
        return int(str(count))

    def lines(self) -> Iterator[dict[str, Any]]:
        """The entries of the bot's log."""
        for line in self.log.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)

    def command(self, name: str = "ask", **options: object) -> Asked:
        """Let somebody use a command."""
        person = self.discord.add_user(f"person{len(self.asked)}", self.discord.guild)
        interaction = self.discord.slash(person, self.discord.channel, name, options or {"question": "why?"})
        return self._note(Asked(lambda: interaction.messages, interaction))

    def write(self) -> Asked:
        """Let somebody write a direct message."""
        person = self.discord.add_user(f"person{len(self.asked)}", self.discord.guild)
        said = self.discord.dm(person, "why?")
        return self._note(Asked(lambda: self.discord.sent(said.channel)))

    def _note(self, asked: Asked) -> Asked:
        self.asked.append(asked)
        return asked


def see_that_nothing_is_said_twice(discord: DiscordStandIn, asked: Sequence[Asked]) -> None:
    """See that no answer stands twice by now, with those who asked or anywhere else."""
    repeated = [one.text for one in asked if one.end is End.REPEATED]
    assert not repeated, f"{len(repeated)} of {len(asked)} were answered twice: {repeated[:3]}"
    theirs = {message.id for one in asked for message in one.find()}
    elsewhere = [
        message.content
        for channel in discord.world.channels.values()
        for message in discord.sent(channel)
        if message.deleted is None and message.id not in theirs
    ]
    assert not any(mark in plain(content) for content in elsewhere for mark in MARKS), elsewhere


@contextmanager
def log_of(folder: Path) -> Iterator[tuple[Path, int]]:
    """A file for a bot's log, and what a process writes it with: a pipe nobody reads would fill up.

    Raises:
        AssertionError: a secret stands in it at the end.
    """
    path = folder / "bot.log"
    with path.open("w", encoding="utf-8") as file:
        try:
            yield path, file.fileno()
        finally:
            # Line by line: an hour's log is long, and one line tells enough.
            with path.open(encoding="utf-8") as written:
                for line in written:
                    clean(line)
