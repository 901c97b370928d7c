"""What other channels give, beyond what tests/cogs show of /summarize."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend.models import Overwrite
from simcord.enums import ChannelType, MessageType, OverwriteType

from bot.domain import Command, Request, Scope, SummarizeOptions, Surroundings, Visibility
from bot.errors import BadRequest
from bot.reading import history
from bot.reading.history import History
from bot.reading.transcript import Transcript
from tests.support.simulated import World


async def last(world: World, channel_id: int, count: int = 50, **place: Any) -> Transcript:
    """The last messages as Ana asks for them; ``place`` says what differs in her scope."""
    scope = replace(Scope(Surroundings.GUILD, world.ana.id, channel_id, world.guild.id), **place)
    request = Request(
        id=1,
        command=Command.SUMMARIZE,
        scope=scope,
        words="",
        options=SummarizeOptions(messages=count),
        locale="en-US",
        visibility=Visibility.PUBLIC,
        asked_at=discord.utils.utcnow(),
    )
    return await History(world.bot).last(request, count)


async def refusal(world: World, channel_id: int, **place: Any) -> str:
    with pytest.raises(BadRequest) as refused:
        await last(world, channel_id, **place)
    return refused.value.message


async def test_the_newest_are_read_and_told_oldest_first(world: World) -> None:
    for number in range(8):
        await world.ana.send(world.channel, f"message {number}")
    read = await last(world, world.channel.id, 3)
    assert read.count == 3
    assert [line.split(": ")[1] for line in read.text.splitlines()] == ["message 5", "message 6", "message 7"]


async def test_more_messages_than_there_are_is_all_of_them(world: World) -> None:
    await world.ana.send(world.channel, "the only one")
    assert (await last(world, world.channel.id, 500)).count == 1


async def test_joins_and_the_bots_own_notices_are_left_out(world: World) -> None:
    await world.ana.send(world.channel, "hello")
    world.guild.create_system_message(world.channel, MessageType.NEW_MEMBER, author=world.ben)
    world.model.answers("It is blue.")
    await world.ana.slash(world.channel, "story", premise="sea")
    read = await last(world, world.channel.id)
    assert read.count == 2
    assert read.text.endswith(": It is blue.\n")


async def test_what_messages_carry_is_named(world: World) -> None:
    embed = discord.Embed(title="Build 7", description="passed " * 400)
    await world.guild.create_webhook(world.channel, "builder").send("", embed=embed)
    first = await world.ana.send(world.channel, "", attachments=[("plan.txt", b"x"), ("map.png", b"y")])
    other = world.guild.create_text_channel("elsewhere")
    await world.ana.forward(await world.ana.send(other, "news from elsewhere"), world.channel)
    assert first.attachments
    text = (await last(world, world.channel.id)).text
    assert "[embed: Build 7 - passed passed" in text
    assert "…]" in text
    assert "[file: plan.txt]\n  [file: map.png]\n" in text
    assert "[forwarded: news from elsewhere]" in text


async def test_a_poll_is_named_with_its_answers(world: World) -> None:
    poll = discord.Poll("When do we meet?", timedelta(hours=4))
    poll.add_answer(text="Friday")
    poll.add_answer(text="Sunday")
    channel = world.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.send("vote", poll=poll)
    assert "[poll: When do we meet? Friday / Sunday]" in (await last(world, world.channel.id)).text


async def test_a_person_installed_bot_reads_no_history(world: World) -> None:
    place = {"surroundings": Surroundings.USER_INSTALL}
    assert await refusal(world, world.channel.id, **place) == history.NOT_A_MEMBER


async def test_a_channel_that_is_gone_is_said(world: World) -> None:
    assert await refusal(world, 12345) == history.GONE


async def test_a_forum_itself_has_no_messages(world: World) -> None:
    forum = world.guild.create_forum_channel("questions")
    assert await refusal(world, forum.id) == history.NO_MESSAGES


async def test_a_channel_that_the_asker_cannot_see_is_refused(world: World) -> None:
    hidden = world.guild.create_text_channel(
        "staff", overwrites={world.ana: discord.PermissionOverwrite(view_channel=False)}
    )
    await world.ben.send(hidden, "a secret")
    assert await refusal(world, hidden.id) == history.ASKER_MAY_NOT


@pytest.mark.parametrize("kind", [ChannelType.VOICE, ChannelType.STAGE_VOICE])
async def test_where_people_speak_only_who_may_join_may_have_it_read(world: World, kind: ChannelType) -> None:
    assert world.bot.user is not None
    board, rehearsal, lounge = [
        world.env.backend.create_channel(
            world.guild.id,
            name,
            type=kind,
            overwrites=[
                Overwrite(
                    target_id=one, type=OverwriteType.MEMBER, deny=discord.Permissions(connect=True).value
                )
                for one in kept_out
            ],
        )
        for name, kept_out in (("board", [world.ana.id]), ("rehearsal", [world.bot.user.id]), ("lounge", []))
    ]
    await world.env.settle()
    for channel in (board, rehearsal, lounge):
        await world.ben.send(ChannelHandle(world.env, world.guild, channel), "between us")
    assert await refusal(world, board.id) == history.ASKER_MAY_NOT
    assert await refusal(world, rehearsal.id) == history.BOT_MAY_NOT
    assert "between us" in (await last(world, lounge.id)).text


async def test_a_person_who_left_is_refused(world: World) -> None:
    await world.ana.send(world.channel, "bye")
    world.guild.remove_member(world.ana)
    assert await refusal(world, world.channel.id) == history.ASKER_MAY_NOT


async def test_a_thread_of_a_channel_that_the_asker_cannot_see_is_refused(world: World) -> None:
    hidden = world.guild.create_text_channel(
        "staff", overwrites={world.ana: discord.PermissionOverwrite(view_channel=False)}
    )
    thread = world.env.backend.create_thread(hidden.id, "plans", world.ben.id, type=ChannelType.PUBLIC_THREAD)
    await world.env.settle()
    await world.ben.send(ChannelHandle(world.env, world.guild, thread), "a secret")
    assert await refusal(world, hidden.id, thread_id=thread.id) == history.ASKER_MAY_NOT


async def test_a_right_that_was_lost_since_asking_counts(world: World) -> None:
    role = world.guild.create_role("muted")
    channel = world.guild.create_text_channel(
        "club", overwrites={role: discord.PermissionOverwrite(read_message_history=False)}
    )
    await world.ben.send(channel, "a secret")
    assert "a secret" in (await last(world, channel.id)).text
    world.env.backend.add_member_role(world.guild.id, world.ana.id, role.id)
    await world.env.settle()
    assert await refusal(world, channel.id) == history.ASKER_MAY_NOT


async def test_a_channel_of_another_server_is_read_for_its_own_members_only(world: World) -> None:
    other = world.env.create_guild("elsewhere")
    channel = other.create_text_channel("general")
    eve = other.add_member(world.env.create_user("eve"))
    await eve.send(channel, "between us")
    assert await refusal(world, channel.id) == history.GONE
    assert await refusal(world, channel.id, guild_id=other.id) == history.ASKER_MAY_NOT


async def private_thread(world: World, *members: int) -> ChannelHandle:
    assert world.bot.user is not None
    thread = world.env.backend.create_thread(
        world.channel.id, "inner circle", world.ben.id, type=ChannelType.PRIVATE_THREAD
    )
    for member in (world.bot.user.id, *members):
        world.env.backend.add_thread_member(thread.id, member)
    await world.env.settle()
    handle = ChannelHandle(world.env, world.guild, thread)
    await world.ben.send(handle, "between us")
    return handle


async def test_a_private_thread_is_read_for_its_members_only(world: World) -> None:
    thread = await private_thread(world)
    place = {"thread_id": thread.id}
    assert await refusal(world, world.channel.id, **place) == history.ASKER_MAY_NOT
    world.env.backend.add_thread_member(thread.id, world.ana.id)
    assert "between us" in (await last(world, world.channel.id, **place)).text


async def test_a_private_thread_is_read_for_moderators(world: World) -> None:
    thread = await private_thread(world)
    may = world.guild.create_role("moderators", permissions=discord.Permissions(manage_threads=True))
    cleo = world.guild.add_member(world.env.create_user("cleo"), roles=[may])
    place = {"thread_id": thread.id, "user_id": cleo.id}
    assert "between us" in (await last(world, world.channel.id, **place)).text


async def test_discord_refusing_the_history_is_said(world: World) -> None:
    await world.ana.send(world.channel, "hello")
    for status, sentence in ((403, history.BOT_MAY_NOT), (404, history.GONE)):
        world.env.inject_error("GET", f"/channels/{world.channel.id}/messages", status=status, code=10003)
        assert await refusal(world, world.channel.id) == sentence
    world.env.inject_error("GET", "/channels/777", status=403, code=50001)
    assert await refusal(world, 777) == history.BOT_MAY_NOT


async def test_too_long_a_history_is_refused_with_what_would_fit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LARGEST_HISTORY", 4000)
    for _ in range(5):
        await world.ana.send(world.channel, "x" * 1500)
    with pytest.raises(BadRequest) as refused:
        await last(world, world.channel.id)
    assert refused.value.message == history.TOO_LONG
    assert refused.value.fields == {"count": 5, "fitting": 2}


async def test_channels_that_the_asker_does_not_see_have_no_name(world: World) -> None:
    guild = world.guild
    hidden = guild.create_text_channel(
        "merger", overwrites={world.ana: discord.PermissionOverwrite(view_channel=False)}
    )
    seen = guild.create_text_channel("garden")
    backend, ben = world.env.backend, world.ben.id
    secret = backend.create_thread(seen.id, "surprise", ben, type=ChannelType.PRIVATE_THREAD)
    open_ = backend.create_thread(seen.id, "tools", ben, type=ChannelType.PUBLIC_THREAD)
    below = backend.create_thread(hidden.id, "terms", ben, type=ChannelType.PUBLIC_THREAD)
    mentioned = " ".join(
        f"<#{channel.id}>" for channel in (hidden, seen, secret, open_, below, world.channel)
    )
    first = await world.ben.send(world.channel, mentioned)
    await world.ana.send(world.channel, "what are these?", reply_to=first)
    text = (await last(world, world.channel.id)).text
    assert f"#no-access #garden #no-access #tools #no-access #{world.channel.name}" in text
