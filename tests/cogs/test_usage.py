"""/usage: what people see of what was used, and who sees it."""

import csv
import io
import json

import discord
import pytest
import simcord

from bot.charts import Chart, Charts
from bot.domain import Place, Setting
from bot.ids import utc_now
from bot.store.audit import Change, ChangeKind
from tests.support.simulated import World

NOT_ADMIN = "Only people with the permission “Manage Server” can do this."
PNG = b"\x89PNG\r\n"


@pytest.fixture
def mia(world: World) -> simcord.MemberActor:
    """Somebody who may manage the server."""
    return world.manager()


async def asked(world: World, who: simcord.MemberActor, channel: simcord.ChannelHandle | None = None) -> None:
    world.model.answers("Blue.")
    await who.slash(channel or world.channel, "ask", question="Sea?")


def told(result: simcord.InteractionResult) -> str:
    [message] = [each for each in (result.response, *result.followups) if each is not None and each.content]
    assert message.ephemeral
    return str(message.content)


async def files(result: simcord.InteractionResult) -> dict[str, bytes]:
    messages = [each for each in (result.response, *result.followups) if each is not None]
    found = [file for message in messages for file in message.attachments]
    return {file.filename: await file.read() for file in found}


async def test_a_server_sees_what_it_used(world: World, mia: simcord.MemberActor) -> None:
    await asked(world, world.ana)
    await asked(world, world.ana)
    await asked(world, world.ben)
    result = await mia.slash(world.channel, "usage server")
    text = told(result)
    assert text.startswith("**What this server used** · ")
    # Three calls of 10 tokens in and 5 out, at 650 and 2,750 nano-dollars.
    assert "$0.000061 · 3 requests · 30 tokens in, 15 out\n" in text
    assert "-# A month at this pace: about $0.0018\n" in text
    assert f"**Members** <@{world.ana.id}> $0.00004 · <@{world.ben.id}> $0.00002\n" in text
    assert f"**Channels** <#{world.channel.id}> $0.000061\n" in text
    assert "**Commands** /ask $0.000061\n" in text
    assert "**Models** `meta/meta-llama-3-70b-instruct` $0.000061\n" in text
    assert text.endswith("\n\nDollars, day by day:")
    [(name, png)] = (await files(result)).items()
    assert name == "usage.png"
    assert png.startswith(PNG)


@pytest.mark.parametrize(
    ("by", "line"),
    [("member", "1. <@{ana}> $0.00002 · 1 request"), ("command", "1. /ask $0.00002 · 1 request")],
)
async def test_it_is_told_apart_by_what_was_chosen(
    world: World, mia: simcord.MemberActor, by: str, line: str
) -> None:
    await asked(world, world.ana)
    result = await mia.slash(world.channel, "usage server", by=by, period="today")
    assert line.format(ana=world.ana.id) in told(result)
    assert (await files(result))["usage.png"].startswith(PNG)


@pytest.mark.parametrize("by", ["channel", "model"])
async def test_channels_and_models_have_their_names_in_the_picture(
    world: World, mia: simcord.MemberActor, by: str
) -> None:
    await asked(world, world.ana)
    result = await mia.slash(world.channel, "usage server", by=by)
    assert "\n1. " in told(result)
    assert (await files(result))["usage.png"].startswith(PNG)


async def test_one_channel_and_one_member_can_be_looked_at(world: World, mia: simcord.MemberActor) -> None:
    other = world.guild.create_text_channel("other")
    await asked(world, world.ana)
    await asked(world, world.ben, other)
    here = told(await mia.slash(world.channel, "usage server", channel=other))
    assert here.startswith(f"**What was used in <#{other.id}>** · ")
    assert "· 1 request ·" in here
    assert f"<@{world.ana.id}>" not in here
    hers = told(await mia.slash(world.channel, "usage server", member=world.ana))
    assert hers.startswith(f"**What <@{world.ana.id}> used here** · ")
    assert "· 1 request ·" in hers
    neither = told(await mia.slash(world.channel, "usage server", channel=other, member=world.ana))
    assert neither.startswith(f"**What <@{world.ana.id}> used in <#{other.id}>** · ")
    assert "Nothing was used in these days." in neither


async def test_another_servers_use_is_never_shown(world: World, mia: simcord.MemberActor) -> None:
    elsewhere = world.env.create_guild("Elsewhere", owner=mia.user)
    theirs = elsewhere.create_text_channel("theirs")
    await asked(world, world.ana)
    owner = elsewhere.add_member(mia.user)
    assert "Nothing was used" in told(await owner.slash(theirs, "usage server"))
    assert "nothing to export" in told(await owner.slash(theirs, "usage export"))


async def test_days_are_those_of_the_servers_time_zone(world: World, mia: simcord.MemberActor) -> None:
    await world.bot.answers.services.policies.change(
        Change(
            world.bot.ids.new(),
            world.guild.id,
            mia.id,
            utc_now(),
            ChangeKind.SETTING,
            Place.GUILD,
            world.guild.id,
            Setting.TIME_ZONE.value,
            "Pacific/Kiritimati",
        )
    )
    await asked(world, world.ana)
    text = told(await mia.slash(world.channel, "usage server", period="today"))
    assert "· 1 request ·" in text


async def test_where_nothing_costs_anything_requests_are_drawn(
    world: World, mia: simcord.MemberActor
) -> None:
    world.model.answers("Blue.")
    await world.ana.slash(world.channel, "ask", question="Sea?", model="meta/llama-4-maverick-instruct")
    text = told(await mia.slash(world.channel, "usage server"))
    assert text.endswith("\n\nRequests, day by day:")
    assert "A month at this pace" not in text
    assert f"**Members** <@{world.ana.id}> 1 request\n" in text


class KeptCharts(Charts):
    """Keeps the chart that was drawn last."""

    async def draw(self, chart: Chart) -> bytes:
        self.chart = chart
        return await super().draw(chart)


async def test_a_channel_that_an_admin_does_not_see_has_no_name_in_the_picture(
    world: World, mia: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = KeptCharts()
    monkeypatch.setattr(world.bot.get_cog("UsageCog"), "charts", charts)
    hidden = world.guild.create_text_channel(
        "merger", overwrites={mia: discord.PermissionOverwrite(view_channel=False)}
    )
    await asked(world, world.ana)
    await asked(world, world.ana, hidden)
    await mia.slash(world.channel, "usage server", by="channel")
    assert {bar.name for bar in charts.chart.bars} == {f"#{world.channel.name}", ""}


async def test_without_a_picture_the_figures_come(
    world: World, mia: simcord.MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.bot.get_cog("UsageCog"), "charts", Charts("bot.charts.no_such_module"))
    await asked(world, world.ana)
    result = await mia.slash(world.channel, "usage server")
    assert told(result).endswith("\n-# The picture could not be drawn; the figures are complete.")
    assert (await files(result)) == {}


async def test_members_see_their_own_everywhere(world: World) -> None:
    await asked(world, world.ana)
    world.model.answers("Blue.")
    await world.ana.user.slash("ask", question="Sea?")
    await asked(world, world.ben)
    for result in (await world.ana.slash(world.channel, "usage me"), await world.ana.user.slash("usage me")):
        text = told(result)
        assert text.startswith("**What you used** · ")
        assert "· 2 requests ·" in text
        assert "Members" not in text


@pytest.mark.parametrize("command", ["usage server", "usage export"])
async def test_figures_of_the_server_are_for_those_who_manage_it(world: World, command: str) -> None:
    await asked(world, world.ana)
    assert told(await world.ben.slash(world.channel, command)) == NOT_ADMIN
    assert told(await world.ben.user.slash(command)) == NOT_ADMIN


async def test_rows_are_exported_as_csv(world: World, mia: simcord.MemberActor) -> None:
    await asked(world, world.ana)
    await asked(world, world.ben)
    [(name, data)] = (await files(await mia.slash(world.channel, "usage export"))).items()
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert name == "usage.csv"
    assert [row["user_id"] for row in rows] == [str(world.ana.id), str(world.ben.id)]
    assert {row["cost_nano_dollars"] for row in rows} == {"20250"}
    assert "Sea?" not in data.decode()


async def test_rows_are_exported_as_json_lines(world: World, mia: simcord.MemberActor) -> None:
    await asked(world, world.ana)
    [(name, data)] = (await files(await mia.slash(world.channel, "usage export", format="jsonl"))).items()
    [row] = [json.loads(line) for line in data.decode().splitlines()]
    assert name == "usage.jsonl"
    assert (row["command"], row["ending"], row["input_tokens"]) == ("ask", "done", 10)
