"""How a bot bears more and more streams at once, from 1 to 400, and how many of them it sustains.

People read about as fast as the slower of the two models here writes: 3 tokens a second. The stand-ins share
the machine's processors with the bot, so what is sustained here is sustained with less than all of them. All
streams of a round write each of their tokens at one moment, as in `bench.streams`.

With few streams, when there is processor time for all, both bots have their rounds at the same time.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from bench.driving import Bench, Contender, driven
from bench.picture import Line, Panel, Scale, draw
from bench.processor import processor_seconds
from bench.search import highest
from bench.streams import pauses
from bench.table import Row

SLOW, FAST = 3, 30
"""Tokens a second of one stream."""
SECONDS = 10
"""Of text in each answer: two windows of Discord's rate limit."""
STREAMS = (1, 8, 20, 40, 100, 200, 400)
TOGETHER = 100
"""Streams up to which both bots have their rounds at the same time."""
LISTENING = 10.0
"""Seconds in which a bot opens its streams before any is written to; the bare bot opens a hundred at once."""
PATIENCE = 15.0
"""Seconds after the last token in which an answer still counts as complete."""
LONGEST_WAIT = 2.5
"""Seconds without anything new on a screen, from the first token on, that a sustained stream may have."""
CEILINGS = {SLOW: 6400, FAST: 3200}
"""Streams up to which it is tried how many are sustained."""
FIRST = {SLOW: 400, FAST: 400}
STEPS = 1
"""Tries between the highest doubling that held and the first that did not."""


@dataclass(frozen=True, slots=True)
class Round:
    """What was seen of so many streams at once; seconds."""

    streams: int
    complete: int
    pause: float
    """The longest between two changes of a message while its model wrote."""
    first: float
    """From the model's first token to the first text on the screen: the median."""
    slowest: float
    """The same of the slowest."""
    processor: float
    """Processor time a stream, from the command to the footer."""

    @property
    def is_sustained(self) -> bool:
        """Whether all went on without a long wait."""
        return self.complete == self.streams and max(self.pause, self.slowest) <= LONGEST_WAIT


async def measured(bench: Bench, streams: int, rate: int) -> Round:
    """Let so many streams come at once."""
    before = processor_seconds(bench.process.pid)
    bench.rate, bench.gate = rate, asyncio.Event()
    asked = bench.slash(streams, lambda _: SECONDS * rate)
    with suppress(TimeoutError):
        await bench.listening(asked, LISTENING)
    bench.gate.set()
    # Discord takes no more acknowledgements of the others.
    answered = [one for one in asked if one.acknowledged_at is not None]
    late = await bench.over(answered, SECONDS + PATIENCE)
    await asyncio.sleep(0.5)
    used = processor_seconds(bench.process.pid) - before
    ended = [one for one in answered if one not in late]
    first = [one.first_text_at - one.first_token_at for one in ended] or [float("inf")]
    return Round(
        streams,
        len(ended),
        max((pauses(one).within for one in ended), default=float("inf")),
        statistics.median(first),
        max(first),
        used / streams,
    )


@asynccontextmanager
async def warmed(contender: Contender) -> AsyncIterator[Bench]:
    """Start a bot and let it answer once: what is loaded and made with the first answer is nobody's share."""
    async with driven(contender) as bench:
        late = await bench.over(bench.slash(1, lambda _: SECONDS), SECONDS + PATIENCE)
        assert not late
        yield bench


async def grown(ours: Bench, bare: Bench) -> list[tuple[Round, Round]]:
    """Let both have a round of each number of streams."""
    rounds: list[tuple[Round, Round]] = []
    for streams in STREAMS:
        first = asyncio.create_task(measured(ours, streams, SLOW))
        if streams > TOGETHER:
            await first
        beside = await measured(bare, streams, SLOW)
        rounds.append((await first, beside))
    return rounds


async def sustained(rate: int, known: dict[int, Round]) -> Row:
    """Find the highest number of streams at a rate; what is known of a number is not tried again."""
    too_many: list[int] = []

    async def holds(streams: int) -> bool:
        if streams in known:
            seen = known[streams]
        else:
            # Each in a process of its own: where they were too many, some go on for long.
            async with warmed(Contender.PARLANCE) as bench:
                seen = await measured(bench, streams, rate)
        if not seen.is_sustained:
            too_many.append(streams)
        return seen.is_sustained

    streams = await highest(holds, FIRST[rate], CEILINGS[rate], STEPS)
    more = f"{min(too_many):,} were too many" if too_many else "more were not tried"
    note = f"no wait over {LONGEST_WAIT} s; stand-ins on the same two cores; {more}"
    return Row(f"streams of {rate} tokens/s that the bot sustains", streams, "streams", None, note=note)


def table_of(who: Contender, rounds: Sequence[Round]) -> list[Row]:
    """The rows of the most streams, with the others in their notes; only the bot's are held to a bar."""
    most = rounds[-1]
    held = who is Contender.PARLANCE
    name = f"{who.value}, {most.streams} streams of {SLOW} tokens/s"

    def row(what: str, values: list[float], unit: str, bar: float | None = None) -> Row:
        fewer = ", ".join(f"{value:.3g}" for value in values[:-1])
        note = f"at {', '.join(str(one.streams) for one in rounds[:-1])}: {fewer}"
        return Row(f"{name}: {what}", values[-1], unit, bar if held else None, note=note)

    complete = row("complete", [one.complete for one in rounds], "answers", most.streams)
    return [
        Row(complete.name, complete.value, complete.unit, complete.bar, at_most=False, note=complete.note),
        row("longest pause", [one.pause for one in rounds], "s", LONGEST_WAIT),
        row("first text, median", [1000 * one.first for one in rounds], "ms"),
        row("processor time a stream", [1000 * one.processor for one in rounds], "ms"),
    ]


def panels(ours: Sequence[Round], bare: Sequence[Round]) -> list[Panel]:
    """What the picture shows of them."""
    both = ((Contender.PARLANCE, ours), (Contender.BARE, bare))

    def panel(title: str, unit: str, value: Callable[[Round], float], scale: Scale = Scale.EVEN) -> Panel:
        lines = [Line(who.value, [(one.streams, value(one)) for one in rounds]) for who, rounds in both]
        return Panel(title, unit, lines, scale)

    return [
        panel("Processor time a stream", "ms", lambda one: 1000 * one.processor),
        panel("Longest pause", "s", lambda one: one.pause),
        panel("First text, median", "s", lambda one: one.first, Scale.BY_TENS),
    ]


async def rows() -> list[Row]:
    """Let both grow, draw how, and see how far the bot goes."""
    async with warmed(Contender.PARLANCE) as bench, warmed(Contender.BARE) as beside:
        rounds = await grown(bench, beside)
        refused = Row("all streams of the bot: answered 429", len(bench.discord.breaches), "requests", 0)
    ours, bare = [one for one, _ in rounds], [other for _, other in rounds]
    draw(panels(ours, bare))
    return [
        *table_of(Contender.PARLANCE, ours),
        *table_of(Contender.BARE, bare),
        refused,
        await sustained(SLOW, {one.streams: one for one in ours}),
        await sustained(FAST, {}),
    ]
