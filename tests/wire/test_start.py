"""How the bot comes online, and what it says and returns when it cannot."""

import signal

import pytest

from tests.wire.discord import DiscordStandIn, Intent
from tests.wire.process import Start

pytestmark = pytest.mark.slow


async def test_commands_are_synced_only_when_they_changed_or_by_force(
    standin: DiscordStandIn, start: Start
) -> None:
    for arguments, uploads, number in (
        ((), 1, signal.SIGTERM),
        ((), 1, signal.SIGINT),
        (("--force",), 2, signal.SIGTERM),
    ):
        bot = await start(*arguments)
        assert await bot.end(number) == 0
        assert len(standin.requests("PUT /applications/*/commands")) == uploads


async def test_a_token_that_discord_refuses_ends_it_with_1_and_a_word(
    standin: DiscordStandIn, start: Start
) -> None:
    bot = await start(online=False, DISCORD_TOKEN="wrong")
    assert await bot.process.wait() == 1
    log = await bot.log()
    assert "Discord does not accept DISCORD_TOKEN" in log
    assert "Traceback" not in log


async def test_without_the_message_content_intent_it_goes_on_and_says_so(
    standin: DiscordStandIn, start: Start
) -> None:
    standin.gateway.granted = Intent(0)
    bot = await start()
    await bot.says("Discord grants no message content")
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "still there?"})
    await standin.shown(asked, "-# meta")
    assert await bot.end() == 0


async def test_it_can_be_stopped_while_it_logs_in(standin: DiscordStandIn, start: Start) -> None:
    async with standin.hold("GET /users/@me") as login:
        bot = await start(online=False)
        await login.arrived()
        assert await bot.end() == 0
        assert "Traceback" not in await bot.log()


@pytest.mark.parametrize("status", [503, None])
@pytest.mark.parametrize("request_", ["GET /users/@me", "GET /oauth2/applications/@me", "GET /gateway/bot"])
async def test_while_discord_is_in_trouble_it_tries_again(
    standin: DiscordStandIn, start: Start, request_: str, status: int | None
) -> None:
    # A connection that was kept and is cut is tried once more by the client itself.
    standin.fault(request_, status=status, times=1 if status else 2)
    bot = await start()
    await bot.says("Discord cannot be reached or is in trouble, trying again in 1 s")
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "still there?"})
    await standin.shown(asked, "-# meta")
    assert await bot.end() == 0
    assert "Unclosed" not in await bot.log()


@pytest.mark.parametrize("where", ["http://discord.invalid/api", "http://127.0.0.1:1/api"])
async def test_where_there_is_no_way_to_discord_it_goes_on_trying(start: Start, where: str) -> None:
    bot = await start(online=False, DISCORD_API=where)
    await bot.says("Discord cannot be reached or is in trouble, trying again in 2 s")
    assert await bot.end() == 0
    assert "Traceback" not in await bot.log()


async def test_commands_that_discord_does_not_take_end_no_start(
    standin: DiscordStandIn, start: Start
) -> None:
    standin.fault("PUT /applications/*/commands", status=None, times=2)
    bot = await start(online=False)
    await bot.says("Discord did not take the commands")
    await bot.says("online as")
    assert await bot.end() == 0
