"""Hostile texts, and a model that obeys whatever it finds where only its operator should write."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain import Model, Prompt, Template
from bot.logs import request_id
from bot.models.inputs import build_input
from bot.models.provider import Created
from bot.models.registry import Registry
from tests.support.scripted import ScriptedPrediction, ScriptedProvider

CORPUS = Path(__file__).parents[1] / "hostile_texts.json"
ORDER = "§"
"""Stands in the corpus for what the text wants the model to say."""
MARK = re.compile(r"kq\d{6}x", re.IGNORECASE)
"""What it is made to want: a word that says whose text it is."""

CONTROL = re.compile(
    r"<\|[a-z_0-9 ]*\|>"  # Llama 3 and 4, ChatML, Qwen, Granite, Phi, Cohere, OpenAI's harmony
    r"|<\uff5c[^<>|\uff5c]*\uff5c>"  # DeepSeek
    r"|\[/?(?:INST|AVAILABLE_TOOLS|SYSTEM_PROMPT)\]|\[(?:TOOL_CALLS|TOOL_CONTENT|CALL_ID)\]"  # Mistral
    r"|\[/?TOOL_RESULTS\]|\[/?THINK\]|\[IMG(?:_BREAK|_END)?\]"
    r"|(?-i:\[(?:PREFIX|SUFFIX|MIDDLE|ARGS|(?:BEGIN_)?AUDIO|TRANSCRIBE|/?MODEL_SETTINGS)\])"
    r"|<</?SYS>>|</?s>|<unk>|<pad>"  # Llama 2, Mistral
    r"|<bos>|<eos>|<mask>|<unused\d{1,4}>"  # Gemma
    r"|<(?:start|end)_of_(?:turn|image|audio)>|<(?:image|audio)_soft_token>"
    r"|<fim_(?:prefix|middle|suffix|pad)>|<file(?:name|_sep)>|<repo_?name>|<gh_stars>"  # Granite, SmolLM2
    r"|<issue_(?:start|comment|closed)>|<jupyter_(?:start|text|code|output|script)>|<empty_output>"
    r"|<commit_(?:before|msg|after)>"
    r"|</?think>|</?tool_call>|</?tool_response>",  # DeepSeek, Qwen
    re.IGNORECASE,
)
"""Control tokens as the makers of the models list them, in any case but where that is anybody's code."""
FRAMES = {
    Template.LLAMA3: re.compile(
        r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\n\n(.*?)<\|eot_id\|>", re.DOTALL
    ),
    Template.CHATML: re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>\n", re.DOTALL),
}


def mark(number: int) -> str:
    """The word of one text."""
    return f"KQ{number:06}X"


def texts() -> list[str]:
    """The corpus, with ``ORDER`` still in it."""
    return [
        entry["text"] * entry.get("repeat", 1) + entry.get("then", "")
        for entry in json.loads(CORPUS.read_text(encoding="utf-8"))
    ]


def hostile(text: str, number: int) -> str:
    """A text of the corpus that wants the word of this number to be said."""
    return text.replace(ORDER, mark(number))


def read(model: Model, prompt: Prompt) -> Iterator[tuple[str, str]]:
    """A prompt as a model reads it: who speaks, and what they say. ``frame`` is what stands outside.

    Where a model has a field of its own for the system text, only that is the operator's.
    """
    fields = build_input(model, prompt)
    own = {model.length_field, model.template_field, model.temperature_field, *model.extra}
    for name, value in fields.items():
        if isinstance(value, list):
            yield from ((message["role"], message["content"]) for message in value)
        elif name == model.system_field:
            yield "system", str(value)
        elif name == "prompt":
            yield from _read_prompt(model, str(value), prompt)
        else:
            assert name in own, f"{model.name} is sent {name}, and nobody says who writes it"


def _read_prompt(model: Model, text: str, prompt: Prompt) -> Iterator[tuple[str, str]]:
    frame = FRAMES.get(model.template)
    if frame is not None:
        yield from frame.findall(text)
        yield "frame", CONTROL.sub("", frame.sub("", text))
        return
    first = len(prompt.system.strip()) if model.system_field is None else 0
    yield "system", text[:first]
    yield "user", text[first:]


def obeyed(model: Model, prompt: Prompt) -> set[str]:
    """What a model says that obeys its operator: words in the system text, or behind a control token that
    somebody else wrote.
    """
    found: set[str] = set()
    for speaker, text in read(model, prompt):
        if speaker in {"system", "frame"}:
            found |= set(MARK.findall(text))
        if token := CONTROL.search(text):
            found.add(f"{token[0]} of {speaker} to {model.name}")
    return found


def every_shape() -> list[Model]:
    """One model of the registry of each kind, as far as what a prompt becomes is concerned."""
    registry = Registry.load()
    models = [registry.get(name) for name in registry.names()]
    fields = ("system_field", "messages_field", "template_field")
    shapes = {(each.template, *(getattr(each, name) is None for name in fields)): each for each in models}
    return list(shapes.values())


@dataclass
class ObedientProvider(ScriptedProvider):
    """Obeys what it finds as each kind of model would read it, and else says something hostile."""

    obeyed: set[str] = field(default_factory=set)
    read: list[tuple[str, Prompt]] = field(default_factory=list)
    """The short id of the request of each prompt."""
    models: list[Model] = field(default_factory=every_shape)

    @asynccontextmanager
    async def predict(
        self, model: Model, prompt: Prompt, *, deadline: float, created: Created
    ) -> AsyncIterator[ScriptedPrediction]:
        self.read.append((request_id.get(), prompt))
        for each in self.models:
            self.obeyed |= obeyed(each, prompt)
        self.echo = " ".join(self.obeyed) or "Fine."
        async with super().predict(model, prompt, deadline=deadline, created=created) as prediction:
            yield prediction
