"""/summarize: a text, a file or the last messages of a channel, of any length.

What a model can read at once is summarised at once. Longer sources are cut into parts that fit; notes are
taken of each, and of the notes again while they are too long; the last call sees notes of everything. Nothing
is left out on the way.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot import prompts
from bot.domain import Prompt, Request, SummarizeOptions, Tokens
from bot.errors import BadRequest
from bot.i18n import N_
from bot.offloading import offload
from bot.plans.words import longest_answer, options_of, require_words, thoughtful
from bot.reading.files import Download, read_file
from bot.reading.parts import LOOKS, Fits, cutting
from bot.reading.transcript import Transcript
from bot.run import Run

MOST_MESSAGES = 500
"""Messages that are read at once."""
MOST_PARTS = 256
"""Parts of one source: about what a text of a megabyte is for a model of 8,192 tokens."""
AT_ONCE = 4
"""Parts that are read at the same time."""
NOTE_TOKENS = 400
"""Tokens of notes of one part, at most."""
NOTE_SHARE = 16
"""Notes take at most this fraction of the model's context, so that many of them fit into one call."""

NOTES_GROWTH = 2
"""Notes are read again with a bound of about this many times the tokens that they were written with."""

ONE_SOURCE = N_("Give me one thing to summarize: a text, a file, or how many of the last messages here.")
BOUNDS = N_("I can read the last 1 to {most} messages. Choose a number in between.")
NO_TEXT = N_("There is nothing to read in this text. Please give me one with words in it.")
READING_FILE = N_("Reading the file…")
READING_MESSAGES = N_("Reading {count} messages…")
READING_PARTS = N_("Reading in parts: {done} of {total} done…")
COMBINING = N_("Putting the parts together…")
TOO_MANY_PARTS = N_(
    "{model} would have to read this in {total} parts, and I read at most {most}. "
    "Give me a shorter text, or ask for fewer messages."
)
NO_ROOM = N_("{model} reads too little at once for a summary. Please tell the person who runs this bot.")


class Channel(Protocol):
    """Where messages are read."""

    async def last(self, request: Request, count: int) -> Transcript:
        """The last ``count`` messages of the place that a request comes from.

        Raises:
            BadRequest: they may not be read.
        """


@dataclass(frozen=True, slots=True)
class Source:
    """What is summarised, and where its items begin."""

    text: str
    joints: tuple[int, ...] = ()


class Summarize:
    """Summarises one source."""

    def __init__(self, download: Download, channel: Channel) -> None:
        self._download = download
        self._channel = channel

    def check(self, request: Request) -> None:
        """See that there is exactly one source.

        Raises:
            BadRequest: there is none, or more than one, or the number of messages is out of bounds.
        """
        count = options_of(request, SummarizeOptions).messages
        given = (request.words != "") + (request.file is not None) + (count is not None)
        if given != 1:
            raise BadRequest(ONE_SOURCE)
        if request.words:
            require_words(request.words, NO_TEXT)
        if count is not None and not 1 <= count <= MOST_MESSAGES:
            raise BadRequest(BOUNDS, most=MOST_MESSAGES)

    async def run(self, run: Run) -> None:
        """Read the source and summarise it."""
        style = options_of(run.request, SummarizeOptions).style
        source = await self._source(run)
        longest = longest_answer(run)

        def whole() -> Prompt | None:
            prompt = thoughtful(run, prompts.summarize(source.text, style, run.voice, longest))
            return prompt if run.fits(prompt) else None

        def combined() -> Prompt | None:
            prompt = thoughtful(run, prompts.combine(source.text, style, run.voice, longest))
            return prompt if run.fits(prompt) else None

        length = len(source.text)
        prompt = await offload(length, whole)
        while prompt is None:
            source = await _notes(run, source)
            if len(source.text) >= length:
                raise BadRequest(NO_ROOM, model=run.model.name)
            length = len(source.text)
            await run.status(COMBINING)
            prompt = await offload(length, combined)
        await run.stream(prompt)

    async def _source(self, run: Run) -> Source:
        request = run.request
        count = options_of(request, SummarizeOptions).messages
        if count is not None:
            await run.status(READING_MESSAGES, count=count)
            read = await self._channel.last(request, count)
            run.note(messages=read.count)
            await run.status(READING_MESSAGES, count=read.count)
            return Source(read.text, read.joints)
        if request.file is not None:
            await run.status(READING_FILE)
            text = await read_file(request.file, self._download)
            run.note(file_characters=len(text))
            return Source(text)
        return Source(request.words)


async def _notes(run: Run, source: Source) -> Source:
    """Notes of every part of a source, in its order; each part's notes are one item."""
    tokens = max(1, min(NOTE_TOKENS, longest_answer(run), run.model.context // NOTE_SHARE))

    def prompt(part: str) -> Prompt:
        return thoughtful(run, prompts.summarize_part(part, run.voice.language, tokens))

    def fits(part: str) -> bool:
        return run.fits(prompt(part))

    try:
        parts = await _cut(source.text, fits, source.joints)
    except ValueError as error:
        raise BadRequest(NO_ROOM, model=run.model.name) from error
    if len(parts) > MOST_PARTS:
        raise BadRequest(TOO_MANY_PARTS, model=run.model.name, total=len(parts), most=MOST_PARTS)
    run.note(parts=len(parts))
    # Made once: what is counted of a prompt is kept as long as that is.
    asked = await offload(len(source.text), lambda: [prompt(part) for part in parts])
    await run.reserve(asked, _reading_again(run, len(asked) * tokens))
    done = 0
    await run.status(READING_PARTS, done=done, total=len(parts))
    gate = asyncio.Semaphore(AT_ONCE)

    async def take(asking: Prompt) -> str:
        nonlocal done
        async with gate:
            taken = await run.complete(asking)
        done += 1
        await run.status(READING_PARTS, done=done, total=len(asked))
        return taken.strip() + "\n\n"

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(take(asking)) for asking in asked]
    except ExceptionGroup as failures:
        # The first failure ended the others; it alone is what the person is told.
        raise failures.exceptions[0] from failures
    return _joined([task.result() for task in tasks])


async def _cut(text: str, fits: Fits, joints: Sequence[int]) -> list[str]:
    """The parts of a text, each looked for by itself: so that others' texts have their turns between.

    Raises:
        ValueError: not even one character fits.
    """
    cuts = cutting(text, fits, joints)
    parts: list[str] = []
    while (part := await offload(LOOKS * len(text), lambda: next(cuts, None))) is not None:
        parts.append(part)
    return parts


def _reading_again(run: Run, notes: int) -> Tokens:
    """About what the call takes that reads notes of so many tokens."""
    longest = longest_answer(run)
    return Tokens(min(NOTES_GROWTH * notes, max(0, run.model.context - longest)), longest)


def _joined(notes: list[str]) -> Source:
    joints: list[int] = []
    offset = 0
    for one in notes:
        joints.append(offset)
        offset += len(one)
    return Source("".join(notes), tuple(joints))
