"""The bot as a process, between a Discord and a Replicate over sockets."""

import asyncio

import pytest

from tests.wire.discord import DiscordStandIn
from tests.wire.discord_log import Phase
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script, StreamFault

pytestmark = pytest.mark.slow


async def test_ask_streams_into_the_channel(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    middle = asyncio.Event()
    replicate.script(Script(tokens=["Because ", "the sky ", "scatters blue."], gates={2: middle}))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why blue?"})
    await standin.wait_for(lambda: "Because the sky" in asked.text)
    assert "scatters" not in asked.text
    middle.set()
    await standin.wait_for(lambda: "meta-llama-3-70b-instruct" in asked.text)
    content = asked.messages[0].content
    assert content.startswith("> why blue?\n\nBecause the sky scatters blue.\n-# ")
    assert asked.messages[0].button("Details")
    assert await bot.end() == 0
    assert bot.usage() == [("ask", "done")]
    assert not standin.pings


async def test_a_long_answer_becomes_several_messages_within_the_bucket(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    words = [f"word{number} " for number in range(700)]
    replicate.script(Script(tokens=words))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "count"})
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert len(asked.messages) > 1
    assert all(word.strip() in asked.text for word in words)
    assert not standin.breaches


async def test_a_broken_stream_still_ends_as_the_whole_output(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    tokens = ["All ", "of ", "this ", "arrives."]
    replicate.script(Script(tokens=tokens, fault=StreamFault.RESET, fault_after=2))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "and then?"})
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert "All of this arrives." in asked.text


async def test_direct_messages_and_mentions_are_answered(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    replicate.respond = lambda _: Script(tokens=["Hello ", "back."])
    message = standin.dm(standin.member, "hello")
    await standin.wait_for(lambda: any("-# meta" in sent.content for sent in standin.sent(message.channel)))
    mention = standin.say(standin.member, standin.channel, f"{standin.mention} hello")
    await standin.wait_for(lambda: any("-# meta" in sent.content for sent in standin.sent(standin.channel)))
    answer = standin.sent(standin.channel)[-1]
    assert answer.content.startswith("Hello back.")
    assert answer.reference is mention
    assert await bot.end() == 0
    assert bot.usage() == [("ask", "done"), ("ask", "done")]


async def test_stop_ends_the_answer_and_the_prediction(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    replicate.script(Script(tokens=["Once ", "upon ", "a time"], gates={2: asyncio.Event()}))
    told = standin.slash(standin.member, standin.channel, "story", {"premise": "a fox"})
    await standin.wait_for(lambda: "Once upon" in told.text)
    refused = standin.press(standin.other, told.messages[0], told.messages[0].button("Stop"))
    await standin.wait_for(lambda: "Only the person who asked" in refused.text)
    standin.press(standin.member, told.messages[0], told.messages[0].button("Stop"))
    await standin.wait_for(lambda: "Stopped." in told.text)
    assert "Once upon" in told.text
    assert replicate.last.cancels >= 1
    assert await bot.end() == 0
    assert bot.usage() == [("story", "stopped")]


async def test_who_stops_before_the_first_word_is_told_in_the_answer_itself(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    replicate.script(Script(tokens=["Once"], gate=asyncio.Event()))
    told = standin.slash(standin.member, standin.channel, "story", {"premise": "a fox"})
    await standin.wait_for(lambda: "starting" in told.text)
    standin.press(standin.member, told.messages[0], told.messages[0].button("Stop"))
    await standin.wait_for(lambda: "Stopped." in told.text)
    assert await bot.end() == 0
    (message,) = told.messages
    assert message.button("Details")
    assert not message.ephemeral
    assert bot.usage() == [("story", "stopped")]


async def test_the_gateway_drops_and_resumes(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    await standin.drop_gateway()
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "still there?"})
    await standin.wait_for(lambda: standin.gateway.resumed)
    await standin.wait_for(lambda: "-# meta" in asked.text)


async def test_no_prediction_where_discord_refuses_the_first_response(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    standin.fault("POST /interactions/*", status=404, times=1)
    standin.slash(standin.member, standin.channel, "ask", {"question": "too late?"})
    await standin.wait_for(lambda: standin.requests("POST /interactions/*"))
    assert await bot.end() == 0
    assert not replicate.creations
    assert bot.usage() == [("ask", "unseen")]


async def test_a_shutdown_ends_what_runs_with_a_word(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    replicate.script(Script(tokens=["Never ", "ends"], gates={1: asyncio.Event()}))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "how long?"})
    await standin.wait_for(lambda: "Never" in asked.text)
    ended = asyncio.ensure_future(bot.end())
    await bot.says("stopping")
    late = standin.slash(standin.other, standin.channel, "ask", {"question": "me too?"})
    await standin.wait_for(lambda: "being restarted" in late.text)
    assert late.messages[0].ephemeral
    assert await ended == 0
    assert "I was restarted before the answer was whole" in asked.text
    assert replicate.last.cancels >= 1
    assert bot.usage() == [("ask", "shutdown")]


async def test_a_change_that_discord_does_not_take_is_made_again(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    standin.fault("PATCH /webhooks/*", status=503, times=1, phase=Phase.BEFORE)
    replicate.script(Script(tokens=["Takes ", "its ", "time."]))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "slow?"})
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert "Takes its time." in asked.text


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("status", [500, None])
async def test_a_first_response_that_is_lost_on_its_way_is_not_the_end(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, status: int | None, phase: Phase
) -> None:
    bot = await start()
    standin.fault("POST /interactions/*", status=status, phase=phase)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "taken?"})
    await standin.shown(asked, "-# meta")
    assert len(asked.messages) == 1
    assert await bot.end() == 0
    assert bot.usage() == [("ask", "done")]


async def test_nothing_a_model_writes_pings_anybody(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    shout = f"@everyone @here <@{standin.other.id}> hello"
    replicate.respond = lambda _: Script(tokens=[shout])
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": shout})
    standin.say(standin.member, standin.channel, f"{standin.mention} shout")
    await standin.wait_for(lambda: "-# meta" in asked.text)
    await standin.wait_for(lambda: any("hello" in sent.content for sent in standin.sent(standin.channel)[1:]))
    assert not standin.pings


async def test_the_output_replaces_what_was_streamed(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    replicate.script(Script(tokens=["Nearly ", "right."], output=["Quite ", "right."]))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "true?"})
    await standin.wait_for(lambda: "-# meta" in asked.text)
    assert "Quite right." in asked.text
    assert "Nearly" not in asked.text


async def test_while_a_model_thinks_aloud_people_see_that_and_none_of_it(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    thinking, thought = asyncio.Event(), asyncio.Event()
    replicate.script(
        Script(
            tokens=["<think>", "Rayleigh, ", "surely.", "</think>", "Blue."], gates={2: thinking, 3: thought}
        )
    )
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.wait_for(lambda: asked.text.endswith("-# The model is thinking…"))
    thinking.set()
    thought.set()
    await standin.shown(asked, "-# meta")
    assert asked.text.startswith("> why?\n\nBlue.\n-# meta")
    assert await bot.end() == 0
    assert not [request for request in standin.requests("*") if "Rayleigh" in str(request.body)]


async def test_details_show_how_an_answer_was_made(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    await start()
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.wait_for(lambda: "-# meta" in asked.text)
    details = standin.press(standin.other, asked.messages[0], asked.messages[0].button("Details"))
    await standin.wait_for(lambda: replicate.last.id in details.text)
    assert details.messages[0].ephemeral
    assert "Ended: complete" in details.text
    assert "why?" not in details.text
