"""How an answer comes to the screen while its model writes: the first text, the pauses, the last text.

Each stream writes 30 tokens a second and answers an interaction of its own, so it has a bucket of its own of
five requests in five seconds. One answer of each round is long enough for two messages at least.

All streams of a round write their first token at one moment, and every later one too. Left to themselves they
would start as far apart as the bot happened to create them, so that a bot which is slow at the start would be
measured under a lighter load than one that is not.
"""

import asyncio
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.driving import RATE, Asked, Bench, Contender, driven
from bench.table import Row

LONG, SHORT = 640, 130
"""Tokens: two messages, and one."""
ALONE = 5
"""How often one stream is measured: once long, then short."""
STREAMS = (1, 8, 20, 40)
BESIDE = 20
"""Streams of the bare bot."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """The longest pauses of an answer between visible changes while its model wrote, in seconds."""

    within: float
    """Between two changes of one message."""
    across: float
    """From a message's last change while it was the newest to the first of the next."""


def pauses(asked: Asked) -> Pauses:
    """Read an answer's pauses; the last ends with the last token."""
    changes = asked.changes()
    within, across = 0.0, 0.0
    for before, after in itertools.pairwise(changes):
        if before.at >= asked.last_token_at:
            break
        pause = min(after.at, asked.last_token_at) - before.at
        if after.place > before.place:
            across = max(across, pause)
        else:
            within = max(within, pause)
    return Pauses(within, across)


async def measured(bench: Bench, streams: int) -> list[Asked]:
    """The answers of one round: so many streams at once, or one after the other where it is one."""
    answers: list[Asked] = []
    for turn in range(ALONE if streams == 1 else 1):
        tokens = SHORT if turn else LONG
        bench.gate = asyncio.Event()
        asked = bench.slash(streams, partial(_length, tokens))
        await bench.listening(asked)
        bench.gate.set()
        late = await bench.over(asked, timeout=tokens / RATE + 60)
        assert not late, f"{len(late)} of {streams} answers did not end"
        answers += asked
        await asyncio.sleep(0.5)
    return answers


def _length(tokens: int, index: int) -> int:
    """Tokens of one answer: the answers of a round do not all end at one moment."""
    return tokens + 7 * index


def table_of(who: Contender, streams: int, answers: Sequence[Asked]) -> list[Row]:
    """The rows of one round; only the bot's are held to a bar."""
    held = who is Contender.PARLANCE

    def row(what: str, value: float, unit: str, bar: float | None) -> Row:
        name = f"{who.value}, {streams} stream{'s' if streams > 1 else ''}: {what}"
        return Row(name, value, unit, bar if held else None, note=f"{len(answers)} answers")

    first = [1000 * (one.first_text_at - one.first_token_at) for one in answers]
    last = [1000 * ((one.completed_at or float("nan")) - one.last_token_at) for one in answers]
    longest = [pauses(one) for one in answers]
    return [
        row("first text, median", statistics.median(first), "ms", 50 if streams <= 20 else None),
        row("first text, worst", max(first), "ms", 250 if streams <= 20 else None),
        row("longest pause in a message", max(pause.within for pause in longest), "s", 1.3),
        row("longest pause across a split", max(pause.across for pause in longest), "s", 2.8),
        row("last text, median", statistics.median(last), "ms", 100),
        row("last text, worst", max(last), "ms", 1300),
    ]


async def rows() -> list[Row]:
    """Measure the bot at every number of streams, and the bare bot beside it at one."""
    table: list[Row] = []
    async with driven(Contender.PARLANCE) as bench:
        for streams in STREAMS:
            table += table_of(bench.contender, streams, await measured(bench, streams))
        assert not bench.discord.breaches
    async with driven(Contender.BARE) as bench:
        table += table_of(bench.contender, BESIDE, await measured(bench, BESIDE))
    return table
