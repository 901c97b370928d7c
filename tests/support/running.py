"""A run without a reply: plans meet a scripted model, and what they do is kept."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.domain import (
    AskOptions,
    Command,
    File,
    Model,
    Options,
    Policy,
    Prompt,
    ProviderName,
    Request,
    Scope,
    Surroundings,
    Tokens,
    Visibility,
)
from bot.i18n import language
from bot.models.tokens import prompt_bound
from bot.run import Run

Answer = Callable[[Prompt], str]


def request_for(
    command: Command = Command.ASK,
    words: str = "",
    options: Options | None = None,
    file: File | None = None,
) -> Request:
    return Request(
        id=1,
        command=command,
        scope=Scope(Surroundings.GUILD, 1, 2, 3),
        words=words,
        options=options or AskOptions(),
        locale="en-US",
        visibility=Visibility.PUBLIC,
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
        file=file,
    )


def model_with(context: int, *, max_output: int = 2048, reasons: bool = False, min_output: int = 1) -> Model:
    return Model(
        "test/model",
        ProviderName.REPLICATE,
        context,
        max_output,
        "max_tokens",
        reasons=reasons,
        min_output=min_output,
    )


class ScriptedRun(Run):
    """What a plan works with; every answer is ``answer`` of its prompt."""

    def __init__(self, request: Request, model: Model, answer: Answer, longest_answer: int = 2048) -> None:
        self.request = request
        self.model = model
        self.policy = Policy(model.name, longest_answer)
        self.language = language(request.locale)
        self.facts = {}
        self.completed: list[Prompt] = []
        self.streamed: list[Prompt] = []
        self.ends_with: list[Prompt] = []
        """The calls after which the answer was said to be whole."""
        self.reserved: list[Prompt] = []
        self.statuses: list[str] = []
        self.written = ""
        self._answer = answer

    async def status(self, message: str, **fields: object) -> None:
        self.statuses.append(self.language.say(message, **fields))

    def room(self, prompt: Prompt) -> int:
        return self.model.context - prompt_bound(self.model, prompt).total

    async def reserve(self, prompts: Sequence[Prompt], more: Tokens) -> None:
        assert more.input + more.output <= self.model.context
        self.reserved += prompts

    async def complete(self, prompt: Prompt) -> str:
        assert self.fits(prompt)
        assert prompt in self.reserved
        self.completed.append(prompt)
        await asyncio.sleep(0)
        return self._answer(prompt)

    async def stream(self, prompt: Prompt, *, last: bool = True) -> str:
        assert self.fits(prompt)
        self.streamed.append(prompt)
        if last:
            self.ends_with.append(prompt)
        text = self._answer(prompt)
        self.written += text
        return text

    def write(self, text: str) -> None:
        self.written += text
