"""Answers that outlive their interaction's token: where they go on, and that private ones stay private."""

import asyncio

import pytest

from bot.app import Parlance
from tests.wire.discord import DiscordStandIn, Dms, Install, Permission, Phase
from tests.wire.kills import plain
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interactions' tokens last as long as it takes to write a little."""
    monkeypatch.setattr("bot.replies.interaction.TOKEN_SECONDS", 46.0)


@pytest.fixture
def middle(replicate: ReplicateStandIn) -> asyncio.Event:
    """The model writes half of its answer, and the rest when this is set."""
    event = asyncio.Event()
    replicate.script(Script(tokens=["Half of it, ", "and the rest."], gates={1: event}))
    return event


async def test_a_public_answer_goes_on_as_a_channel_message(
    standin: DiscordStandIn, bot: Parlance, middle: asyncio.Event
) -> None:
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "how long?"})
    await standin.wait_for(lambda: "Half of it" in asked.text)
    message = asked.messages[0]
    asyncio.get_running_loop().call_later(1.2, middle.set)
    await standin.wait_for(lambda: "-# meta" in message.content)
    assert "Half of it, and the rest." in message.content
    assert standin.requests("PATCH /channels/*")


async def test_a_private_answer_goes_on_in_direct_messages(
    standin: DiscordStandIn, bot: Parlance, middle: asyncio.Event
) -> None:
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "how long?", "private": True})
    await standin.wait_for(lambda: "direct messages" in asked.text)
    assert asked.messages[0].ephemeral
    middle.set()
    direct = standin.world.dm_channel(standin.member)
    await standin.wait_for(lambda: any("-# meta" in sent.content for sent in standin.sent(direct)))
    assert any("Half of it, and the rest." in sent.content for sent in standin.sent(direct))
    assert all(message.ephemeral for message in standin.sent(standin.channel))


async def test_a_private_answer_without_direct_messages_ends_with_a_note(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance, middle: asyncio.Event
) -> None:
    standin.member.dms = Dms.CLOSED
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "how long?", "private": True})
    await standin.wait_for(lambda: "lets me write here no longer" in asked.text)
    assert "Half of it" in asked.text
    await bot.answers.close()
    assert replicate.last.cancels


async def test_where_the_bot_may_not_write_the_answer_ends_with_a_note(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance, middle: asyncio.Event
) -> None:
    standin.deny(standin.channel, standin.bot, Permission.SEND_MESSAGES)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "how long?"})
    await standin.wait_for(lambda: "lets me write here no longer" in asked.text)
    await bot.answers.close()
    assert replicate.last.cancels


async def test_a_long_answer_of_a_user_installed_app_needs_no_sixth_follow_up(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance
) -> None:
    elsewhere = standin.add_guild("elsewhere", standin.other)
    channel = standin.add_channel("talk", elsewhere)
    member = standin.add_user("traveller", elsewhere)
    standin.rules.clear()
    replicate.script(Script(tokens=[f"word{number} " for number in range(1500)]))
    asked = standin.slash(member, channel, "ask", {"question": "long?"}, install=Install.USER)
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert len(asked.followups) <= 4
    file = asked.messages[-1].attachments[0].upload.data.decode()
    assert file.split() == [f"word{number}" for number in range(1500)]


async def test_a_follow_up_whose_response_was_lost_goes_on_in_the_channel(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance
) -> None:
    words = [f"word{number:04}" for number in range(400)]
    replicate.script(Script(tokens=[f"{word} " for word in words]))
    standin.fault("POST /webhooks/*", status=503, phase=Phase.AFTER)
    standin.slash(standin.member, standin.channel, "ask", {"question": "how long?"})

    def shown() -> str:
        return "\n".join(message.content for message in standin.sent(standin.channel))

    await standin.wait_for(lambda: "-# meta" in shown())
    assert plain(shown()).split() == words
    assert standin.requests("PATCH /channels/*")
