"""The bounds hold for the embedded model's own tokenizer."""

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xllamacpp
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain import Prompt, Role, Turn
from bot.models import tokens
from bot.models.embedded import model_file
from bot.models.inputs import build_input
from bot.models.registry import Registry
from bot.models.tokens import prompt_bound, upper_bound

Count = Callable[..., int]


@pytest.fixture(scope="session")
def count() -> Iterator[Count]:
    """How many tokens SmolLM2's tokenizer makes of a text."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.n_ctx, params.n_parallel, params.warmup, params.verbosity = 256, 1, False, -1
    params.cpuparams.n_threads = 1
    params.api_keys = ["of this test"]
    server = xllamacpp.Server(params)
    connection = http.client.HTTPConnection(server.listening_address.removeprefix("http://"))

    def asked(body: str) -> int:
        connection.request("POST", "/tokenize", body, {"Authorization": "Bearer of this test"})
        return len(json.loads(connection.getresponse().read())["tokens"])

    def count(text: str, *, special: bool = False) -> int:
        body = json.dumps({"content": text, "parse_special": special})
        try:
            return asked(body)
        except (OSError, http.client.HTTPException):
            # The server ends a connection that was idle for some seconds.
            connection.close()
            return asked(body)

    yield count
    connection.close()


WORDS = sorted(tokens._common()[1])
letters = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)
atoms = st.one_of(
    st.sampled_from(WORDS).map(" {}".format),
    st.sampled_from(WORDS).map(str.capitalize),
    letters,
    letters.map(" {}".format),
    st.text(max_size=6),
    st.text(st.characters(codec="ascii"), max_size=8),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=6),
    st.text(st.characters(min_codepoint=0x1F300, max_codepoint=0x1FAFF), max_size=4),
    st.text(" \t\n\r\u00a0\u3000", max_size=20),
    st.sampled_from(
        ["'s", "'t", "’s", "n't", "0123456789", "::", "->", "😀\u200d🔥", "\u200b", "ﷺ", "e\u0301"]
    ),
)


@given(st.lists(atoms, max_size=12).map("".join))
@example("\x00\x01\x02")
@example(" " * 200)
@example("👩‍👩‍👧‍👦" * 9)
@example("天地玄黄宇宙洪荒" * 20)
@example("qzjxkvqzjxkv" * 9)
@example("th" * 99)
def test_no_text_is_more_tokens_than_its_bound(count: Count, text: str) -> None:
    assert count(text) <= upper_bound(text)


def test_code_and_prose(count: Count) -> None:
    root = Path(__file__).parents[2]
    for path in [*sorted(root.glob("bot/*.py")), *root.glob("*.toml"), *root.glob("LICENSE")]:
        text = path.read_text("utf-8")
        assert count(text) <= upper_bound(text) <= len(text.encode())


def test_common_words_and_pairs_are_one_token(count: Count) -> None:
    pairs, words = tokens._common()
    assert [word for word in WORDS[::5] if count(f" {word}") != 1 or count(word) != 1] == []
    assert [pair for pair in pairs if count(pair) != 1] == []
    assert len(words) > 3000


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("", 0),
        (" the sea is wide.", 5),
        ("The sea", 3),
        (" the’s", 7),
        ("th", 1),
        ("the", 2),
        ("zqz", 3),
        ("12345", 5),
        ("中", 3),
        ("ﷺ", 33),
    ],
)
def test_bounds(text: str, most: int) -> None:
    assert upper_bound(text) == most


def test_prose_is_about_half_its_bytes() -> None:
    text = (
        "The quick brown fox jumps over the lazy dog, and nobody in the whole village was surprised by that. "
    )
    assert upper_bound(text * 50) < 0.5 * len(text * 50)


def test_one_endless_word_is_counted_in_linear_time() -> None:
    assert upper_bound("th" * 500_000) <= 700_000


@pytest.mark.parametrize("text", ["a\u0301\u0323" * 200_000, "a" + "\u0301\u0323" * 250_000, "'a" * 500_000])
def test_a_hostile_text_is_counted_in_linear_time(text: str) -> None:
    assert 0 < upper_bound(text) <= len(text.encode())


@given(st.lists(atoms, max_size=12).map("".join))
def test_slices_and_pieces_change_nothing(text: str) -> None:
    whole = upper_bound(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLICE", "PIECE"):
            patch.setattr(tokens, name, 3)
        assert upper_bound(text) == whole


def test_a_prompt_is_counted_once(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    model = registry.get("meta/meta-llama-3-70b-instruct")
    prompt = Prompt("Be kind.", (Turn(Role.USER, "Hi"),), 500)
    counted = prompt_bound(model, prompt)
    monkeypatch.setattr(tokens, "upper_bound", None)
    assert prompt_bound(model, prompt) == counted


turns = st.lists(
    st.builds(Turn, st.sampled_from(Role), st.lists(atoms, max_size=3).map("".join)), min_size=1, max_size=4
)


@given(st.lists(atoms, max_size=3).map("".join), turns.map(tuple))
def test_no_prompt_is_more_than_its_bound(
    count: Count, registry: Registry, system: str, said: tuple[Turn, ...]
) -> None:
    prompt = Prompt(system, said, 100)
    for name in ("smollm2-135m-instruct", "deepseek-ai/deepseek-v3"):
        model = registry.get(name)
        written = str(build_input(model, prompt)["prompt"])
        assert count(written, special=True) <= prompt_bound(model, prompt).input


def test_output_is_bounded_by_what_is_asked_for(registry: Registry) -> None:
    prompt = Prompt("", (Turn(Role.USER, "Hi"),), 500)
    assert prompt_bound(registry.get("meta/meta-llama-3-70b-instruct"), prompt).output == 500
    assert prompt_bound(registry.get("anthropic/claude-4-sonnet"), prompt).output == 1024
