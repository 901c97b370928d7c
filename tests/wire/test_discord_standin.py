"""The stand-in against the real discord.py: what passes, what is refused, what is recorded."""

import asyncio

import discord
import pytest

from tests.wire import launch
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_commands import Impossible
from tests.wire.discord_contract import Contract
from tests.wire.discord_gateway import Intent
from tests.wire.discord_kinds import Acknowledged, ChannelKind
from tests.wire.discord_world import Upload
from tests.wire.minimal_bot import MinimalBot


async def test_a_deferred_answer_grows_and_is_followed_up(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    file = Upload("poem.txt", "línea".encode())
    options = {"text": "hi", "times": 3, "file": file}
    interaction = standin.slash(standin.member, standin.channel, "echo", options)
    message = await standin.shown(interaction, "línea")
    assert [version.content for version in message.versions] == ["hi", "hi hi", "hi hi hi"]
    assert message.versions == sorted(message.versions, key=lambda version: version.time)
    assert [sent.upload.filename for sent in interaction.followups[0].attachments] == ["bot.txt"]
    assert standin.sent(standin.channel) == interaction.messages
    assert [exchange.status for exchange in standin.requests("PATCH /webhooks/*")] == [200, 200, 200]
    assert not message.ephemeral
    assert not standin.pings


async def test_a_private_deferral_keeps_what_follows_private(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    interaction = standin.slash(standin.member, standin.channel, "echo", {"text": "psst", "private": True})
    message = await standin.shown(interaction, "psst")
    assert message.ephemeral
    with pytest.raises(Impossible, match="cannot see"):
        standin.press(standin.other, message, message.button("Stop"))
    found = [found async for found in minimal_bot.get_partial_messageable(standin.channel.id).history()]
    assert found == []


async def test_a_button_is_pressed(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    interaction = standin.slash(standin.member, standin.channel, "echo", {"text": "hi"})
    message = await standin.shown(interaction, "hi")
    pressed = standin.press(standin.other, message, message.button("Stop"))
    await standin.wait_for(lambda: message.content == "stopped")
    assert pressed.acknowledged is Acknowledged.RESPONDED
    with pytest.raises(LookupError):
        message.button("Stop")


async def test_a_form_is_shown_and_sent(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    interaction = standin.slash(standin.member, standin.channel, "form")
    await standin.wait_for(lambda: interaction.modal)
    sent = standin.submit(interaction, {"words": "some words"})
    await standin.shown(sent, "you wrote some words")


async def test_an_option_completes(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    typed = standin.autocomplete(standin.member, standin.channel, "echo", "text", "wh")
    choices = await standin.wait_for(lambda: typed.choices)
    assert [choice["value"] for choice in choices or []] == ["wh!", "wh?"]


async def test_a_message_menu(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    message = standin.say(standin.member, standin.channel, "quiet")
    await standin.shown(standin.menu(standin.other, message, "Shout"), "QUIET")


async def test_a_direct_message_is_answered(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    message = standin.dm(standin.member, "hello")
    await standin.wait_for(lambda: standin.sent(message.channel))
    assert standin.sent(message.channel)[0].content == "you said hello"
    assert [channel for _, channel in standin.typing] == [message.channel]


async def test_a_mention_is_replied_to_without_a_ping(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    message = standin.say(standin.member, standin.channel, f"{standin.mention} @everyone hello")
    await standin.wait_for(lambda: "here:" in "".join(sent.content for sent in standin.sent(standin.channel)))
    (answer,) = standin.sent(standin.channel)
    assert answer.reference is message
    assert [version.content for version in answer.versions] == ["one moment", f"here: {message.content}"]
    assert answer.pings == []


async def test_a_dropped_gateway_is_resumed_and_nothing_is_lost(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    await standin.drop_gateway()
    first = standin.slash(standin.member, standin.channel, "echo", {"text": "missed"})
    await standin.shown(first, "missed")
    assert (standin.gateway.resumed, len(standin.gateway.identified)) == (1, 1)
    assert sum("missed" in message.content for message in standin.sent(standin.channel)) == 1


async def test_a_refused_resume_makes_the_bot_identify(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    standin.refuse_resume()
    await standin.drop_gateway()
    await standin.wait_for(lambda: len(standin.gateway.identified) == 2 and standin.gateway.connected)
    await standin.shown(standin.slash(standin.member, standin.channel, "echo", {"text": "again"}), "again")


async def test_threads_and_posts(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    forum = standin.add_channel("forum", standin.guild, ChannelKind.FORUM)
    post = standin.add_channel("post", standin.guild, ChannelKind.PUBLIC_THREAD, forum)
    await standin.shown(standin.slash(standin.member, post, "echo", {"text": "hi"}), "hi")
    standin.say(standin.member, post, f"{standin.mention} hello")
    await standin.wait_for(lambda: any("here:" in message.content for message in standin.sent(post)))
    assert isinstance(minimal_bot.heard[-1].channel, discord.Thread)


async def test_what_a_bot_does_by_itself(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    place = await minimal_bot.fetch_channel(standin.channel.id)
    assert isinstance(place, discord.TextChannel)
    asked = await place.fetch_message(standin.say(standin.member, standin.channel, "hi").id)
    await asked.add_reaction("👍")
    thread = await asked.create_thread(name="further")
    await thread.send("in the thread")
    assert [message.content for message in standin.sent(standin.world.channels[asked.id])] == [
        "in the thread"
    ]
    mine = await place.send("gone", file=discord.File(__file__))
    await mine.edit(content="going", attachments=[])
    await mine.delete()
    (gone,) = standin.sent(standin.channel)
    assert (gone.content, gone.attachments, gone.deleted is None) == ("going", [], False)
    with pytest.raises(discord.Forbidden):
        await asked.delete()
    forum = standin.add_channel("forum", standin.guild, ChannelKind.FORUM)
    held = await minimal_bot.fetch_channel(forum.id)
    assert isinstance(held, discord.ForumChannel)
    post = await held.create_thread(name="post", content="opening")
    assert [message.content for message in standin.sent(standin.world.channels[post.thread.id])] == [
        "opening"
    ]


async def test_the_bot_joins_and_leaves_guilds(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    left: asyncio.Queue[discord.Guild] = asyncio.Queue()

    async def on_guild_remove(guild: discord.Guild) -> None:
        left.put_nowait(guild)

    minimal_bot.add_listener(on_guild_remove)
    guild = standin.add_guild("elsewhere", standin.owner, standin.member)
    hall = standin.add_channel("hall", guild)
    standin.invite(guild)
    await standin.shown(standin.slash(standin.member, hall, "echo", {"text": "hi"}), "hi")
    standin.kick(guild)
    assert (await left.get()).id == guild.id


async def test_a_wrong_token_and_missing_intents(standin: DiscordStandIn) -> None:
    with launch.pointed(standin.environment()):
        async with MinimalBot() as stranger:
            with pytest.raises(discord.LoginFailure):
                await stranger.login("wrong")
        standin.gateway.granted = Intent(0)
        async with MinimalBot() as curious:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await curious.start(standin.world.token)


async def test_shards_hear_of_their_own_guilds(contract: Contract | None) -> None:
    async with DiscordStandIn(shards=2, contract=contract) as standin:
        with launch.pointed(standin.environment()):
            async with MinimalBot() as client:
                running = asyncio.create_task(client.start(standin.world.token))
                await standin.wait_for(lambda: len(standin.gateway.connected) == 2)
                await standin.shown(
                    standin.slash(standin.member, standin.channel, "echo", {"text": "hi"}), "hi"
                )
                await client.close()
                await running
        assert {session.shards for session in standin.gateway.sessions} == {2}
        assert not standin.problems()


async def test_a_bot_runs_as_a_process(standin: DiscordStandIn) -> None:
    process = await launch.start(standin.environment(), "run", module="tests.wire.minimal_bot")
    try:
        await standin.online()
        interaction = standin.slash(standin.member, standin.channel, "echo", {"text": "hi"})
        await standin.shown(interaction, "hi")
    finally:
        process.kill()
        await process.wait()


async def test_waiting_in_vain_tells_what_passed(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    with pytest.raises(TimeoutError, match="/users/@me -> 200"):
        await standin.wait_for(lambda: False, timeout=0.01)
