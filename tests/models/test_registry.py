from pathlib import Path

import pytest

from bot.domain import Price, ProviderName, Template, Tokens
from bot.errors import BadRequest, ConfigError
from bot.models.registry import LARGEST_FILE, Registry


def write(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        Registry.load(path)
    return raised.value.faults


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("meta/meta-llama-3-8b-instruct", Price(50, 250)),
        ("meta/meta-llama-3-70b-instruct", Price(650, 2750)),
        ("meta/meta-llama-3.1-405b-instruct", Price(9500, 9500)),
        ("meta/llama-4-maverick-instruct", None),
        ("deepseek-ai/deepseek-r1", Price(3750, 10_000)),
        ("deepseek-ai/deepseek-v3", Price(1450, 1450)),
        ("anthropic/claude-4.5-haiku", Price(1000, 5000)),
        ("anthropic/claude-4-sonnet", Price(3000, 15_000)),
        ("openai/gpt-4.1-mini", Price(400, 1600)),
        ("openai/gpt-5-mini", Price(250, 2000)),
        ("google/gemini-2.5-flash", Price(300, 2500)),
        ("ibm-granite/granite-3.3-8b-instruct", Price(30, 250)),
        ("smollm2-135m-instruct", Price(0, 0)),
    ],
)
def test_the_models_that_come_with_the_bot(registry: Registry, name: str, price: Price | None) -> None:
    assert registry.get(name).price == price


def test_the_default_model(registry: Registry) -> None:
    model = registry.get("meta/meta-llama-3-70b-instruct")
    assert (model.provider, model.context, model.template) == (ProviderName.REPLICATE, 8192, Template.LLAMA3)
    assert model.cost(Tokens(1_000_000, 2_000_000)) == 650_000_000 + 2 * 2_750_000_000
    assert len(registry.names()) == 13


def test_a_model_that_is_not_there_names_what_comes_close(registry: Registry) -> None:
    with pytest.raises(BadRequest) as raised:
        registry.get("meta/meta-llama-3-70b")
    assert raised.value.fields["name"] == "meta/meta-llama-3-70b"
    assert str(raised.value.fields["models"]).startswith("meta/meta-llama-3-70b-instruct")


def test_a_part_of_a_name_names_the_models_that_have_it(registry: Registry) -> None:
    with pytest.raises(BadRequest) as raised:
        registry.get("gpt")
    assert all("gpt" in name for name in str(raised.value.fields["models"]).split(", "))


def test_a_model_like_none_names_some(registry: Registry) -> None:
    with pytest.raises(BadRequest) as raised:
        registry.get("ψ" * 5000)
    assert "meta/meta-llama-3-8b-instruct" in str(raised.value.fields["models"])
    assert len(str(raised.value.fields["name"])) == 100


def test_search(registry: Registry) -> None:
    assert [model.name for model in registry.search("")] == list(registry.names())
    assert [model.name for model in registry.search("", limit=2)] == list(registry.names())[:2]
    assert registry.search("LLAMA 4")[0].name == "meta/llama-4-maverick-instruct"
    assert [model.name for model in registry.search("haiku claude")] == ["anthropic/claude-4.5-haiku"]
    assert registry.search("no such model") == ()


def test_an_operators_file_adds_and_overrides(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [models."meta/meta-llama-3-70b-instruct"]
        price = { input = 0.001, output = 12 }
        [models."me/mine"]
        provider = "replicate"
        context = 1000
        max_output = 100
        extra = { top_p = 0.9, top_k = 3, fast = true, mode = "x" }
        """,
    )
    registry = Registry.load(path)
    changed = registry.get("meta/meta-llama-3-70b-instruct")
    assert changed.price == Price(1, 12_000)
    assert changed.template_field == "prompt_template"
    assert registry.get("me/mine").extra == {"top_p": 0.9, "top_k": 3, "fast": True, "mode": "x"}
    assert type(registry.get("me/mine").extra["top_p"]) is float
    assert registry.names()[-1] == "me/mine"


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    found = faults(
        write(
            tmp_path,
            """
            [models."me/one"]
            provider = "nobody"
            context = 0
            colour = "red"
            [models."me/two"]
            provider = "replicate"
            context = 100
            max_output = 100
            [models."me/three"]
            provider = "replicate"
            context = 100
            max_output = 10
            price = { input = 0.0001, output = -1 }
            [models."me/four"]
            provider = "replicate"
            context = 100
            max_output = 10
            price = 3
            extra = { stops = ["a", "b"] }
            [models."me/five"]
            provider = "replicate"
            context = 100
            max_output = 10
            price = { input = 1, cached = 0.5 }
            """,
        )
    )
    file = tmp_path / "models.toml"
    tokens, dollars = "a whole number of tokens above 0", "dollars such as 0.65, with at most three decimals"
    assert [fault.removeprefix(f"{file}: model me/") for fault in found] == [
        'one: provider wants "replicate" or "embedded".',
        f"one: context wants {tokens}.",
        f"one: max_output is missing: it wants {tokens}.",
        "one: colour is no field of a model.",
        "two: min_output must not be above max_output, and max_output must be below context.",
        f"three: price.input wants {dollars}.",
        f"three: price.output wants {dollars}.",
        "four: price wants { input = 0.65, output = 2.75 }, in dollars for a million tokens.",
        "four: extra.stops wants input fields with a text, a number, true or false each.",
        f"five: price.output is missing: it wants {dollars}.",
        "five: price.cached is no field of a model.",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = 3", "must be a table"),
        ("[models]\nx = 3", "must be a table"),
        ("[modles.x]", "modles: unknown"),
        ("[", "not a TOML file"),
    ],
)
def test_files_of_another_kind(tmp_path: Path, text: str, said: str) -> None:
    assert said in faults(write(tmp_path, text))[0]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read" in faults(tmp_path / "none.toml")[0]
    assert "larger than" in faults(write(tmp_path, "#" * (LARGEST_FILE + 1)))[0]
    path = tmp_path / "models.toml"
    path.write_bytes(b"\xff\xfe")
    assert "not a TOML file" in faults(path)[0]


def test_an_empty_file_changes_nothing(tmp_path: Path, registry: Registry) -> None:
    assert Registry.load(write(tmp_path, "")).names() == registry.names()
