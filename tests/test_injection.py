"""What people write never becomes the system text, whatever it is and whichever way it comes in.

The ways in are read from the code: every field of a request, of its options and of a message that holds text,
filled by its type, and every function that makes a prompt. A new one is covered, or fails here until it is.
tests/wire/test_injection.py does the same through Discord.
"""

import dataclasses
import inspect
import itertools
import re
import types
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from bot import prompts
from bot.domain import Command, File, Options, Prompt, Request, SummarizeOptions
from bot.models.inputs import build_input
from bot.models.registry import Registry
from bot.plans import Ask, Story, Summarize, Translate
from bot.reading import history
from bot.reading.transcript import Said, Transcript, transcript
from bot.run import Plan
from tests.support.discord_reads import UNKNOWN, WHOLE, below, reads
from tests.support.entrances import HOLDING, NOT_WRITTEN, PROMPTS, WRITTEN
from tests.support.hostile import CONTROL, MARK, hostile, obeyed, texts
from tests.support.running import ScriptedRun, model_with, request_for

CORPUS = texts()
REGISTRY = Registry.load()
MODELS = [REGISTRY.get(name) for name in REGISTRY.names()]
NOT_IN_FILES = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
"""What makes a file one that is no text, and refused."""
CODES = {"target": "fr", "source": "de"}
"""Options whose text is looked up and never used itself: what is not found is refused."""


def test_the_corpus_is_large_and_varied() -> None:
    assert len(set(CORPUS)) >= 100
    assert sum(bool(CONTROL.search(text)) for text in CORPUS) >= 40
    assert any(len(text) > 3000 for text in CORPUS)
    assert sum(not text.isascii() for text in CORPUS) >= 30
    assert all(MARK.search(hostile(text, 1)) for text in CORPUS)


def filled(kind: Any, words: Callable[[], str], known: dict[str, str] | None = None) -> Any:
    """A value of a type with hostile words wherever it holds text.

    Raises:
        TypeError: of a type that this knows nothing of.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return filled(next(each for each in inner if each is not types.NoneType), words, known)
    if origin is tuple:
        return (filled(inner[0], words, known),)
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        hints = typing.get_type_hints(kind)
        values = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
        return kind(
            **{name: (known or {}).get(name) or filled(each, words, known) for name, each in values.items()}
        )
    if inspect.isclass(kind) and issubclass(kind, Enum):
        return next(iter(kind))
    simple: dict[object, Callable[[], object]] = {
        str: words,
        int: lambda: 1,
        datetime: lambda: datetime(2026, 1, 1, tzinfo=UTC),
    }
    if kind not in simple:
        raise TypeError(f"nothing hostile is known for {kind}")
    return simple[kind]()


def numbered(text: str) -> Callable[[], str]:
    """The text, with another word each time."""
    numbers = itertools.count(1)
    return lambda: hostile(text, next(numbers))


async def nothing(file: File) -> bytes:
    raise AssertionError(f"{file} was asked for, and this request has none")


class Messages:
    """A channel in which every text is hostile."""

    def __init__(self, words: Callable[[], str]) -> None:
        self._words = words

    async def last(self, request: Request, count: int) -> Transcript:
        return transcript([filled(Said, self._words) for _ in range(count)])


def requests(text: str) -> Iterator[tuple[Plan, Request]]:
    """Every command with hostile words in every field of its request, and each with every source it takes."""
    words = numbered(text)

    async def attached(file: File) -> bytes:
        return NOT_IN_FILES.sub(" ", words()).encode()

    for options in typing.get_args(Options):
        name = options.__name__.removesuffix("Options").lower()
        request = request_for(Command(name), words(), filled(options, words, CODES))
        match request.command:
            case Command.ASK:
                yield Ask(nothing), request
                yield Ask(attached), dataclasses.replace(request, file=filled(File, words))
            case Command.STORY:
                yield Story(), request
            case Command.TRANSLATE:
                yield Translate(), request
            case Command.SUMMARIZE:
                plan = Summarize(attached, Messages(words))
                assert isinstance(request.options, SummarizeOptions)
                of_text = dataclasses.replace(request.options, messages=None)
                yield plan, dataclasses.replace(request, options=of_text)
                yield plan, dataclasses.replace(request, options=of_text, words="", file=filled(File, words))
                yield plan, dataclasses.replace(request, words="")
            case _:
                typing.assert_never(request.command)


async def prompts_of(text: str) -> list[Prompt]:
    """Every prompt that these requests become; the model's own words are as hostile as people's."""
    made: list[Prompt] = []
    for plan, request in requests(text):
        plan.check(request)
        run = ScriptedRun(request, model_with(200_000), lambda _: hostile(text, 999))
        await plan.run(run)
        made += run.completed + run.streamed
    return made


@pytest.mark.parametrize("number", range(len(CORPUS)))
async def test_no_text_becomes_the_system_text_of_any_model(number: int) -> None:
    made = await prompts_of(CORPUS[number])
    assert len(made) >= len(Command)
    for prompt in made:
        assert not MARK.search(prompt.system)
        for model in MODELS:
            assert obeyed(model, prompt) == set()
    read = {word for prompt in made for turn in prompt.turns for word in MARK.findall(turn.text)}
    assert len(read) > 2 * len(Command)


async def test_every_function_that_makes_a_prompt_is_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    makers = {
        name
        for name, function in inspect.getmembers(prompts, inspect.isfunction)
        if not name.startswith("_") and typing.get_type_hints(function).get("return") is Prompt
    }
    used: set[str] = set()

    def noted(name: str, maker: Callable[..., Prompt]) -> Callable[..., Prompt]:
        def make(*arguments: Any, **named: Any) -> Prompt:
            used.add(name)
            prompt = maker(*arguments, **named)
            assert not MARK.search(prompt.system)
            return prompt

        return make

    for name in makers:
        monkeypatch.setattr(prompts, name, noted(name, getattr(prompts, name)))
    for plan, request in requests("§"):
        await plan.run(ScriptedRun(request, model_with(16_000), lambda _: "§"))
    # One that is too long to be read at once: its notes are hostile as well.
    request = request_for(Command.SUMMARIZE, hostile("§ and so on. " * 300, 1), SummarizeOptions())
    await Summarize(nothing, Messages(numbered("§"))).run(
        ScriptedRun(request, model_with(3_000), lambda _: hostile("§", 2))
    )
    assert used == makers


def test_every_field_of_a_request_that_holds_text_is_filled() -> None:
    """Those named here are chosen or made by the bot; any other that comes is to be filled above."""
    hints = typing.get_type_hints(Request)
    held = {name for name, kind in hints.items() if kind is str or str in typing.get_args(kind)}
    assert held == {"words", "locale", "model"}
    assert {name for name, kind in hints.items() if name not in held} == {
        *("id", "command", "scope", "options", "visibility", "asked_at", "file")
    }


@pytest.mark.slow
def test_nothing_is_read_of_discord_that_is_not_declared() -> None:
    """What is declared as written is tried through Discord; what is read no more is declared no more."""
    read = {each.entrance for each in reads(below(*PROMPTS))}
    assert read == {*WRITTEN, *HOLDING, *NOT_WRITTEN}


NEW = {
    "def topic(message: discord.Message) -> str:\n"
    "    return str(message.guild and message.guild.description)": {
        ("Message", "guild"),
        ("Guild", "description"),
    },
    "def labels(message: discord.Message) -> list[str | None]:\n"
    "    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]\n"
    "    return [each.label for row in rows for each in row.children if isinstance(each, discord.Button)]": {
        ("ActionRow", "children"),
        ("Button", "label"),
    },
    "def parts(message: discord.Message) -> str:\n    return f'{message.components}'": {
        ("ActionRow", WHOLE),
    },
    "def asker(message: discord.Message) -> str:\n"
    "    return message.interaction_metadata.user.name if message.interaction_metadata else ''": {
        ("Message", "interaction_metadata"),
        ("MessageInteractionMetadata", "user"),
        ("User", "name"),
    },
    "def footer(message: discord.Message) -> list[str | None]:\n"
    "    return [(lambda one: one.footer.text)(embed) for embed in message.embeds]": {("Embed", "footer")},
    "def tags(messages: list[discord.Message]) -> str:\n"
    "    return ', '.join(map(str, messages)) + '%s' % messages[0].poll": {
        ("Message", WHOLE),
        ("Poll", WHOLE),
    },
    "def tag(message: discord.Message) -> str:\n    return f'{message.author}'": {
        ("User", WHOLE),
        ("Member", WHOLE),
    },
    "def nick(member: discord.Member) -> object:\n    return getattr(member, 'nick')": {("Member", "nick")},
    "def any_(member: discord.Member, what: str) -> object:\n    return getattr(member, what)": {
        ("Member", UNKNOWN)
    },
    "def about(place: object) -> str:\n"
    "    match place:\n"
    "        case discord.TextChannel(topic=str() as topic):\n"
    "            return topic\n"
    "    return ''": {("TextChannel", "topic")},
    "def untyped(message):\n    return message.system_content": {(UNKNOWN, "system_content")},
    "class Names:\n    async def of(self, thread: discord.Thread) -> str:\n        return thread.name": {
        ("Thread", "name")
    },
    "name_of = operator.attrgetter('name')": {(UNKNOWN, "operator.attrgetter")},
    "roles_of = lambda member: member.roles": {(UNKNOWN, "roles")},
}
"""Code that somebody could add, and what it reads that is declared nowhere."""


@pytest.mark.slow
def test_whatever_is_added_to_what_reads_messages_is_noticed() -> None:
    added = "\n\n\n".join(["import operator", *NEW])
    text = f"{Path(history.__file__).read_text(encoding='utf-8')}\n\n\n{added}\n"
    names = "import discord\n\ndef name(guild: discord.Guild) -> str:\n    return guild.name\n"
    changed = {
        "bot.reading.history": f"{text}\n\nfrom bot.names_of_places import name\n",
        "bot.names_of_places": names,
    }
    read = {each.entrance for each in reads(below(*PROMPTS), changed)}
    undeclared = read - {*WRITTEN, *HOLDING, *NOT_WRITTEN}
    for code, wanted in NEW.items():
        assert wanted <= undeclared, code
    assert ("Guild", "name") in undeclared


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_persona_is_the_admins_own_text_and_holds_no_token(model: Any) -> None:
    for text in CORPUS:
        voice = prompts.Voice("English", persona=hostile(text, 1))
        prompt = prompts.ask("Why?", voice, 100)
        fields = build_input(model, prompt)
        spoken = [fields.get(name) for name in ("prompt", model.system_field)]
        assert any("describe you so" in str(each) for each in [*spoken, fields])
        assert not any("to " in said for said in obeyed(model, prompt))
