import socket

import pytest
from yarl import URL

from bot.demo.live import Outside
from bot.demo.options import Place
from bot.demo.page import POLL_MILLISECONDS
from bot.demo.stage import staged
from tests.demo.conftest import Stage
from tests.demo.streamer import Streamer


@pytest.fixture
def origin(stage: Stage) -> URL:
    return URL(stage.page.url).origin()


@pytest.fixture
def capability(stage: Stage) -> str:
    return URL(stage.page.url).fragment


async def test_the_page_has_a_title_an_icon_and_a_look_of_its_own(stage: Stage, origin: URL) -> None:
    async with stage.session.get(origin) as answer:
        page = await answer.text()
    assert "<title>Parlance demo</title>" in page
    assert "SimCord</strong>" not in page
    for path, kind in (
        ("/favicon.svg", "image/svg+xml"),
        ("/demo.css", "text/css"),
        ("/demo.js", "text/javascript"),
    ):
        assert path in page
        async with stage.session.get(origin.with_path(path)) as answer:
            assert answer.status == 200
            assert answer.content_type == kind
            assert await answer.read()


async def test_the_page_asks_for_news_often(stage: Stage, origin: URL) -> None:
    async with stage.session.get(origin / "session.js") as answer:
        assert f"interval = {POLL_MILLISECONDS}" in await answer.text()


async def test_the_preview_s_own_protection_passes_through(stage: Stage, origin: URL) -> None:
    async with stage.session.get(origin) as answer:
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"


async def test_another_host_name_is_refused(stage: Stage, origin: URL) -> None:
    async with stage.session.get(origin, headers={"Host": "example.org"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("foreign", ["http://example.org", "null", "http://127.0.0.1:1"])
async def test_another_site_s_page_is_refused(
    stage: Stage, origin: URL, capability: str, foreign: str
) -> None:
    headers = {"Origin": foreign, "X-Simcord-Capability": capability}
    async with stage.session.post(origin / "api/pages", json={}, headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("given", [None, "wrong"])
async def test_without_the_address_s_capability_nothing_is_shown_or_done(
    stage: Stage, origin: URL, given: str | None
) -> None:
    headers = {} if given is None else {"X-Simcord-Capability": given}
    async with stage.session.post(origin / "api/pages", json={}, headers=headers) as answer:
        assert answer.status == 401
    async with stage.session.post(origin / "api/action", json={"kind": "refresh"}, headers=headers) as answer:
        assert answer.status == 401


async def test_an_action_counts_although_the_page_is_a_revision_behind(stage: Stage) -> None:
    visitor = await stage.visitor()
    first = visitor.seen["publishedRevision"]
    await visitor.run("ask", question="Why?")
    await visitor.look()
    receipt = await visitor.press("Stop", revision=first)
    assert receipt["settlement"] == "settled"
    assert stage.bot.stopped.is_set()


async def test_a_file_arrives_although_the_page_is_a_revision_behind(stage: Stage) -> None:
    visitor = await stage.visitor()
    first = visitor.seen["publishedRevision"]
    await visitor.run("ask", question='"published_revision":7')
    await visitor.look()
    assert visitor.texts()[-1] == '"published_revision":7'
    notes = b'{"published_revision":9}\r\n' * 1000
    receipt = await visitor.run_with_file("read", "file", notes, revision=first)
    assert receipt["settlement"] == "settled"
    assert stage.bot.files == [notes]


async def test_an_error_that_the_bot_answers_is_no_failed_action(stage: Stage) -> None:
    visitor = await stage.visitor()
    receipt = await visitor.run("fail")
    assert receipt["settlement"] == "settled"
    await visitor.look()
    assert visitor.texts()[-1] == "That went wrong."


async def test_a_taken_port_is_an_os_error() -> None:
    outside = Outside()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            async with staged(Streamer(outside.spawn), outside, Place.SERVER, "", port, lambda *_: None):
                pass
