"""Every line of the check can be right, and each can be made wrong."""

import asyncio
import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.check import Reach, check
from bot.check.discord_lines import essence, local_commands
from bot.check.lines import wrong
from bot.check.replicate_lines import fields_of
from bot.check.service import LARGEST_ANSWER, Service, Unanswered
from bot.config import load
from bot.domain import ProviderName
from bot.errors import ConfigError
from bot.models.registry import Registry, faults_on_replicate
from bot.store import Store, condition
from bot.store.migrations import Migration, known_migrations
from tests.support.postgres import ESCAPED, PASSWORD, Server
from tests.wire import launch
from tests.wire.discord import DiscordStandIn, Intent
from tests.wire.discord_contract import load as load_contract
from tests.wire.replicate import ReplicateStandIn, standing_in
from tests.wire.replicate_script import Operation, Refusal


@dataclass
class Checked:
    """What a check printed, and its exit code."""

    code: int
    text: str

    def line(self, subject: str) -> str:
        """The one line on a subject."""
        lines = [line for line in self.text.splitlines() if line[6:].startswith(f"{subject}: ")]
        assert len(lines) == 1, self.text
        return lines[0]

    @property
    def wrong(self) -> list[str]:
        """The subjects that are wrong."""
        return self._subjects("WRONG")

    @property
    def unknown(self) -> list[str]:
        """The subjects that nobody could be asked about."""
        return self._subjects("?")

    def _subjects(self, mark: str) -> list[str]:
        return [line[6:].partition(": ")[0] for line in self.text.splitlines() if line.startswith(mark)]


@dataclass
class World:
    """All that a check looks at, as it should be."""

    discord: DiscordStandIn
    replicate: ReplicateStandIn
    database: Path
    settings: dict[str, str] = field(default_factory=dict)

    async def check(self, reach: Reach = Reach.BASICS, **settings: str) -> Checked:
        out = io.StringIO()
        given = {**self.settings, **settings}
        code = await check(lambda: load(given, None, faults_on_replicate), reach, out)
        checked = Checked(code, out.getvalue())
        for secret in (given["DISCORD_TOKEN"], given["REPLICATE_API_TOKEN"]):
            assert not secret or secret not in checked.text
        assert checked.code == (1 if checked.wrong or checked.unknown else 0)
        return checked


@pytest.fixture
async def discord() -> AsyncIterator[DiscordStandIn]:
    async with DiscordStandIn(contract=load_contract()) as standin:
        with launch.pointed(standin.environment()):
            yield standin
    problems = standin.problems()
    assert not problems, "\n".join(problems)


@pytest.fixture
async def replicate() -> AsyncIterator[ReplicateStandIn]:
    async with standing_in() as standin:
        for name in Registry.load().names():
            model = Registry.load().get(name)
            standin.input_schemas[name] = {field: {} for field in fields_of(model)}
        yield standin


@pytest.fixture
async def world(discord: DiscordStandIn, replicate: ReplicateStandIn, tmp_path: Path) -> World:
    commands = await local_commands()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {discord.world.token}"}) as session,
        session.put(
            f"{discord.environment()['DISCORD_API']}/applications/{discord.world.application_id}/commands",
            json=commands,
        ) as response,
    ):
        assert response.status == 200, await response.text()
    database = tmp_path / "parlance.db"
    async with Store.open(f"sqlite:///{database}"):
        pass
    return World(
        discord,
        replicate,
        database,
        {
            "DISCORD_TOKEN": discord.world.token,
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_BASE_URL": replicate.base_url,
            "DATABASE_URL": f"sqlite:///{database}",
        },
    )


async def test_all_is_right(world: World) -> None:
    before = world.database.read_bytes()
    checked = await world.check(Reach.MODELS)
    assert checked.code == 0, checked.text
    subjects = [line[6:].partition(": ")[0] for line in checked.text.splitlines()]
    assert subjects[:6] == [
        "Settings",
        "Discord token",
        "Message content",
        "Discord gateway",
        "Commands",
        "Replicate token",
    ]
    registry = Registry.load()
    theirs = [name for name in registry.names() if registry.get(name).provider is ProviderName.REPLICATE]
    assert subjects[6:] == ["Models", *(f"Model {name}" for name in theirs), "Database"]
    assert world.discord.bot.name in checked.line("Discord token")
    assert "stand-in" in checked.line("Replicate token")
    assert world.database.read_bytes() == before


async def test_settings_are_wrong(world: World) -> None:
    checked = await world.check(REPLICATE_API_TOKEN="", LOG_LEVEL="loud")
    assert checked.wrong == ["Settings", "Settings"]
    assert "LOG_LEVEL" in checked.text
    assert "make demo" in checked.text


async def test_discord_does_not_accept_the_token(world: World) -> None:
    checked = await world.check(DISCORD_TOKEN="mistyped")
    assert checked.wrong == ["Discord token"]
    assert "Reset Token" in checked.line("Discord token")


@pytest.mark.parametrize("status", [500, 403])
async def test_discord_is_in_trouble(world: World, status: int) -> None:
    world.discord.fault("GET /users/@me", status=status, times=5)
    assert (await world.check()).wrong == ["Discord token"]


async def test_discord_cannot_be_asked(world: World) -> None:
    world.discord.fault("GET /users/@me", status=None, times=5)
    checked = await world.check()
    assert (checked.wrong, checked.unknown) == ([], ["Discord token"])


async def test_message_content_is_not_granted(world: World) -> None:
    world.discord.gateway.granted = Intent(0)
    checked = await world.check()
    assert checked.wrong == ["Message content"]
    assert "Privileged Gateway Intents" in checked.line("Message content")


@pytest.mark.parametrize(
    ("route", "subject"),
    [
        ("GET /gateway/bot", "Discord gateway"),
        ("GET /applications/*/commands", "Commands"),
    ],
)
async def test_discord_does_not_tell(world: World, route: str, subject: str) -> None:
    world.discord.fault(route, status=500, times=5)
    assert (await world.check()).wrong == [subject]


async def test_discord_breaks_off(world: World) -> None:
    world.discord.fault("GET /gateway/bot", status=None, times=5)
    checked = await world.check()
    assert (checked.wrong, checked.unknown) == ([], ["Discord"])


async def test_the_application_is_not_told(world: World) -> None:
    world.discord.fault("GET /oauth2/applications/@me", status=500, times=5)
    checked = await world.check()
    assert checked.wrong == ["Message content"]


async def test_no_connections_are_left(world: World) -> None:
    limit = {"total": 1000, "remaining": 0, "reset_after": 5_400_000, "max_concurrency": 1}
    body = {"url": "", "shards": 1, "session_start_limit": limit}
    world.discord.fault("GET /gateway/bot", status=200, body=body)
    checked = await world.check()
    assert checked.wrong == ["Discord gateway"]
    assert "1.5 hours" in checked.line("Discord gateway")


async def test_commands_differ(world: World) -> None:
    commands: list[dict[str, Any]] = world.discord.world.commands
    commands[0]["description"] = "An older one"
    removed = commands.pop()
    commands.append({**removed, "name": "obsolete"})
    checked = await world.check()
    assert checked.wrong == ["Commands"]
    for name in (commands[0]["name"], removed["name"], "obsolete"):
        assert f"/{name}" in checked.line("Commands")


async def test_replicate_does_not_accept_the_token(world: World) -> None:
    checked = await world.check(Reach.MODELS, REPLICATE_API_TOKEN="mistyped")
    assert checked.wrong == ["Replicate token"]


async def test_replicate_is_in_trouble(world: World) -> None:
    world.replicate.refuse(Operation.ACCOUNT, Refusal(503), times=5)
    assert (await world.check()).wrong == ["Replicate token"]


@pytest.mark.parametrize("refusal", [Refusal(reset=True), Refusal(200, "<html>")])
async def test_replicate_cannot_be_asked(world: World, refusal: Refusal) -> None:
    world.replicate.refuse(Operation.ACCOUNT, refusal, times=5)
    checked = await world.check(Reach.MODELS)
    assert (checked.wrong, checked.unknown) == ([], ["Replicate token", "Models"])
    assert "not compared with Replicate" in checked.text


async def test_models_that_are_not_there_are_told_with_every_other_fault(
    world: World, tmp_path: Path
) -> None:
    models = tmp_path / "models.toml"
    models.write_text('[models."a/b"]\nprovider = "replicate"\ncontext = 9\nmax_output = 3\n')
    checked = await world.check(
        DEFAULT_MODEL="smollm2-135m-instruct",
        FALLBACK_MODEL="nobody/nothing",
        MODELS_FILE=str(models),
        LOG_LEVEL="loud",
        DISCORD_TOKEN="",
    )
    assert checked.wrong == ["Settings"] * 4
    for fault in ("DISCORD_TOKEN is", "LOG_LEVEL wants", "DEFAULT_MODEL is none", "FALLBACK_MODEL is none"):
        assert f"Settings: {fault}" in checked.text
    right = await world.check(DEFAULT_MODEL="a/b", FALLBACK_MODEL="a/b", MODELS_FILE=str(models))
    assert right.wrong == []


async def test_a_models_file_that_is_wrong_is_told_by_its_name(world: World, tmp_path: Path) -> None:
    models = tmp_path / "models.toml"
    models.write_text('[models."a/b"]\nprovider = "nobody"\n')
    checked = await world.check(MODELS_FILE=str(models), DEFAULT_MODEL="a/b")
    assert checked.wrong == ["Settings"] * 3
    assert f'Settings: {models}: model a/b: provider wants "replicate" or "embedded".' in checked.text


async def test_without_the_models_file_nobody_judges_the_models_it_would_add(
    world: World, tmp_path: Path
) -> None:
    checked = await world.check(MODELS_FILE=str(tmp_path / "none.toml"), DEFAULT_MODEL="a/b")
    assert checked.wrong == ["Settings"]
    assert "MODELS_FILE wants" in checked.line("Settings")


async def test_a_model_takes_other_fields(world: World) -> None:
    name = "meta/meta-llama-3-70b-instruct"
    del world.replicate.input_schemas[name]["system_prompt"]
    checked = await world.check(Reach.MODELS)
    assert checked.wrong == [f"Model {name}"]
    assert "system_prompt" in checked.line(f"Model {name}")


@pytest.mark.parametrize("refusal", [Refusal(404), Refusal(500), Refusal(200, {})])
async def test_a_model_is_not_told(world: World, refusal: Refusal) -> None:
    world.replicate.refuse(Operation.MODEL, refusal)
    first = Registry.load().names()[0]
    assert (await world.check(Reach.MODELS)).wrong == [f"Model {first}"]


async def test_a_model_cannot_be_asked_for(world: World) -> None:
    # A broken connection is tried once more by the client itself.
    world.replicate.refuse(Operation.MODEL, Refusal(reset=True), times=2)
    checked = await world.check(Reach.MODELS)
    assert not checked.wrong
    assert checked.unknown == [f"Model {Registry.load().names()[0]}"]


async def test_a_new_database_is_right(world: World, tmp_path: Path) -> None:
    fresh = tmp_path / "deep" / "new.db"
    checked = await world.check(DATABASE_URL=f"sqlite:///{fresh}")
    assert checked.wrong == []
    assert not fresh.parent.exists()


@pytest.mark.parametrize("content", [b"this is no database" * 100, None])
async def test_the_database_cannot_be_used(world: World, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.db"
    path.write_bytes(content) if content else path.mkdir()
    assert (await world.check(DATABASE_URL=f"sqlite:///{path}")).wrong == ["Database"]


async def test_the_database_cannot_be_made(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite:///{tmp_path / 'file' / 'new.db'}"
    checked = await world.check(DATABASE_URL=url)
    assert checked.wrong == ["Database"]
    with pytest.raises(ConfigError) as told:
        async with Store.open(url):
            pass
    assert checked.line("Database").endswith(told.value.faults[0])


async def test_an_older_version_wrote_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_migrations()
    newer = (*known, Migration(known[-1].number + 1, "more", ""))
    monkeypatch.setattr(condition, "known_migrations", lambda: newer)
    checked = await world.check()
    assert checked.wrong == ["Database"]
    assert "an older version" in checked.line("Database")


async def test_a_newer_version_wrote_the_database(world: World) -> None:
    with closing(sqlite3.connect(world.database)) as connection:
        connection.execute("INSERT INTO migrations VALUES (9999, 'later', 0)")
        connection.commit()
    checked = await world.check()
    assert checked.wrong == ["Database"]
    assert "a newer version" in checked.line("Database")


async def test_postgresql_is_looked_at_too(world: World, server: Server) -> None:
    name = await server.create()
    assert "not there yet" in (await world.check(DATABASE_URL=server.url(name))).line("Database")
    async with Store.open(server.url(name)):
        pass
    assert (await world.check(DATABASE_URL=server.url(name))).wrong == []
    await server.drop(name)
    checked = await world.check(DATABASE_URL=server.url(name))
    assert checked.wrong == ["Database"]
    assert f'database "{name}" does not exist' in checked.line("Database")
    assert PASSWORD not in checked.text
    assert ESCAPED not in checked.text


async def test_a_database_without_tables_is_right(world: World, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert (await world.check(DATABASE_URL=f"sqlite:///{tmp_path / 'empty.db'}")).wrong == []


@pytest.fixture
def answers() -> list[web.Response]:
    return []


@pytest.fixture
async def service(answers: list[web.Response]) -> AsyncIterator[Service]:
    async def serve(request: web.Request) -> web.Response:
        return answers.pop()

    application = web.Application()
    application.router.add_get("/thing", serve)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        yield Service(session, str(server.make_url("")).rstrip("/"), "Bearer secret")


async def test_an_answer_too_large_is_not_read(service: Service, answers: list[web.Response]) -> None:
    answers.append(web.Response(body=b" " * (LARGEST_ANSWER + 1)))
    with pytest.raises(Unanswered, match="larger than"):
        await service.get("/thing")


async def test_a_redirect_is_not_followed(service: Service, answers: list[web.Response]) -> None:
    answers.append(web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}))
    assert (await service.get("/thing")).status == 302


async def test_deep_json_is_no_answer(service: Service, answers: list[web.Response]) -> None:
    answers.append(web.Response(body=b"[" * 200_000))
    with pytest.raises(Unanswered, match="JSON"):
        await service.get("/thing")


async def test_a_silent_service_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.check.service.SECONDS", 0.05)
    async with standing_in() as replicate, aiohttp.ClientSession() as session:
        replicate.refuse(Operation.ACCOUNT, Refusal(gate=asyncio.Event()))
        with pytest.raises(Unanswered, match="no answer"):
            await Service(session, replicate.base_url, f"Bearer {replicate.token}").get("/account")


def test_a_line_is_one_line() -> None:
    assert str(wrong("Thing", "two\nlines")) == "WRONG Thing: two lines"


def test_commands_are_compared_by_what_is_ours() -> None:
    ours = {
        "name": "a",
        "contexts": [2, 0],
        "default_member_permissions": 0,
        "options": [{"name": "b", "required": False, "choices": [{"name": "none", "value": ""}]}],
    }
    theirs = {
        **ours,
        "id": "1",
        "version": "2",
        "contexts": [0, 2],
        "default_member_permissions": "0",
        "nsfw": False,
        "options": [{"name": "b", "choices": [{"name": "none", "value": "", "name_localizations": None}]}],
    }
    assert essence(ours) == essence(theirs)
    assert essence(ours) != essence({**theirs, "default_member_permissions": None})


async def test_the_health_address(world: World) -> None:
    assert "Health" not in (await world.check()).text

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ready")

    async with TestServer(web.Application()) as somebody:
        port = str(somebody.port)
        taken = await world.check(HEALTH_PORT=port)
        assert taken.wrong == ["Health address"]
        assert "cannot be listened on" in taken.line("Health address")
    free = await world.check(HEALTH_PORT=port)
    assert free.line("Health address").endswith(f"127.0.0.1, port {port}, is free.")
    application = web.Application()
    application.router.add_get("/healthz", healthz)
    async with TestServer(application) as running:
        there = await world.check(HEALTH_PORT=str(running.port))
        assert "and is ready" in there.line("Health address")
