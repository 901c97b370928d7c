"""What the stand-in for Replicate does by itself, seen through the real client."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import aiohttp
import httpx
import pytest
from replicate import AsyncReplicate, AuthenticationError, NotFoundError

from tests.wire.replicate import ReplicateStandIn, standing_in
from tests.wire.replicate_script import Operation, Refusal, Script


def client(replicate: ReplicateStandIn, token: str | None = None) -> AsyncReplicate:
    return AsyncReplicate(bearer_token=token or replicate.token, base_url=replicate.base_url, max_retries=0)


async def test_account_and_models(replicate: ReplicateStandIn) -> None:
    replicate.input_schemas["meta/x"] = {"prompt": {"type": "string"}, "max_tokens": {"type": "integer"}}
    async with client(replicate) as api:
        assert (await api.account.get()).username == "stand-in"
        model = await api.models.get(model_owner="meta", model_name="x")
        assert model.latest_version is not None
        schema = model.latest_version.openapi_schema
        assert "max_tokens" in schema["components"]["schemas"]["Input"]["properties"]  # type: ignore[index]  # JSON


@pytest.mark.parametrize("operation", list(Operation))
async def test_every_call_can_be_refused(replicate: ReplicateStandIn, operation: Operation) -> None:
    async with client(replicate) as api:
        made = await api.models.predictions.create(model_owner="a", model_name="b", input={})
        calls: dict[Operation, Callable[[], Awaitable[object]]] = {
            Operation.CREATE: lambda: api.models.predictions.create(
                model_owner="a", model_name="b", input={}
            ),
            Operation.GET: lambda: api.predictions.get(prediction_id=made.id),
            Operation.CANCEL: lambda: api.predictions.cancel(prediction_id=made.id),
            Operation.ACCOUNT: api.account.get,
            Operation.MODEL: lambda: api.models.get(model_owner="a", model_name="b"),
            Operation.STREAM: lambda: api.get(str(made.urls.stream), cast_to=httpx.Response),
        }
        replicate.refuse(operation, Refusal(404))
        with pytest.raises(NotFoundError):
            await calls[operation]()
        await calls[operation]()


async def test_a_wrong_token_is_refused(replicate: ReplicateStandIn) -> None:
    async with client(replicate, "wrong") as api:
        with pytest.raises(AuthenticationError):
            await api.account.get()
        with pytest.raises(AuthenticationError):
            await api.predictions.cancel(prediction_id="x")


async def test_what_is_not_there(replicate: ReplicateStandIn) -> None:
    async with client(replicate) as api:
        with pytest.raises(NotFoundError):
            await api.predictions.get(prediction_id="x")
        with pytest.raises(NotFoundError):
            await api.predictions.cancel(prediction_id="x")


async def test_predictions_run_by_themselves_and_are_listed(replicate: ReplicateStandIn) -> None:
    gate = asyncio.Event()
    replicate.respond = lambda said: Script([said["prompt"]], end_gate=gate)
    async with client(replicate) as api:
        made = await api.models.predictions.create(model_owner="a", model_name="b", input={"prompt": "p"})
        assert replicate.left_running() == [made.id]
        gate.set()
        assert replicate.last.task is not None
        await replicate.last.task
        assert not replicate.left_running()
        listed = await api.predictions.list()
        assert [(each.id, each.status, each.output) for each in listed.results] == [
            (made.id, "succeeded", ["p"])
        ]


async def test_a_deadline_ends_a_prediction() -> None:
    async with standing_in() as replicate, client(replicate) as api:
        replicate.script(Script(["x"], rate=1, first_token_after=9), Script(["x"], end_gate=asyncio.Event()))
        states = []
        for _ in range(2):
            await api.models.predictions.create(
                model_owner="a", model_name="b", input={}, extra_headers={"Cancel-After": "0h0m1s"}
            )
        for run in replicate.runs.values():
            assert run.task is not None
            await run.task
            states.append(run.state)
        assert states == ["aborted", "canceled"]


async def test_it_serves_as_a_process() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.wire.replicate", "--tokens", "30", "--rate", "1000"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    base_url = (await process.stdout.readline()).decode().strip()
    standin = ReplicateStandIn()
    async with AsyncReplicate(bearer_token=standin.token, base_url=base_url) as api:
        made = await api.models.predictions.create(model_owner="a", model_name="b", input={})
        async with aiohttp.ClientSession() as session, session.get(str(made.urls.stream)) as response:
            events = await response.text()
    process.terminate()
    await process.wait()
    assert events.count("event: output") == 30
    assert events.endswith("event: done\nid: 1700000030:0\ndata: {}\n\n")
