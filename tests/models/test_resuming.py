"""Predictions of a process that is gone: found again, gone on with, or cancelled."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain import Model, PredictionState, Tokens
from bot.errors import ModelFailed, ModelUnreachable, Restarted
from bot.models.embedded import EmbeddedProvider
from bot.models.inputs import build_input
from bot.models.provider import MADE_WITHIN
from bot.models.replicate import CLOCKS_DIFFER, ReplicateProvider
from tests.models.conftest import question
from tests.wire.replicate import PAGE, ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script

BOUND = Tokens(30, 100)


async def created(replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, words: str) -> str:
    """A prediction that somebody made who told nobody of it."""
    record = await provider._post(model, build_input(model, question(words)), 60, told)
    return record.id


async def told(prediction: str | None) -> None:
    raise AssertionError(f"its maker hears of {prediction}")


async def resumed(provider: ReplicateProvider, prediction: str) -> tuple[list[str], Tokens]:
    """All that comes of a prediction, and what it used."""
    async with provider.resume(prediction, bound=BOUND, deadline=60) as run:
        pieces = [piece async for piece in run.pieces()]
        outcome = await run.outcome()
    assert "".join(pieces) == outcome.text
    return pieces, outcome.tokens


async def test_one_that_ended_comes_whole_from_its_record(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    replicate.script(Script(tokens=["All ", "of ", "it."]))
    prediction = await created(replicate, provider, model, "why?")
    pieces, tokens = await resumed(provider, prediction)
    assert "".join(pieces) == "All of it."
    assert tokens == Tokens(7, 3)
    assert replicate.last.streams == 0


async def test_one_that_runs_on_grows_from_its_record_to_its_end(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    middle = asyncio.Event()
    replicate.script(Script(tokens=["Half of it, ", "and the rest."], gates={1: middle}))
    prediction = await created(replicate, provider, model, "why?")
    async with provider.resume(prediction, bound=BOUND, deadline=60) as run:
        pieces = run.pieces()
        assert await anext(pieces) == "Half of it, "
        middle.set()
        assert await anext(pieces) == "and the rest."
        assert (await run.outcome()).text == "Half of it, and the rest."
    assert not replicate.last.cancels


async def test_leaving_one_cancels_it_and_tells_what_it_used_by_then(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    replicate.script(Script(tokens=["Never ", "ends"], gates={1: asyncio.Event()}))
    prediction = await created(replicate, provider, model, "why?")
    async with provider.resume(prediction, bound=BOUND, deadline=60) as run:
        # Nothing was heard of it yet: it may have used all that it was reserved with.
        assert run.used() == BOUND
    assert replicate.last.state == PredictionState.CANCELED
    assert run.state is PredictionState.CANCELED
    assert run.used() == Tokens(7, 1)


async def test_one_that_failed_says_so(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    replicate.script(Script(tokens=["Half"], state=PredictionState.FAILED))
    prediction = await created(replicate, provider, model, "why?")
    with pytest.raises(ModelFailed):
        await resumed(provider, prediction)


async def test_one_that_is_not_there_is_given_up(provider: ReplicateProvider) -> None:
    with pytest.raises(ModelUnreachable):
        await resumed(provider, "nosuchprediction")


async def test_one_is_found_by_its_input(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    since = datetime.now(UTC)
    wanted = await created(replicate, provider, model, "why?")
    await created(replicate, provider, model, "how?")
    of = provider.fingerprint(model, question("why?"))
    assert await provider.find(of, since, frozenset()) == wanted
    assert await provider.find(of, since, frozenset({wanted})) is None
    assert await provider.find(provider.fingerprint(model, question("when?")), since, frozenset()) is None


async def test_of_several_the_oldest_is_found(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    long_ago = await created(replicate, provider, model, "why?")
    replicate.runs[long_ago].created_at -= 2 * CLOCKS_DIFFER
    wanted = await created(replicate, provider, model, "why?")
    again = await created(replicate, provider, model, "why?")
    of = provider.fingerprint(model, question("why?"))
    assert await provider.find(of, datetime.now(UTC), frozenset()) == wanted
    assert await provider.find(of, datetime.now(UTC), frozenset({wanted})) == again


async def test_where_the_list_shows_no_inputs_each_record_is_asked_for(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = await created(replicate, provider, model, "why?")
    replicate.lists_inputs = False
    of = provider.fingerprint(model, question("why?"))
    assert await provider.find(of, datetime.now(UTC), frozenset()) == wanted
    assert replicate.last.gets == 1


async def test_one_is_found_behind_many_that_others_made_since(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    wanted = await created(replicate, provider, model, "why?")
    for _ in range(2 * PAGE):
        replicate.begin(model.name, {"prompt": "how?"})
    assert (
        await provider.find(provider.fingerprint(model, question("why?")), datetime.now(UTC), frozenset())
        == wanted
    )


async def test_what_was_made_long_afterwards_is_not_looked_through(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model
) -> None:
    prediction = await created(replicate, provider, model, "why?")
    of = provider.fingerprint(model, question("why?"))
    made = replicate.runs[prediction].created_at
    assert await provider.find(of, made - MADE_WITHIN, frozenset()) == prediction
    assert await provider.find(of, made - MADE_WITHIN - 2 * CLOCKS_DIFFER, frozenset()) is None


async def test_where_too_many_were_made_nobody_can_tell(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.models.replicate.MOST_LISTED", 2)
    for words in ("why?", "how?", "how?"):
        await created(replicate, provider, model, words)
    with pytest.raises(ModelUnreachable):
        await provider.find(provider.fingerprint(model, question("why?")), datetime.now(UTC), frozenset())


async def test_a_provider_that_does_not_answer_cannot_be_searched(
    replicate: ReplicateStandIn, provider: ReplicateProvider
) -> None:
    replicate.refuse(Operation.GET, Refusal(503))
    with pytest.raises(ModelUnreachable):
        await provider.find("hash", datetime.now(UTC) - timedelta(minutes=1), frozenset())


async def test_the_embedded_model_s_die_with_their_process(model: Model) -> None:
    provider = EmbeddedProvider()
    with pytest.raises(Restarted):
        provider.resume("embedded-1", bound=BOUND, deadline=60)
    assert (
        await provider.find(provider.fingerprint(model, question()), datetime.now(UTC), frozenset()) is None
    )
