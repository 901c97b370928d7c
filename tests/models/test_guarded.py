"""A provider that does not answer is left alone; what one request did wrong leaves it open."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Model
from bot.errors import ModelPaused, ModelRejected, ModelUnreachable, Unanswerable
from bot.models.breaker import FIRST_PAUSE, State
from bot.models.guarded import GuardedProvider
from bot.models.registry import Registry
from bot.models.replicate import ReplicateProvider
from tests.models.conftest import QUICK, Asked, question
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Guarded(GuardedProvider):
    """One whose clock is set by the test."""

    def __init__(self, replicate: ReplicateStandIn) -> None:
        self.seconds = 0.0
        provider = ReplicateProvider(replicate.token, base_url=replicate.base_url, timing=QUICK)
        super().__init__(provider, lambda: self.seconds, lambda: NOW)


@pytest.fixture
async def guarded(replicate: ReplicateStandIn) -> AsyncIterator[Guarded]:
    provider = Guarded(replicate)
    yield provider
    await provider.close()


async def goes_down(guarded: Guarded, replicate: ReplicateStandIn, model: Model) -> None:
    replicate.refuse(Operation.CREATE, Refusal(503), times=5)
    for _ in range(5):
        with pytest.raises(ModelUnreachable):
            await Asked().ask(guarded, model, question())


async def test_one_that_is_down_is_not_hammered_and_the_time_of_the_next_try_is_told(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model
) -> None:
    await goes_down(guarded, replicate, model)
    guarded.seconds = 5.0
    with pytest.raises(ModelPaused) as told:
        await Asked().ask(guarded, model, question())
    assert len(replicate.creations) == 5
    assert told.value.fields == {"model": model.name, "when": NOW + timedelta(seconds=FIRST_PAUSE - 5.0 + 1)}
    assert guarded.states == {model.name: State.OPEN}


async def test_one_request_tries_and_when_it_is_taken_all_are_served(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model
) -> None:
    await goes_down(guarded, replicate, model)
    guarded.seconds = FIRST_PAUSE
    answered = asyncio.Event()
    replicate.script(Script(create_gate=answered))
    trying = asyncio.create_task(Asked().ask(guarded, model, question()))
    await replicate.created.wait()
    assert not guarded.answers(model)
    with pytest.raises(ModelPaused):
        await Asked().ask(guarded, model, question())
    answered.set()
    await trying
    await Asked().ask(guarded, model, question())
    assert guarded.answers(model)


async def test_another_model_of_the_same_provider_is_served_meanwhile(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model, registry: Registry
) -> None:
    await goes_down(guarded, replicate, model)
    other = registry.get("meta/meta-llama-3-8b-instruct")
    assert (await Asked().ask(guarded, other, question())).text == "Hello from the stand-in."


@pytest.mark.parametrize("status", [401, 402, 404, 422])
async def test_what_one_request_or_the_operator_did_wrong_leaves_it_open(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model, status: int
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(status), times=8)
    for _ in range(8):
        with pytest.raises(Unanswerable) as told:
            await Asked().ask(guarded, model, question())
        assert not isinstance(told.value, ModelPaused)
    assert guarded.answers(model)


@pytest.mark.parametrize(
    ("refusal", "times"),
    [
        (Refusal(500), 5),
        (Refusal(504), 5),
        (Refusal(reset=True), 5),
        (Refusal(429, {"retry_after": 9}), 20),
    ],
)
async def test_what_says_that_it_is_down_and_how_often(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model, refusal: Refusal, times: int
) -> None:
    replicate.refuse(Operation.CREATE, refusal, times=times)
    for _ in range(times):
        assert guarded.answers(model)
        with pytest.raises(Unanswerable):
            await Asked().ask(guarded, model, question())
    assert not guarded.answers(model)


async def test_a_prediction_that_fails_leaves_it_open(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model
) -> None:
    replicate.respond = lambda _: Script(state="failed", error="out of memory")
    for _ in range(8):
        with pytest.raises(Unanswerable):
            await Asked().ask(guarded, model, question())
    assert guarded.answers(model)


async def test_records_that_cannot_be_had_are_trouble_too(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model
) -> None:
    replicate.respond = lambda _: Script(streams=False, end_gate=asyncio.Event())
    replicate.refuse(Operation.GET, Refusal(503), times=10_000)
    for _ in range(5):
        with pytest.raises(ModelUnreachable):
            await Asked().ask(guarded, model, question())
    assert not guarded.answers(model)


async def test_a_try_that_is_stopped_lets_the_next_one_try(
    guarded: Guarded, replicate: ReplicateStandIn, model: Model
) -> None:
    await goes_down(guarded, replicate, model)
    guarded.seconds = FIRST_PAUSE
    held = asyncio.Event()
    replicate.script(Script(create_gate=held))
    trying = asyncio.create_task(Asked().ask(guarded, model, question()))
    await replicate.created.wait()
    trying.cancel()
    held.set()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert guarded.answers(model)
    replicate.refuse(Operation.CREATE, Refusal(422))
    with pytest.raises(ModelRejected):
        await Asked().ask(guarded, model, question())
    assert guarded.states == {model.name: State.CLOSED}
