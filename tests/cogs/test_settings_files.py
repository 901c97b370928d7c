"""/settings export and import: a server as a file, taken over whole or not at all."""

import json
from typing import Any

import pytest
import simcord

from bot.choices import Choices
from bot.domain import Setting
from bot.store.audit import AuditRow, audit_page
from bot.store.counters import limits_in
from tests.support.simulated import World

NOT_ADMIN = "Only people with the permission “Manage Server” can do this."
EVERYTHING: dict[Setting, Any] = {
    Setting.COMMANDS: ["ask"],
    Setting.MODEL: "ibm-granite/granite-3.3-8b-instruct",
    Setting.MODELS: ["ibm-granite/granite-3.3-8b-instruct", "meta/meta-llama-3-70b-instruct"],
    Setting.LONGEST_ANSWER: 500,
    Setting.PRIVATE: True,
    Setting.PERSONA: "A heron. 苍鹭。",
    Setting.LANGUAGE: "zh-CN",
    Setting.PAUSED: True,
    Setting.TIME_ZONE: "Europe/Berlin",
    Setting.RETENTION_DAYS: 90,
}


@pytest.fixture
def mia(world: World) -> simcord.MemberActor:
    """Somebody who may manage the server."""
    return world.manager()


def said(result: simcord.InteractionResult) -> str:
    [message] = [each for each in (result.response, *result.followups) if each is not None and each.content]
    assert message.ephemeral
    return str(message.content)


async def exported(world: World, mia: simcord.MemberActor) -> dict[str, Any]:
    result = await mia.slash(world.channel, "settings export")
    assert result.response is not None
    assert result.response.ephemeral
    [file] = result.response.attachments
    found: dict[str, Any] = json.loads(await file.read())
    return found


async def taken(world: World, mia: simcord.MemberActor, file: Any) -> str:
    data = file if isinstance(file, bytes) else json.dumps(file).encode()
    return said(await mia.slash(world.channel, "settings import", file=("settings.json", data)))


async def history(world: World) -> tuple[AuditRow, ...]:
    return await world.bot.store.read(lambda transaction: audit_page(transaction, world.guild.id, 2**62, 100))


def file_of(world: World, **parts: Any) -> dict[str, Any]:
    return {"parlance": "settings", "version": 1, **parts}


def full(world: World) -> dict[str, Any]:
    """A file that speaks of everything."""
    category = world.guild.create_category("garden")
    role = world.guild.create_role("gardeners")
    server = {setting.value: value for setting, value in EVERYTHING.items()}
    server[Setting.NOTICES.value] = world.channel.id
    limit = {"place": "server", "metric": "requests", "window": "day", "amount": "20"}
    return file_of(
        world,
        server=server,
        channels={str(world.channel.id): {"private": False}},
        limits=[
            limit,
            {**limit, "role": str(role.id), "amount": "exempt"},
            {
                **limit,
                "place": "channel",
                "id": str(world.channel.id),
                "who": "everyone",
                "metric": "cost",
                "amount": "2.5",
            },
            {
                **limit,
                "place": "category",
                "id": str(category.id),
                "metric": "concurrent",
                "window": "now",
                "command": "story",
            },
        ],
    )


async def test_a_server_becomes_what_a_file_says(world: World, mia: simcord.MemberActor) -> None:
    told = await taken(world, mia, full(world))
    assert told.startswith("This server is now as in the file. Changed: 12 settings, 4 limits.")
    reaching = await world.bot.answers.services.policies.look(world.guild.id, world.channel.id)
    assert reaching.guild.persona == "A heron. 苍鹭。"
    assert reaching.guild.notices == world.channel.id
    assert reaching.channel == Choices(private=False)
    stored = await world.bot.store.read(lambda transaction: limits_in(transaction, world.guild.id))
    assert sorted(each.limit.amount for each in stored) == [-1, 20, 20, 2_500_000_000]
    assert len(await history(world)) == 16
    assert {row.user_id for row in await history(world)} == {mia.id}


async def test_what_was_exported_changes_nothing(world: World, mia: simcord.MemberActor) -> None:
    await taken(world, mia, full(world))
    file = await exported(world, mia)
    changes = len(await history(world))
    assert await taken(world, mia, file) == "Everything is as in this file already. Nothing was changed."
    assert len(await history(world)) == changes
    assert await exported(world, mia) == file


async def test_what_a_file_leaves_out_is_taken_back(world: World, mia: simcord.MemberActor) -> None:
    await taken(world, mia, full(world))
    told = await taken(world, mia, file_of(world))
    assert told.startswith("This server is now as in the file. Changed: 12 settings, 4 limits.")
    assert await exported(world, mia) == file_of(world, server={}, channels={}, limits=[])


async def test_every_fault_is_told_and_nothing_is_changed(world: World, mia: simcord.MemberActor) -> None:
    limit = {"place": "server", "metric": "requests", "window": "day", "amount": "20"}
    file = file_of(
        world,
        colour="teal",
        server={"persona": "", "model": "no/such", "longest_answer": 5000, "mood": 1, "notices": 5},
        channels={"5": {}, "x": {}, str(world.channel.id): {"time_zone": "UTC", "private": "yes"}},
        limits=[
            limit,
            {**limit, "amount": "many"},
            {**limit, "colour": "teal", "window": "year"},
            {**limit, "place": "channel", "id": "5"},
        ],
    )
    told = await taken(world, mia, file)
    assert told.splitlines() == [
        "Nothing was changed. What is wrong with this file:",
        "- colour is not known here.",
        "- server.persona wants a text of at most 2,000 characters.",
        "- server.model wants the name of a model that can be chosen here.",
        "- server.longest_answer wants a whole number from 16 to 2,048.",
        "- server.mood is not known here.",
        "- server.notices wants the id of a text channel of this server.",
        "- channels.5: this server has no such channel.",
        "- channels.x: this server has no such channel.",
        f"- channels.{world.channel.id}.time_zone is chosen for the whole server, not for a channel.",
        f"- channels.{world.channel.id}.private wants true or false.",
        "and 4 more",
    ]
    assert await history(world) == ()


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"server": []}, "server is not what belongs there."),
        ({"channels": []}, "channels is not what belongs there."),
        (
            {"limits": [{"place": "server", "metric": "requests", "window": "day", "amount": "many"}]},
            "limits.1: The amount wants to be a whole number from 1 to 1,000,000, such as 20.",
        ),
        (
            {"limits": [{"place": "server", "metric": "requests", "window": "year", "amount": "2"}]},
            "limits.1.window is not what belongs there.",
        ),
        (
            {"limits": [{"place": "server", "metric": "requests", "window": "day", "amount": "2", "x": 1}]},
            "limits.1.x is not known here.",
        ),
        ({"limits": {}}, "limits is not what belongs there."),
        ({"limits": ["x"]}, "limits.1 is not what belongs there."),
        ({"limits": [{}] * 101}, "limits: there are more than 100, and a server may have no more."),
        (
            {"limits": [{"place": "server", "metric": "requests", "window": "day", "amount": "2"}] * 2},
            "limits.2 is for the same thing as one above.",
        ),
        (
            {
                "limits": [
                    {"place": "server", "id": "5", "metric": "requests", "window": "day", "amount": "2"}
                ]
            },
            "limits.1 is not what belongs there.",
        ),
        (
            {
                "limits": [
                    {"place": "category", "id": "5", "metric": "requests", "window": "day", "amount": "2"}
                ]
            },
            "limits.1: this server has no such category.",
        ),
        (
            {
                "limits": [
                    {"place": "server", "role": "5", "metric": "requests", "window": "day", "amount": "2"}
                ]
            },
            "limits.1: this server has no such role.",
        ),
        (
            {"server": {"models": ["no/such"]}},
            "server.models wants a list of names of models that can be chosen here.",
        ),
    ],
)
async def test_one_fault_is_told(
    world: World, mia: simcord.MemberActor, parts: dict[str, Any], fault: str
) -> None:
    told = await taken(world, mia, file_of(world, **parts))
    assert told == f"Nothing was changed. What is wrong with this file:\n- {fault}"
    assert await history(world) == ()


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff\xfe{", b'{"parlance": "settings"', b"[" * 100_000, b'{"version": 1}'],
    ids=["empty", "cut", "list", "encoding", "cut late", "deep", "no kind"],
)
async def test_what_is_no_settings_file_is_told(world: World, mia: simcord.MemberActor, data: bytes) -> None:
    assert (await taken(world, mia, data)).startswith("This is no settings file: it cannot be read as one.")
    assert await history(world) == ()


async def test_another_version_is_told(world: World, mia: simcord.MemberActor) -> None:
    told = await taken(world, mia, {**file_of(world), "version": 2})
    assert told.startswith("This settings file is not of version 1, the one that I read.")


async def test_a_huge_file_is_not_even_read(world: World, mia: simcord.MemberActor) -> None:
    told = await taken(world, mia, b" " * 10_000_000)
    assert told == "A settings file is at most 256 KiB. Attach one that /settings export made."


async def test_both_are_for_those_who_manage_the_server(world: World) -> None:
    [command] = [each for each in await world.bot.tree.fetch_commands() if each.name == "settings"]
    world.guild.set_command_permissions(command, {world.guild.default_role: True})
    assert said(await world.ben.slash(world.channel, "settings export")) == NOT_ADMIN
    assert await taken(world, world.ben, file_of(world)) == NOT_ADMIN
