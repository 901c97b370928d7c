import asyncio
import re
import signal
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.config import Settings, load_for_demo
from bot.demo import DemoOptions, Place, run_demo
from bot.demo.session import EMBEDDED_MODEL, answered_by, demo_settings, has_display, stored_in
from bot.errors import ConfigError
from tests.browser.demo import Demo
from tests.demo.visitor import Visitor
from tests.wire.replicate import standing_in
from tests.wire.replicate_script import Script


def _options(*arguments: str) -> DemoOptions:
    parser = ArgumentParser()
    DemoOptions.add_to(parser)
    return DemoOptions.of(parser.parse_args(arguments))


def _settings(**env: str) -> Settings:
    return demo_settings(load_for_demo(env, None), Path("/somewhere/demo.db"))


def test_a_person_chooses_place_port_browser_and_keeping() -> None:
    assert _options() == DemoOptions()
    chosen = _options("--dm", "--port", "8080", "--no-browser", "--keep")
    assert chosen == DemoOptions(Place.DM, 8080, browser=False, keep=True)


def test_what_is_stored_is_kept_only_when_that_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for keep in (True, False):
        with stored_in(DemoOptions(keep=keep)) as path:
            path.touch()
        assert path.exists() is keep
        assert path.is_relative_to(tmp_path) is keep


def test_without_a_token_the_embedded_model_answers_whatever_else_is_set() -> None:
    settings = _settings(DEFAULT_MODEL="meta/meta-llama-3-8b-instruct")
    assert settings.default_model == EMBEDDED_MODEL
    assert "not for its wisdom" in answered_by(settings)


def test_with_a_token_replicate_answers_and_the_welcome_says_that_it_costs() -> None:
    settings = _settings(REPLICATE_API_TOKEN="r8_example")
    assert settings.default_model == "meta/meta-llama-3-70b-instruct"
    assert "**meta/meta-llama-3-70b-instruct** answers, on Replicate" in answered_by(settings)
    assert "costs what it costs" in answered_by(settings)


def test_nobody_is_shut_out_of_their_own_demo() -> None:
    settings = _settings(ALLOWED_GUILDS="1", DIRECT_MESSAGES="off", USER_REQUESTS_PER_MINUTE="1")
    assert settings.allowed_guilds == frozenset()
    assert settings.direct_messages
    assert settings.user_requests_per_minute is None
    assert settings.database_url == "sqlite:////somewhere/demo.db"


@pytest.mark.parametrize(
    ("env", "platform", "shown"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
    ],
)
def test_a_browser_is_opened_where_it_can_be_seen(env: dict[str, str], platform: str, shown: bool) -> None:
    assert has_display(env, platform) is shown


def test_without_its_packages_the_demo_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bot.demo.session", None)
    with pytest.raises(ConfigError, match="make demo"):
        run_demo(DemoOptions())


@pytest.mark.slow
def test_a_taken_port_is_said_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port wants a port that is free.* {port} "):
            run_demo(DemoOptions(port=port, browser=False))


@pytest.mark.slow
@pytest.mark.model
async def test_the_real_bot_answers_and_ends_without_a_trace(tmp_path: Path) -> None:
    with Demo.running(tmp_path, MAX_ANSWER_TOKENS="24") as demo:
        async with ClientSession() as session:
            visitor = await Visitor(session, demo.url).open()
            receipt = await visitor.run("ask", question="What is water?")
            assert receipt["settlement"] == "settled"
            await visitor.until(lambda _: re.search(r"-# .*smollm2-135m-instruct", visitor.texts()[-1]))
            assert visitor.texts()[-1].startswith("> What is water?")
        assert demo.end(signal.SIGTERM) == 0
        assert list(demo.tmp.iterdir()) == []
        assert list(demo.home.iterdir()) == []


@pytest.mark.slow
@pytest.mark.model
async def test_the_settings_of_one_process_of_several_open_it_with_replicate(tmp_path: Path) -> None:
    async with standing_in() as replicate, ClientSession() as session:
        replicate.script(Script(tokens=["Water ", "is ", "wet."]))
        account = {"REPLICATE_API_TOKEN": replicate.token, "REPLICATE_BASE_URL": replicate.base_url}
        with Demo.running(tmp_path, SHARD_COUNT="2", SHARD_IDS="1", **account) as demo:
            visitor = await Visitor(session, demo.url).open()
            await visitor.run("ask", question="What is water?")
            await visitor.until(lambda _: "-# meta-llama-3-70b-instruct" in visitor.texts()[-1])
            assert visitor.texts()[-1].startswith("> What is water?\n\nWater is wet.\n-# ")
            assert len(replicate.creations) == 1
            assert await asyncio.to_thread(demo.end, signal.SIGTERM) == 0
