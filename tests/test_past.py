"""Calls of a process that is gone: found again, taken once, and never thought free where nobody can tell."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import past
from bot.app import opened
from bot.config import Settings
from bot.domain import Ending, PredictionState, ProviderName, Tokens
from bot.errors import ModelUnreachable
from bot.past import PastCalls, look_for
from bot.services import Services
from bot.store import PredictionRow, StoreUnavailable
from tests.support.databases import SqliteDatabase
from tests.support.running import request_for
from tests.support.scripted import ScriptedProvider

BOUND = Tokens(100, 400)
NUMBERS = itertools.count(1)
"""Of requests."""


class Provider(ScriptedProvider):
    """One that can be asked for predictions, or cannot."""

    found: tuple[str, ...] = ()
    reachable = True
    asked = 0

    async def find(self, fingerprint: str, since: datetime, known: AbstractSet[str]) -> str | None:
        self.asked += 1
        if not self.reachable:
            raise ModelUnreachable
        await asyncio.sleep(0)
        return next((each for each in self.found if each not in known), None)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr(past, "FIND_PAUSES", (0.0, 0.0))
    return Provider()


@pytest.fixture
async def services(tmp_path: Path, provider: Provider) -> AsyncIterator[Services]:
    settings = Settings(
        discord_token=SecretStr("token"), database_url=f"sqlite:///{tmp_path / 'parlance.db'}"
    )
    async with opened(settings, {ProviderName.REPLICATE: provider}) as bot:
        yield bot.answers.services


async def made(services: Services, fingerprint: str | None = "of the input") -> PredictionRow:
    """The record of a call whose provider's id was never told."""
    ledger, model = services.ledger, services.registry.get(services.settings.default_model)
    request = replace(request_for(words="why?"), id=next(NUMBERS), asked_at=datetime.now(UTC))
    await ledger.admit(request, model, BOUND)
    await ledger.call(request.id, model, BOUND, {past.LONGEST: BOUND.output}, fingerprint=fingerprint)
    details = await ledger.lookup.details(request.id)
    assert details is not None
    return details.predictions[0]


async def ended(services: Services, call: PredictionRow) -> PredictionRow:
    details = await services.ledger.lookup.details(call.usage_id)
    assert details is not None
    return details.predictions[0]


async def test_what_may_run_where_nobody_can_ask_counts_with_all_it_may_use(
    services: Services, provider: Provider
) -> None:
    call = await made(services)
    provider.reachable = False
    calls = PastCalls(services, [call])
    await calls.find()
    assert calls.left == ()
    assert provider.asked == 3
    found = await ended(services, call)
    assert (found.state, found.tokens) == (PredictionState.CANCELED, BOUND)
    await services.ledger.settle(call.usage_id, Ending.FAILED)
    details = await services.ledger.lookup.details(call.usage_id)
    assert details is not None
    assert (details.usage.tokens, details.usage.counts) == (BOUND, 1)
    assert details.usage.cost == call.reserved_cost > 0


@pytest.mark.parametrize("away_at", [{1, 2}, {2, 3}, {2, 4}])
async def test_a_database_that_is_away_for_a_moment_loses_no_call(
    services: Services, provider: Provider, monkeypatch: pytest.MonkeyPatch, away_at: set[int]
) -> None:
    call = await made(services)
    provider.found = ("provider's",)
    lookup = services.ledger.lookup
    tries = itertools.count(1)
    known_since = lookup.known_since

    async def away_twice(call_id: int) -> frozenset[str]:
        if next(tries) in away_at:
            raise StoreUnavailable
        return await known_since(call_id)

    monkeypatch.setattr(lookup, "known_since", away_twice)
    calls = PastCalls(services, [call])
    await calls.find()
    assert [each.provider_id for each in calls.left] == ["provider's"]


async def test_what_was_never_made_counts_with_nothing(services: Services) -> None:
    call = await made(services)
    calls = PastCalls(services, [call])
    await calls.find()
    assert calls.left == ()
    found = await ended(services, call)
    assert (found.state, found.tokens) == (PredictionState.ABORTED, Tokens())


async def test_what_is_found_is_named_and_nobody_else_s(services: Services, provider: Provider) -> None:
    call = await made(services)
    provider.found = ("provider's",)
    calls = PastCalls(services, [call])
    await calls.find()
    assert [each.provider_id for each in calls.left] == ["provider's"]
    assert (await ended(services, call)).provider_id == "provider's"


async def test_of_several_that_look_for_the_same_at_once_each_finds_another(
    services: Services, provider: Provider
) -> None:
    rows = [await made(services) for _ in range(3)]
    provider.found = ("one", "another")
    calls = [PastCalls(services, [row]) for row in rows]
    await asyncio.gather(*(each.find() for each in calls))
    assert sorted(call.provider_id or "" for each in calls for call in each.left) == ["another", "one"]


async def test_what_another_call_may_be_told_of_any_moment_is_not_taken(
    services: Services, provider: Provider
) -> None:
    row = await made(services)
    provider.found = ("another's",)
    calls = PastCalls(services, [row])
    with services.creates.begun("of the input") as answered:
        finding = asyncio.create_task(calls.find())
        other = await made(services)
        assert provider.asked == 0
        await services.ledger.created(other.id, "another's")
        answered.set()
        await finding
    assert calls.left == ()


async def test_while_the_database_takes_nothing_what_is_kept_to_be_written_is_known(
    services: Services, provider: Provider, tmp_path: Path
) -> None:
    first, second, other = [await made(services) for _ in range(3)]
    provider.found = ("one", "other's", "another")
    async with SqliteDatabase(tmp_path / "parlance.db").locked():
        await services.ledger.created(other.id, "other's")
        found = [
            await look_for(services, row.id, row.provider, "of the input", row.created_at)
            for row in (first, second)
        ]
        assert services.ledger.kept == 3
    assert found == ["one", "another"]


async def test_one_that_began_while_it_was_looked_for_may_have_made_what_is_found(
    services: Services, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, other = await made(services), await made(services)
    provider.found = ("another's",)
    calls = PastCalls(services, [row])
    find = provider.find

    async def beginning(fingerprint: str, since: datetime, known: AbstractSet[str]) -> str | None:
        monkeypatch.setattr(provider, "find", find)
        begun.append(stack.enter_context(services.creates.begun(fingerprint)))
        asyncio.get_running_loop().call_soon(answering.set)
        return await find(fingerprint, since, known)

    monkeypatch.setattr(provider, "find", beginning)
    begun: list[asyncio.Event] = []
    answering = asyncio.Event()
    with ExitStack() as stack:
        finding = asyncio.create_task(calls.find())
        await answering.wait()
        await services.ledger.created(other.id, "another's")
        begun[0].set()
        await finding
    assert calls.left == ()


async def test_each_is_taken_once_by_its_input(services: Services) -> None:
    row = await made(services)
    one, same, other = (
        replace(row, id=number, fingerprint=fingerprint)
        for number, fingerprint in [(1, "a"), (2, "a"), (3, "b")]
    )
    calls = PastCalls(services, [one, same, other])
    assert calls.missing(["a", "c", "a", "a", "b"]) == [1, 3]
    for fingerprint, call in [("a", one), ("a", same), ("b", other)]:
        assert calls.like(fingerprint) == call
        calls.take(call)
        calls.take(call)
    assert calls.like("a") is None
    assert calls.left == ()
    assert calls.missing(["a"]) == [0]
