"""Whenever and however an answer is left early, its prediction is cancelled upstream."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from bot.domain import Model
from bot.models.prediction import Timing
from bot.models.replicate import ReplicateProvider
from tests.models.conftest import Asked, question
from tests.support.patience import PATIENCE
from tests.wire.discord_log import Phase
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate import Run as StandInRun
from tests.wire.replicate_script import Operation, Refusal, Script, StreamFault

TOKENS = ("The ", "sea ", "is ", "wide.")


def forever() -> asyncio.Event:
    """An event that nobody sets."""
    return asyncio.Event()


async def until(met: Callable[[], bool]) -> None:
    """Let the loop run until a condition is met."""
    async with asyncio.timeout(PATIENCE):
        while not met():  # noqa: ASYNC110 - the condition lies in the stand-in's state, not in an event
            await asyncio.sleep(0)


async def cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_during_create(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.script(Script(TOKENS, create_gate=gate, end_gate=forever()))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await replicate.created.wait()
    task.cancel()
    await until(lambda: task.cancelling() > 0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert replicate.last.cancels == 1
    assert not replicate.left_running()
    # It counts with what it used.
    assert asked.ids == [replicate.last.id]


async def test_cancelled_twice_during_create(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.script(Script(TOKENS, create_gate=gate, end_gate=forever()))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await replicate.created.wait()
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await cancelled(task)
    gate.set()
    await until(lambda: not replicate.left_running())


async def test_a_create_that_answers_late_is_cancelled_before_closing_ends(
    replicate: ReplicateStandIn, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    provider = ReplicateProvider(
        replicate.token, base_url=replicate.base_url, timing=Timing(cancel_within=0.05, first_poll=0.001)
    )
    replicate.script(Script(TOKENS, create_gate=gate, end_gate=forever()))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await replicate.created.wait()
    await cancelled(task)
    assert replicate.left_running()
    gate.set()
    await until(lambda: not replicate.left_running())
    await provider.close()


async def test_cancelled_while_waiting_to_create_again(
    replicate: ReplicateStandIn, model: Model, asked: Asked
) -> None:
    provider = ReplicateProvider(replicate.token, base_url=replicate.base_url)
    replicate.refuse(Operation.CREATE, Refusal(429, {"retry_after": 30}))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await until(lambda: bool(replicate.creations))
    await cancelled(task)
    assert not replicate.runs
    await provider.close()


async def test_a_refused_create_that_is_left_leaves_nothing(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.refuse(Operation.CREATE, Refusal(500, gate=gate))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await until(lambda: bool(replicate.creations))
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not replicate.runs


MOMENTS: dict[str, tuple[Script, Callable[[StandInRun, Asked], bool]]] = {
    "before the first token": (Script(TOKENS, gate=forever()), lambda run, _: run.streams == 1),
    "in the stream": (
        Script(TOKENS, gates={2: forever()}),
        lambda _, asked: asked.shown == "".join(TOKENS[:2]),
    ),
    "before the end": (Script(TOKENS, end_gate=forever()), lambda _, asked: asked.shown == "".join(TOKENS)),
    "while the record is polled": (
        Script(TOKENS, end_gate=forever(), fault=StreamFault.TIDY_END, fault_after=1),
        lambda run, asked: run.gets > 2 and asked.shown == "".join(TOKENS),
    ),
    "in a stalled stream": (
        Script(TOKENS, end_gate=forever(), fault=StreamFault.STALL, fault_after=1),
        lambda _, asked: len(asked.pieces) == 1,
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_cancelled_task(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, moment: str
) -> None:
    script, reached = MOMENTS[moment]
    replicate.script(script)
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await replicate.created.wait()
    await until(lambda: reached(replicate.last, asked))
    await cancelled(task)
    assert replicate.last.cancels == 1
    assert not replicate.left_running()


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_cancelled_after_any_number_of_turns_of_the_loop(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, turns: int
) -> None:
    replicate.script(Script(TOKENS, gates={3: forever()}))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    for _ in range(turns):
        await asyncio.sleep(0)
    await cancelled(task)
    await until(lambda: not replicate.left_running())


async def cut(_operation: Operation, phase: Phase, _input: object) -> bool:
    """Take what is asked for, and lose the answer."""
    return phase is Phase.BEFORE


async def test_cancelled_while_the_answer_to_its_create_is_lost_it_is_told_that_there_may_be_one(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.script(Script(TOKENS, create_gate=gate))
    replicate.meet = cut
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await replicate.created.wait()
    task.cancel()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait({task})
    assert task.cancelled()
    assert asked.ids == [None]


async def test_one_that_is_passed_on_runs_on(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.script(Script(TOKENS, gate=gate))
    async with provider.predict(model, question(), deadline=60, created=asked.created) as run:
        run.pass_on()
    assert replicate.left_running()
    assert replicate.last.cancels == 0
    gate.set()
    await until(lambda: not replicate.left_running())


@pytest.mark.parametrize("way", ["break", "error", "return"])
async def test_left_in_the_stream(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, way: str
) -> None:
    replicate.script(Script(TOKENS, gates={1: forever()}))

    async def ask() -> None:
        async with provider.predict(model, question(), deadline=60, created=asked.created) as run:
            async for piece in run.pieces():
                asked.pieces.append(piece)
                match way:
                    case "break":
                        break
                    case "error":
                        raise LookupError
                    case _:
                        return

    with contextlib.suppress(LookupError):
        await ask()
    assert asked.pieces == ["The "]
    assert replicate.last.cancels == 1
    assert not replicate.left_running()


async def test_left_without_a_look(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(TOKENS, gate=forever()))
    async with provider.predict(model, question(), deadline=60, created=asked.created):
        pass
    assert not replicate.left_running()


async def test_an_id_that_cannot_be_kept_cancels(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    async def created(_: str | None) -> None:
        raise LookupError

    replicate.script(Script(TOKENS, gate=forever()))
    with pytest.raises(LookupError):
        async with provider.predict(model, question(), deadline=60, created=created):
            pytest.fail("it was entered")
    assert replicate.last.cancels == 1


@pytest.mark.parametrize("refusal", [Refusal(500), Refusal(429), Refusal(reset=True)])
async def test_a_cancel_that_fails_is_tried_again(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, refusal: Refusal
) -> None:
    replicate.script(Script(TOKENS, gate=forever()))
    replicate.refuse(Operation.CANCEL, refusal, times=2)
    async with provider.predict(model, question(), deadline=60, created=asked.created):
        pass
    assert replicate.last.cancels == 3
    assert not replicate.left_running()


async def test_a_cancel_that_is_refused_is_logged_and_left(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    caplog: pytest.LogCaptureFixture,
) -> None:
    replicate.script(Script(TOKENS, gate=forever()))
    replicate.refuse(Operation.CANCEL, Refusal(404))
    async with provider.predict(model, question(), deadline=60, created=asked.created):
        pass
    assert replicate.last.cancels == 1
    assert "could not be cancelled: 404" in caplog.text
    replicate.last.end("canceled")


async def test_a_cancel_that_never_answers_holds_nobody_up(
    replicate: ReplicateStandIn, model: Model, asked: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    provider = ReplicateProvider(
        replicate.token, base_url=replicate.base_url, timing=Timing(cancel_within=0.1)
    )
    replicate.script(Script(TOKENS, gate=forever()))
    replicate.refuse(Operation.CANCEL, Refusal(gate=forever()))
    async with provider.predict(model, question(), deadline=60, created=asked.created):
        pass
    await provider.close()
    assert "its deadline will end it" in caplog.text
    replicate.last.end("canceled")


async def test_closing_ends_what_still_waits(replicate: ReplicateStandIn, model: Model, asked: Asked) -> None:
    provider = ReplicateProvider(
        replicate.token, base_url=replicate.base_url, timing=Timing(cancel_within=0.05)
    )
    replicate.script(Script(TOKENS, create_gate=forever()))
    task: asyncio.Task[object] = asyncio.create_task(asked.ask(provider, model, question()))
    await replicate.created.wait()
    await cancelled(task)
    # What its create made, if it did, nobody knows.
    assert asked.ids == [None]
    await provider.close()
    replicate.last.end("canceled")


async def test_the_same_answer_read_by_a_task_that_is_left_behind(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(TOKENS, gates={1: forever()}))
    async with provider.predict(model, question(), deadline=60, created=asked.created) as run:
        pieces = run.pieces()
        assert await anext(pieces) == "The "

        async def rest() -> list[str]:
            return [piece async for piece in pieces]

        reader = asyncio.create_task(rest())
        await asyncio.sleep(0)
    assert not replicate.left_running()
    assert await reader == []
