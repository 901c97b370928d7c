import math

import pytest

from bot.domain import PredictionState, Tokens
from bot.models.events import is_trusted
from bot.models.records import read_record, told_wait, whole

API = "https://api.replicate.com/v1"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://stream.replicate.com/v1/files/x", API),
        ("https://stream-b.svc.ric1.c.replicate.net/v1/streams/x", API),
        ("https://replicate.com/x", API),
        ("https://stream.replicate.com/x", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:8000/v1"),
        ("https://proxy.example/x", "https://proxy.example/v1"),
        ("https://proxy.example/x", "http://proxy.example/v1"),
    ],
)
def test_trusted_streams(url: str, base: str) -> None:
    assert is_trusted(url, base)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://stream.replicate.com/x", API),
        ("https://replicate.com.evil.example/x", API),
        ("https://evilreplicate.com/x", API),
        ("https://stream.replicate.com@evil.example/x", API),
        ("https://evil.example/stream.replicate.com", API),
        ("https://user@stream.replicate.com/x", API),
        ("http://127.0.0.1/x", API),
        ("http://proxy.example/x", "https://proxy.example/v1"),
        ("file:///etc/passwd", API),
        ("/v1/files/x", API),
        ("https://[", API),
        ("", API),
    ],
)
def test_streams_that_are_not_trusted(url: str, base: str) -> None:
    assert not is_trusted(url, base)


def test_a_record_with_next_to_nothing() -> None:
    record = read_record({"id": "x", "urls": 3, "metrics": [], "output": None, "error": {"code": 1}})
    assert (record.state, record.text, record.stream, record.tokens) == (
        PredictionState.PROCESSING,
        "",
        None,
        None,
    )
    assert record.error == "{'code': 1}"


@pytest.mark.parametrize(
    ("output", "text"),
    [(None, ""), ("a", "a"), (["a", "b"], "ab"), ([], ""), ({"a": 1}, None), (["a", 1], None), (3, None)],
)
def test_outputs(output: object, text: str | None) -> None:
    assert read_record({"id": "x", "status": "succeeded", "output": output}).text == text


def test_counts() -> None:
    metrics = {"input_token_count": 0, "output_token_count": 9, "predict_time": 1.5}
    assert read_record({"id": "x", "metrics": metrics}).tokens == Tokens(0, 9)


@pytest.mark.parametrize("said", [None, [], {}, {"id": 3}, {"id": "a/b"}, {"id": ""}, {"id": "x" * 65}])
def test_no_record(said: object) -> None:
    with pytest.raises(ValueError, match="no id"):
        read_record(said)


def test_surrogates() -> None:
    assert whole("a😀") == "a😀"
    assert whole("\ud83d\ude00") == "😀"
    assert whole("\ude00x\ud83d") == "\ufffdx\ufffd"


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        (None, {}, None),
        ({"retry_after": 3}, {}, 3.0),
        ({"retry_after": 3}, {"Retry-After": "7.5"}, 7.5),
        ({"retry_after": -1}, {"Retry-After": "tomorrow"}, None),
        ({"retry_after": math.nan}, {}, None),
        ({"retry_after": [1]}, {}, None),
        ("slow down", {"Retry-After": "0"}, 0.0),
    ],
)
def test_waits(body: object, headers: dict[str, str], wait: float | None) -> None:
    assert told_wait(body, headers) == wait
