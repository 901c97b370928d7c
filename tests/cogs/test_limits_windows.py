"""When limits start anew, as people in a simulated Discord see it."""

from datetime import UTC, datetime
from typing import Any

import pytest
import simcord

from bot.domain import Place, Setting
from bot.store.audit import Change, ChangeKind
from tests.support.simulated import World


@pytest.fixture
def mia(world: World) -> simcord.MemberActor:
    """Somebody who may manage the server."""
    return world.manager()


async def set_limit(world: World, admin: simcord.MemberActor, amount: str, window: str, **where: Any) -> None:
    options = {"metric": "requests", "amount": amount, "window": window, **where}
    result = await admin.slash(world.channel, "limits set", **options)
    assert result.response is not None
    assert result.response.content.startswith("Set: ")


async def said(world: World) -> str:
    """What Ana is told when she asks something."""
    world.model.echo = "Blue."
    result = await world.ana.slash(world.channel, "ask", question="Sea?")
    return str([message for message in (result.response, *result.followups) if message][-1].content)


async def move_to(world: World, when: datetime) -> None:
    await world.env.advance_time((when - world.env.now()).total_seconds())


async def zone(world: World, admin: simcord.MemberActor, name: str) -> None:
    """Choose a time zone for the server."""
    change = Change(
        world.bot.ids.new(),
        world.guild.id,
        admin.id,
        world.env.now(),
        ChangeKind.SETTING,
        Place.GUILD,
        world.guild.id,
        Setting.TIME_ZONE.value,
        name,
    )
    await world.bot.answers.services.policies.change(change)


def anew(when: datetime) -> str:
    return f"It starts anew <t:{int(when.timestamp())}:R>."


async def test_another_window_in_the_middle_of_one_counts_what_was_used(
    world: World, mia: simcord.MemberActor
) -> None:
    await move_to(world, datetime(2026, 1, 15, 10, 20, tzinfo=UTC))
    await set_limit(world, mia, "2", "hour")
    assert "Blue." in await said(world)
    await move_to(world, datetime(2026, 1, 15, 11, 20, tzinfo=UTC))
    assert "Blue." in await said(world)
    # Of the second hour, one is left; of the day that is chosen instead, none.
    [choice] = await mia.autocomplete(world.channel, "limits clear", "limit", "hour")
    await mia.slash(world.channel, "limits clear", limit=choice["value"])
    await set_limit(world, mia, "2", "day")
    refusal = await said(world)
    assert refusal.startswith("You have used 2 of your 2 requests today.")
    assert anew(datetime(2026, 1, 16, tzinfo=UTC)) in refusal
    await move_to(world, datetime(2026, 1, 16, tzinfo=UTC))
    assert "Blue." in await said(world)


async def test_another_time_zone_in_the_middle_of_a_day_gives_nothing_back(
    world: World, mia: simcord.MemberActor
) -> None:
    await move_to(world, datetime(2026, 1, 15, 14, 59, tzinfo=UTC))
    await set_limit(world, mia, "1", "day")
    assert "Blue." in await said(world)
    await zone(world, mia, "Asia/Tokyo")
    # A minute later it is the sixteenth in Tokyo.
    refusal = await said(world)
    assert refusal.startswith("You have used 1 of your 1 request today.")
    assert anew(datetime(2026, 1, 15, 15, tzinfo=UTC)) in refusal
    await move_to(world, datetime(2026, 1, 15, 15, tzinfo=UTC))
    assert "Blue." in await said(world)


async def test_a_day_whose_clocks_go_back_ends_once(world: World, mia: simcord.MemberActor) -> None:
    await zone(world, mia, "Europe/Berlin")
    # The 25th of October begins at 22:00 in UTC, lasts 25 hours, and has the hour from two to three twice.
    await move_to(world, datetime(2026, 10, 24, 22, tzinfo=UTC))
    await set_limit(world, mia, "2", "day")
    await set_limit(world, mia, "1", "hour")
    for hour in (0, 1):
        await move_to(world, datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
        assert "Blue." in await said(world)
    end = datetime(2026, 10, 25, 23, tzinfo=UTC)
    await move_to(world, end.replace(hour=22, minute=59))
    refusal = await said(world)
    assert refusal.startswith("You have used 2 of your 2 requests today.")
    assert anew(end) in refusal
    await move_to(world, end)
    assert "Blue." in await said(world)
