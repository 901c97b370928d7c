"""The stand-in against the real discord.py: what it refuses, limits, hides and records."""

import asyncio

import aiohttp
import discord
import pytest

from tests.wire import launch
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_buckets import EDITS, INTERACTION, Rule
from tests.wire.discord_commands import Impossible
from tests.wire.discord_contract import DESCRIPTION, Contract
from tests.wire.discord_gateway import Intent
from tests.wire.discord_kinds import ChannelKind, Dms, Install, Permission
from tests.wire.discord_log import Phase
from tests.wire.minimal_bot import MinimalBot


async def test_what_would_ping_is_seen(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    place = minimal_bot.get_partial_messageable(standin.channel.id)
    everyone = discord.AllowedMentions.all()
    user = discord.AllowedMentions(users=[standin.member], replied_user=True)
    text = f"@here {standin.member.mention} {standin.other.mention}"
    asked = standin.say(standin.member, standin.channel, "hi")
    await place.send(text, allowed_mentions=everyone)
    await place.send(text, allowed_mentions=user, reference=place.get_partial_message(asked.id))
    loud, narrow = standin.sent(standin.channel)
    assert loud.pings == ["@here", standin.member.mention, standin.other.mention]
    assert narrow.pings == [standin.member.mention, "reply"]


async def test_a_breach_is_recorded_and_told(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    standin.rules[EDITS] = Rule(2, 1.0)
    message = await minimal_bot.get_partial_messageable(standin.channel.id).send("0")
    address = f"{standin.environment()['DISCORD_API']}/channels/{standin.channel.id}/messages/{message.id}"
    headers = {"Authorization": f"Bot {standin.world.token}"}
    # Another client spends the bucket, so that the library's own care is not in the way.
    async with aiohttp.ClientSession(headers=headers) as session:
        for left in ("1", "0"):
            async with session.patch(address, json={"content": left}) as answer:
                assert answer.headers["X-RateLimit-Remaining"] == left
        async with session.patch(address, json={"content": "too many"}) as answer:
            assert answer.status == 429
            assert float(answer.headers["Retry-After"]) == (await answer.json())["retry_after"] <= 1.0
            assert answer.headers["Via"]
    await message.edit(content="in the next window")
    assert [version.content for version in standin.sent(standin.channel)[0].versions] == [
        "0",
        "1",
        "0",
        "in the next window",
    ]
    assert [breach.bucket for breach in standin.breaches] == [EDITS, EDITS]
    assert all("rate limit" in problem for problem in standin.problems())
    standin.breaches.clear()


async def test_a_token_has_one_bucket_for_all_its_writes(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    standin.rules[INTERACTION] = Rule(3, 0.2)
    options = {"text": "hi", "times": 4}
    interaction = standin.slash(standin.member, standin.channel, "echo", options)
    await standin.shown(interaction, "hi hi hi hi")
    first, *_, last = standin.requests("PATCH /webhooks/*")
    assert last.started - first.started >= 0.2
    assert {exchange.bucket for exchange in standin.requests("* /webhooks/*")} == {first.bucket}


async def test_late_and_double_acknowledgements_are_refused(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    interaction = standin.slash(standin.member, standin.channel, "echo", {"text": "hi"})
    await standin.shown(interaction, "hi")
    route = discord.http.Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback")
    with pytest.raises(discord.HTTPException) as refused:
        await minimal_bot.http.request(route, json={"type": 5})
    assert (refused.value.status, refused.value.code) == (400, 40060)
    standin.slash(standin.member, standin.channel, "echo", {"text": "late"}).late = True
    assert "Unknown interaction" in str(await minimal_bot.failures.get())


async def test_a_token_ends(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    async with standin.hold("PATCH /webhooks/*") as hold:
        interaction = standin.slash(standin.member, standin.channel, "echo", {"text": "hi"})
        await hold.arrived()
        interaction.expired = True
    assert "Invalid Webhook Token" in str(await minimal_bot.failures.get())
    assert interaction.messages == []


@pytest.mark.parametrize(
    ("content", "code"),
    [("x" * 2001, 50035), ("😀" * 1001, 50035), ("  \n ", 50006)],
    ids=["long", "long in UTF-16", "blank"],
)
async def test_content_is_measured(
    standin: DiscordStandIn, minimal_bot: MinimalBot, content: str, code: int
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await minimal_bot.get_partial_messageable(standin.channel.id).send(content)
    assert (refused.value.status, refused.value.code) == (400, code)


async def test_rights_are_kept(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    place = minimal_bot.get_partial_messageable(standin.channel.id)
    standin.say(standin.member, standin.channel, "old")
    standin.deny(standin.channel, standin.bot, Permission.READ_MESSAGE_HISTORY)
    assert [message async for message in place.history()] == []
    standin.deny(standin.channel, standin.bot, Permission.SEND_MESSAGES)
    with pytest.raises(discord.Forbidden) as refused:
        await place.send("hi")
    assert refused.value.code == 50013
    standin.deny(standin.channel, standin.guild, Permission.VIEW_CHANNEL)
    with pytest.raises(discord.Forbidden) as refused:
        await place.send("hi")
    assert refused.value.code == 50001
    standin.member.dms = Dms.CLOSED
    with pytest.raises(discord.Forbidden) as refused:
        await (await minimal_bot.fetch_user(standin.member.id)).send("hi")
    assert refused.value.code == 50007


async def test_where_only_the_user_installed_the_app(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    elsewhere = standin.add_guild("elsewhere", standin.owner, standin.member)
    hall = standin.add_channel("hall", elsewhere)
    group = standin.add_private_channel(standin.member, standin.other)
    private = standin.slash(standin.member, group, "echo", {"text": "hi"}, install=Install.USER)
    await standin.shown(private, "hi")
    interaction = standin.slash(standin.member, hall, "echo", {"text": "hi"}, install=Install.USER)
    await standin.shown(interaction, "hi")
    with pytest.raises(Impossible, match="not in elsewhere"):
        standin.slash(standin.member, hall, "echo", {"text": "hi"})
    with pytest.raises(discord.Forbidden):
        await minimal_bot.get_partial_messageable(hall.id).send("hi")
    url = f"/webhooks/{standin.bot.id}/{interaction.token}"
    hook = discord.http.Route("POST", url)
    standin.rules.clear()
    for _ in range(5):
        await minimal_bot.http.request(hook, json={"content": "more"})
    with pytest.raises(discord.HTTPException, match="maximum number of follow up"):
        await minimal_bot.http.request(hook, json={"content": "the sixth"})


async def test_only_what_a_person_could_do(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    for options in ({}, {"text": 1}, {"text": "a", "times": 21}, {"text": "a", "nothing": 1}):
        with pytest.raises(Impossible):
            standin.slash(standin.member, standin.channel, "echo", options)
    with pytest.raises(Impossible, match="no command"):
        standin.slash(standin.member, standin.channel, "nothing")
    standin.deny(standin.channel, standin.member, Permission.USE_APPLICATION_COMMANDS)
    with pytest.raises(Impossible, match="lacks"):
        standin.slash(standin.member, standin.channel, "echo", {"text": "a"})


async def test_history_is_paged_and_hidden_without_the_intent(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    texts = [str(number) for number in range(120)]
    for text in texts:
        standin.say(standin.member, standin.channel, text)
    place = minimal_bot.get_partial_messageable(standin.channel.id)
    found = [message.content async for message in place.history(limit=110)]
    assert found == texts[:-111:-1]
    assert len(standin.requests("GET /channels/*/messages")) == 2
    standin.gateway.granted = Intent(0)
    assert {message.content async for message in place.history(limit=5)} == {""}


async def test_an_enforced_nonce_sends_once(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    route = "POST /channels/*/messages"
    standin.fault(route, status=None, phase=Phase.AFTER)
    place = minimal_bot.get_partial_messageable(standin.channel.id)
    with pytest.raises(aiohttp.ClientError):
        await place.send("once", nonce="1")
    await place.send("once", nonce="1")
    assert [message.content for message in standin.sent(standin.channel)] == ["once"]
    assert [exchange.status for exchange in standin.requests(route)] == [0, 200]


async def test_bodies_are_held_to_the_published_description(contract: Contract | None) -> None:
    if contract is None:
        pytest.skip(f"{DESCRIPTION.name} is not beside the repository: no request body was checked")
    path = "/channels/{channel_id}/messages"
    assert contract.faults("POST", path, {"content": "hi", "message_reference": {"message_id": 1}}) == []
    (fault,) = contract.faults("POST", path, {"content": 1})
    assert "content" in fault
    assert contract.faults("POST", "/nowhere", {}) == ["POST /nowhere: not in Discord's description"]


async def test_what_the_stand_in_does_not_speak_fails_the_test(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    with pytest.raises(discord.NotFound):
        await minimal_bot.fetch_stage_instance(1)
    assert "not spoken" in standin.problems()[0]
    standin.server.errors.clear()


async def test_what_people_write_is_hidden_from_a_bot_that_does_not_ask(standin: DiscordStandIn) -> None:
    heard: asyncio.Queue[discord.Message] = asyncio.Queue()
    with launch.pointed(standin.environment()):
        async with discord.Client(intents=discord.Intents.default()) as client:

            @client.event
            async def on_message(message: discord.Message) -> None:
                heard.put_nowait(message)

            running = asyncio.create_task(client.start(standin.world.token))
            await standin.wait_for(lambda: standin.gateway.connected)
            asked = standin.say(standin.member, standin.channel, "secret")
            standin.say(standin.member, standin.channel, f"{standin.mention} hello", reply_to=asked)
            standin.dm(standin.member, "hello")
            texts = [(await heard.get()).content for _ in range(3)]
            await client.close()
            await running
    assert texts == ["", f"{standin.mention} hello", "hello"]


async def test_the_first_follow_up_has_the_deferrals_visibility(
    standin: DiscordStandIn, minimal_bot: MinimalBot
) -> None:
    options = {"to": standin.other, "where": standin.channel}
    interaction = standin.slash(standin.member, standin.channel, "whisper", options)
    await standin.shown(interaction, "second")
    assert [(message.content, message.ephemeral) for message in interaction.messages] == [
        ("first to other in general", False),
        ("second", True),
    ]


async def test_faults_are_answered_as_scripted(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    route = "POST /channels/*/messages"
    place = minimal_bot.get_partial_messageable(standin.channel.id)
    standin.fault(route, status=403, body={"message": "Missing Access", "code": 50001}, phase=Phase.AFTER)
    standin.fault(route, status=429, delay=0.01)
    with pytest.raises(discord.Forbidden, match="Missing Access"):
        await place.send("done all the same")
    await place.send("sent at the third try")
    assert [exchange.status for exchange in standin.requests(route)] == [429, 403, 200]
    assert [message.content for message in standin.sent(standin.channel)] == [
        "done all the same",
        "sent at the third try",
    ]
    assert not standin.breaches


async def test_a_session_with_a_wrong_token_is_closed(standin: DiscordStandIn) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(standin.gateway.address) as socket:
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json({"op": 1, "d": None})
        assert (await socket.receive_json())["op"] == 11
        await socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 0}})
        await socket.receive()
        assert socket.close_code == 4004


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": "Big"}, "name is invalid"),
        ({"description": ""}, "between 1 and 100"),
        ({"options": [{"type": 3, "name": f"o{n}", "description": "d"} for n in range(26)]}, "25 or fewer"),
        (
            {
                "options": [
                    {"type": 3, "name": "a", "description": "d"},
                    {"type": 3, "name": "b", "description": "d", "required": True},
                ]
            },
            "Required options",
        ),
    ],
    ids=["capitals", "no description", "too many options", "required last"],
)
async def test_commands_are_checked(
    standin: DiscordStandIn, minimal_bot: MinimalBot, change: dict[str, object], fault: str
) -> None:
    route = discord.http.Route("PUT", f"/applications/{standin.bot.id}/commands")
    command = {"name": "fine", "description": "fine", "type": 1} | change
    before = standin.world.commands
    with pytest.raises(discord.HTTPException, match=fault):
        await minimal_bot.http.request(route, json=[command])
    assert standin.world.commands is before
    # Where Discord's description knows the rule too, it has noted it.
    standin.contract_errors.clear()


async def test_a_private_thread_has_its_people(standin: DiscordStandIn, minimal_bot: MinimalBot) -> None:
    made = standin.add_channel("inner circle", standin.guild, ChannelKind.PRIVATE_THREAD, standin.channel)
    made.people = (standin.member,)
    thread = await minimal_bot.fetch_channel(made.id)
    assert isinstance(thread, discord.Thread)
    assert thread.is_private()
    assert (await thread.fetch_member(standin.member.id)).id == standin.member.id
    with pytest.raises(discord.NotFound):
        await thread.fetch_member(standin.other.id)
