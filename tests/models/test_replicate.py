"""The Replicate provider through the real client, against a stand-in that breaks in every way known."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from bot.domain import Model, PredictionState, Tokens
from bot.errors import (
    CredentialsRefused,
    CreditExhausted,
    ModelBusy,
    ModelFailed,
    ModelRejected,
    ModelTimedOut,
    ModelUnreachable,
    Unanswerable,
)
from bot.models.events import Looks, proxy_for, reading
from bot.models.replicate import ReplicateProvider
from bot.models.tokens import upper_bound
from tests.models.conftest import QUICK, Asked, question
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script, StreamFault

TOKENS = ("The sea ", "is 大海 and ", "https://example.com/a.png", "\n", "\n\n", "data: x", "😀", " wide.")
WHOLE = "".join(TOKENS)


def forever() -> asyncio.Event:
    """An event that nobody sets."""
    return asyncio.Event()


# Streams that go well, in odd ways.


@pytest.mark.parametrize("chunk", [None, 1, 2, 3, 7])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_text_arrives_however_it_is_cut(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    chunk: int | None,
    line_end: str,
) -> None:
    replicate.script(Script(TOKENS, chunk=chunk, line_end=line_end))
    outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE
    assert outcome.state is PredictionState.SUCCEEDED


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(TOKENS, ids=False), id="events without ids"),
        pytest.param(
            Script(TOKENS, preamble=": hi\n\nretry: 5\n\nevent: logs\ndata: loading\n\nevent: x\n\n"),
            id="unknown events",
        ),
        pytest.param(Script(TOKENS, as_one_string=True), id="output as one string"),
        pytest.param(Script(TOKENS, streams=False), id="no stream"),
    ],
)
async def test_odd_streams_are_shown_whole(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, script: Script
) -> None:
    replicate.script(script)
    outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE


async def test_pieces_come_before_the_end(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.script(Script(TOKENS, gates={3: gate}))
    async with provider.predict(model, question(), deadline=60, created=asked.created) as run:
        assert run.id == asked.ids[0] == replicate.last.id
        states = [run.state]
        pieces = run.pieces()
        shown = ""
        while shown != "".join(TOKENS[:3]):
            shown += await anext(pieces)
        states.append(run.state)
        assert run.used() == Tokens(provider.bound(model, question()).input, upper_bound("".join(TOKENS[:3])))
        gate.set()
        assert "".join([piece async for piece in pieces]) == "".join(TOKENS[3:])
        assert (await run.outcome()).text == WHOLE
        assert run.used() == Tokens(7, len(TOKENS))
        states.append(run.state)
    assert states == [PredictionState.STARTING, PredictionState.PROCESSING, PredictionState.SUCCEEDED]
    assert replicate.last.cancels == 0


async def test_a_silent_call_needs_no_stream(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    async with provider.predict(model, question(), deadline=60, created=asked.created) as run:
        assert (await run.outcome()).text == "Hello from the stand-in."
    assert replicate.last.streams == 0


# Streams that go wrong: what is shown goes on from the record.


@pytest.mark.parametrize("after", [0, 1, 4, len(TOKENS)])
@pytest.mark.parametrize(
    "fault",
    [
        StreamFault.RESET,
        StreamFault.TIDY_END,
        StreamFault.TIMEOUT_COMMENT,
        StreamFault.ERROR_EVENT,
        StreamFault.FLOOD,
    ],
)
async def test_a_broken_stream_goes_on_from_the_record(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    fault: StreamFault,
    after: int,
) -> None:
    replicate.script(Script(TOKENS, rate=400, fault=fault, fault_after=after))
    outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE


@pytest.mark.parametrize("after", [0, 2])
async def test_a_silent_stream_is_given_up(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, after: int
) -> None:
    replicate.script(Script(TOKENS, fault=StreamFault.STALL, fault_after=after))
    outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE


@pytest.mark.parametrize("fault", [StreamFault.NOT_FOUND, StreamFault.HTML, StreamFault.REDIRECT])
async def test_a_stream_that_cannot_be_opened(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, fault: StreamFault
) -> None:
    replicate.script(Script(TOKENS, rate=400, fault=fault))
    outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE


async def test_an_entry_in_netrc_is_left_alone(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = tmp_path / "netrc"
    entries.write_text("machine 127.0.0.1 login someone password something\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(entries))
    replicate.script(Script(TOKENS, rate=400))
    assert (await asked.ask(provider, model, question())).text == WHOLE
    assert replicate.last.streams == 1


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("https_proxy", "http://near.example:3128", "http://near.example:3128"),
        ("all_proxy", "near.example:3128", "http://near.example:3128"),
        ("all_proxy", "socks5://near.example:1080", None),
        ("http_proxy", "http://near.example:3128", None),
    ],
)
def test_the_proxy_for_streams_is_the_one_for_their_scheme_or_for_all_if_it_speaks_http(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv(variable, value)
    assert proxy_for.__wrapped__("https", "far.example") == expected


async def test_a_stream_is_read_through_the_proxy_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        writer.write(f"{head}event: output\ndata: hello\n\n".encode())
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as proxy,
        aiohttp.ClientSession() as session,
    ):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "near.example")
        proxy_for.cache_clear()
        async with reading(session, "http://far.example/stream", "token", 5.0, Looks()) as batches:
            assert [event.data async for events in batches for event in events] == ["hello"]
        assert proxy_for("http", "near.example") is None
    proxy_for.cache_clear()
    assert heard == [b"GET http://far.example/stream HTTP/1.1\r\n"]


async def test_streams_elsewhere_are_not_followed(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    reached = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    elsewhere = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = elsewhere.sockets[0].getsockname()[1]
    replicate.script(Script(TOKENS, stream_url=f"http://localhost:{port}/stream"))
    async with elsewhere:
        outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE
    assert not reached.is_set()


async def test_a_record_that_differs_from_the_stream_wins(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(TOKENS, output=["Quite", " another text"]))
    assert (await asked.ask(provider, model, question())).text == "Quite another text"
    assert asked.shown == WHOLE


async def test_a_record_that_differs_from_a_broken_stream_yields_nothing_more(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(TOKENS, fault=StreamFault.TIDY_END, fault_after=2, output="Something else"))
    assert (await asked.ask(provider, model, question())).text == "Something else"
    assert WHOLE.startswith(asked.shown)


async def test_a_lone_carriage_return_in_a_token(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(["a\rb", "c"]))
    assert (await asked.ask(provider, model, question())).text == "a\rbc"


async def test_half_characters_in_the_record_are_joined(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(["x"], output=["\ud83d", "\ude00", "\ud83d"]))
    assert (await asked.ask(provider, model, question())).text == "😀\ufffd"


@pytest.mark.parametrize("size", [1_000, 100_000])
async def test_an_output_beyond_measure_is_cancelled(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, size: int
) -> None:
    more = asyncio.Event()
    tokens = ["x" * size] * (1_600_000 // size)
    replicate.script(Script(tokens, gates={1: more}, end_gate=forever()))

    async def read() -> None:
        async with provider.predict(model, question(), deadline=60.0, created=asked.created) as run:
            async for piece in run.pieces():
                asked.pieces.append(piece)
                more.set()
            await run.outcome()

    with pytest.raises(ModelFailed, match="longer than I can show"):
        await read()
    assert size <= len(asked.shown) <= 1024 * 1024
    assert replicate.last.cancels == 1


# Predictions that end badly.


@pytest.mark.parametrize(
    ("script", "kind", "sentence"),
    [
        (Script(TOKENS[:2], state="failed", error="E8765 CUDA"), ModelFailed, "failed while answering"),
        (Script([], state="succeeded"), ModelFailed, "without a word"),
        (Script([], state="succeeded", output="  \n"), ModelFailed, "without a word"),
        (Script([], state="succeeded", output=""), ModelFailed, "without a word"),
        (Script(TOKENS, state="canceled"), ModelFailed, "stopped at its provider"),
        (Script([], state="aborted"), ModelTimedOut, "too long"),
        (Script(TOKENS, state="failed", done='{"reason": "error"}'), ModelFailed, "failed while answering"),
    ],
)
async def test_bad_endings(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    script: Script,
    kind: type[Unanswerable],
    sentence: str,
) -> None:
    replicate.script(script)
    with pytest.raises(kind, match=sentence):
        await asked.ask(provider, model, question())
    assert asked.shown == "".join(script.tokens)
    assert replicate.last.cancels == 0


async def test_the_providers_words_go_nowhere(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    caplog: pytest.LogCaptureFixture,
) -> None:
    replicate.script(Script([], state="failed", error="E8765 CUDA\nforged line " + "x" * 500))
    with pytest.raises(ModelFailed) as raised:
        await asked.ask(provider, model, question())
    assert "CUDA" not in str(raised.value)
    assert "E8765" not in caplog.text
    assert "failed at its provider" in caplog.text


async def test_output_that_is_no_text(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script([], output=[{"image": 1}]))  # type: ignore[list-item]  # JSON may be anything
    with pytest.raises(ModelFailed, match="without a word"):
        await asked.ask(provider, model, question())


async def test_a_state_nobody_knew_of_counts_once_it_is_complete(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.script(Script(TOKENS, state="expired"))
    with pytest.raises(ModelFailed):
        await asked.ask(provider, model, question())


async def test_the_deadline_at_replicate(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    gate = asyncio.Event()
    replicate.script(Script(TOKENS, gates={1: gate}))
    async with provider.predict(model, question(), deadline=1, created=asked.created) as run:
        pieces = run.pieces()
        asked.pieces.append(await anext(pieces))
        replicate.last.end(PredictionState.ABORTED)
        with pytest.raises(ModelTimedOut):
            await run.outcome()
    assert replicate.creations[0].headers["Cancel-After"] == "5s"


@pytest.mark.parametrize(("deadline", "header"), [(60, "60s"), (12.2, "13s"), (10_000, "840s")])
async def test_every_create_carries_its_deadline(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    deadline: float,
    header: str,
) -> None:
    await asked.ask(provider, model, question(), deadline)
    assert replicate.creations[0].headers["Cancel-After"] == header


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"input_token_count": 5},
        {"input_token_count": -1, "output_token_count": 3},
        {"input_token_count": "5", "output_token_count": 3},
        {"input_token_count": True, "output_token_count": 3},
        {"input_token_count": 5, "output_token_count": 10**12},
    ],
)
async def test_counts_that_are_missing_or_wrong_are_ours(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    metrics: dict[str, object],
) -> None:
    replicate.script(Script(TOKENS, metrics=metrics))
    outcome = await asked.ask(provider, model, question())
    assert outcome.tokens == Tokens(provider.bound(model, question()).input, upper_bound(WHOLE))


# Answers that are errors.


STATUSES: Sequence[tuple[int, type[Unanswerable]]] = [
    (400, ModelRejected),
    (401, CredentialsRefused),
    (402, CreditExhausted),
    (403, CredentialsRefused),
    (404, ModelRejected),
    (409, ModelUnreachable),
    (422, ModelRejected),
    (500, ModelUnreachable),
    (502, ModelUnreachable),
    (503, ModelUnreachable),
    (504, ModelTimedOut),
]


def test_each_error_has_a_sentence_of_its_own() -> None:
    kinds: set[type[Unanswerable]] = {ModelFailed, ModelBusy, *(kind for _, kind in STATUSES)}
    assert len({kind.message for kind in kinds}) == len(kinds) == 7


@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_a_refused_create_is_sent_once(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    status: int,
    kind: type[Unanswerable],
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(status))
    with pytest.raises(kind):
        await asked.ask(provider, model, question())
    assert len(replicate.creations) == 1
    assert not replicate.runs
    # A server in trouble may have made one before it said so.
    assert asked.ids == ([None] if kind in {ModelUnreachable, ModelTimedOut} else [])


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(429, {"detail": "throttled", "retry_after": 0}),
        Refusal(429, {"detail": "throttled", "retry_after": 0.05}),
        Refusal(429, {"detail": "throttled"}, {"Retry-After": "0"}),
        Refusal(429, "slow down", {"Retry-After": "0"}),
    ],
)
async def test_429_is_waited_for(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, refusal: Refusal
) -> None:
    replicate.refuse(Operation.CREATE, refusal, times=3)
    await asked.ask(provider, model, question())
    assert asked.shown == "Hello from the stand-in."
    assert len(replicate.creations) == 4
    assert len(replicate.runs) == 1


@pytest.mark.parametrize(
    "told", [{"retry_after": 30}, {"retry_after": "nonsense"}, {"retry_after": float("inf")}]
)
async def test_429_for_too_long_is_busy(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    told: dict[str, object],
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(429, told, {"Retry-After": "2"}), times=9)
    with pytest.raises(ModelBusy):
        await asked.ask(provider, model, question())
    assert len(replicate.creations) == 1


async def test_429_that_tells_nothing_is_tried_again_after_a_moment(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(429), times=9)
    with pytest.raises(ModelBusy):
        await asked.ask(provider, model, question())
    assert len(replicate.creations) == 2


async def test_rejected_fields_are_logged_by_name_alone(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    invalid = [{"type": "x", "field": "input.temperature", "description": "my secret words"}]
    replicate.refuse(Operation.CREATE, Refusal(422, {"detail": "my secret words", "invalid_fields": invalid}))
    with pytest.raises(ModelRejected):
        await asked.ask(provider, model, question())
    assert "input.temperature" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("body", ["<html>", '"text"', "[]", '{"id": "../account"}', '{"status": "starting"}'])
async def test_an_answer_that_is_no_prediction(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, body: str
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(201, body))
    with pytest.raises(ModelUnreachable):
        await asked.ask(provider, model, question())


async def test_a_reset_during_create_is_not_sent_again(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(reset=True))
    with pytest.raises(ModelUnreachable):
        await asked.ask(provider, model, question())
    assert len(replicate.creations) == 1


async def test_a_create_that_does_not_answer_is_not_sent_again(
    replicate: ReplicateStandIn, model: Model, asked: Asked
) -> None:
    impatient = ReplicateProvider(
        replicate.token, base_url=replicate.base_url, timing=type(QUICK)(request=0.1, cancel_within=0.1)
    )
    replicate.refuse(Operation.CREATE, Refusal(gate=forever()))
    with pytest.raises(ModelTimedOut):
        await asked.ask(impatient, model, question())
    assert len(replicate.creations) == 1
    await impatient.close()


async def test_nobody_listens(model: Model, asked: Asked) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    provider = ReplicateProvider("token", base_url=f"http://127.0.0.1:{port}/v1", timing=QUICK)
    with pytest.raises(ModelUnreachable):
        await asked.ask(provider, model, question())
    await provider.close()


async def test_a_redirect_is_not_followed(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked
) -> None:
    replicate.refuse(Operation.CREATE, Refusal(307, {}, {"Location": f"{replicate.base_url}/account"}))
    with pytest.raises(ModelUnreachable):
        await asked.ask(provider, model, question())
    assert len(replicate.creations) == 1


# Records that are not given.


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(500),
        Refusal(503),
        Refusal(404),
        Refusal(429, {"retry_after": 0}),
        Refusal(429),
        Refusal(reset=True),
        Refusal(200, "<html>"),
    ],
)
async def test_passing_trouble_with_records_is_survived(
    replicate: ReplicateStandIn, provider: ReplicateProvider, model: Model, asked: Asked, refusal: Refusal
) -> None:
    replicate.script(Script(TOKENS, fault=StreamFault.TIDY_END, fault_after=3))
    replicate.refuse(Operation.GET, refusal, times=3)
    outcome = await asked.ask(provider, model, question())
    assert asked.shown == outcome.text == WHOLE


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(Refusal(500), ModelUnreachable), (Refusal(404), ModelUnreachable), (Refusal(401), CredentialsRefused)],
)
@pytest.mark.parametrize("fault", [None, StreamFault.TIDY_END])
async def test_lasting_trouble_with_records_ends_the_answer(
    replicate: ReplicateStandIn,
    provider: ReplicateProvider,
    model: Model,
    asked: Asked,
    refusal: Refusal,
    kind: type[Unanswerable],
    fault: StreamFault | None,
) -> None:
    replicate.script(Script(TOKENS, fault=fault, fault_after=3))
    replicate.refuse(Operation.GET, refusal, times=1000)
    with pytest.raises(kind):
        await asked.ask(provider, model, question())
    assert WHOLE.startswith(asked.shown)
    assert asked.shown
    assert replicate.last.cancels == 1


async def test_a_prediction_that_never_ends_is_left_after_its_deadline(
    replicate: ReplicateStandIn, model: Model, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.models.replicate.SHORTEST_DEADLINE", 0)
    provider = ReplicateProvider(replicate.token, base_url=replicate.base_url, timing=QUICK)
    replicate.script(Script(TOKENS, fault=StreamFault.TIDY_END, end_gate=forever()))
    with pytest.raises(ModelTimedOut):
        await asked.ask(provider, model, question(), deadline=0.2)
    assert asked.shown == WHOLE
    assert replicate.last.cancels <= 1
    await provider.close()
