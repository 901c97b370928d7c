"""Every row of what people and models may get wrong, driven through the real bot.

| row | what happens | shown by |
| --- | --- | --- |
| empty text | Discord refuses it; a bare mention gets a sentence | discord_refuses, test_chat |
| white space, zero-width or null bytes alone | a private sentence, no request | nothing_to_see |
| 6,000 characters; one more | answered; refused by Discord | the_longest, discord_refuses |
| right to left, combining, zero-width, emoji | answered, word for word | unusual_text |
| null bytes and control tokens inside | answered; the model sees none | control_tokens |
| renamed image, empty or binary file | a private sentence, row "refused" | a_file_that_is_no_text |
| unknown language or model | a private sentence, no request | unknown_names |
| messages below 1 or above 500 | refused by Discord, and by the plan | discord_refuses, tests/plans |
| history not to be read | a private sentence, row "refused" | history |
| thread, forum post, voice chat | answered there, row with parent and thread | answers_in |
| empty output | a private sentence, row "failed" | a_model_without_a_word |
| any other output | shown whole and safely, pings nobody | any_output |
"""

from pathlib import Path

import discord
import pytest
import simcord
from simcord.enums import ChannelType

from bot.domain import Ending
from bot.models.inputs import build_input
from tests.support.simulated import World, settings_for, simulated

BLANKS = [" ", " \n\t\u3000", "\u200b\u2060\ufeff", "\x00", "\u2800\u3164", "\u202e\u202c"]
COMMANDS = [
    ("ask", "question", {}, "Please write what you would like to know."),
    ("summarize", "text", {}, "There is nothing to read in this text."),
    ("story", "premise", {}, "Please write what the story is about."),
    ("translate", "text", {"to": "fr"}, "Please give me a text to translate."),
]
UNUSUAL = [
    "שלום, מה שלומך? \u202bمرحبا\u202c",
    "Z\u0351\u036b\u0343a\u0363\u0369l\u034bg\u034aoͤ e\u0301",
    "zero\u200bwidth\u200djoined",
    "🎉👨‍👩‍👧‍👦🇨🇭👍🏽",
    "> quote\n# heading\n```py\nprint()",
    "{braces} %s {0.__class__} <b>tags</b>",
]


async def refused(world: World, command: str, /, **options: object) -> str:
    """The one private sentence that a command is refused with."""
    result = await world.ana.slash(world.channel, command, **options)
    assert result.response is not None
    if result.followups:
        [private] = result.followups
        assert result.response.content.startswith("-# ")
    else:
        private = result.response
    assert private.ephemeral
    assert "\n" not in private.content
    assert world.model.calls == []
    return private.content


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize(("command", "option", "others", "sentence"), COMMANDS)
async def test_nothing_to_see_is_refused_before_a_request_is_begun(
    world: World, blank: str, command: str, option: str, others: dict[str, str], sentence: str
) -> None:
    assert (await refused(world, command, **{option: blank, **others})).startswith(sentence)
    assert await world.usage() == []


@pytest.mark.parametrize("words", ["", "x" * 6001])
@pytest.mark.parametrize(("command", "option", "others", "_sentence"), COMMANDS)
async def test_discord_refuses_what_is_out_of_bounds(
    world: World, words: str, command: str, option: str, others: dict[str, str], _sentence: str
) -> None:
    with pytest.raises(simcord.OptionError):
        await world.ana.slash(world.channel, command, **{option: words, **others})


@pytest.mark.parametrize(("command", "option", "others", "_sentence"), COMMANDS)
async def test_the_longest_text_is_answered(
    world: World, command: str, option: str, others: dict[str, str], _sentence: str
) -> None:
    world.model.echo = "Long."
    words = ("many words here " * 400)[:6000]
    result = await world.ana.slash(world.channel, command, **{option: words, **others})
    assert result.response is not None
    assert "Long." in result.response.content
    [row] = await world.usage()
    assert row.ending is Ending.DONE


@pytest.mark.parametrize("words", UNUSUAL)
@pytest.mark.parametrize(("command", "option", "others", "_sentence"), COMMANDS)
async def test_unusual_text_is_answered_word_for_word(
    world: World, words: str, command: str, option: str, others: dict[str, str], _sentence: str
) -> None:
    world.model.answers("Yes.")
    await world.ana.slash(world.channel, command, **{option: words, **others})
    assert words in world.model.calls[0].words
    assert words not in world.model.calls[0].prompt.system
    [row] = await world.usage()
    assert row.ending is Ending.DONE


@pytest.mark.parametrize(
    "token", ["<|eot_id|>", "<|start_header_id|>system<|end_header_id|>", "[INST]", "\x00"]
)
@pytest.mark.parametrize(("command", "option", "others", "_sentence"), COMMANDS)
async def test_control_tokens_never_reach_the_model(
    world: World, token: str, command: str, option: str, others: dict[str, str], _sentence: str
) -> None:
    world.model.answers("Yes.")
    await world.ana.slash(world.channel, command, **{option: f"be{token}fore", **others})
    [call] = world.model.calls
    sent = str(build_input(call.model, call.prompt)["prompt"])
    assert "be" in sent
    assert f"be{token}fore" not in sent


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "This file is a picture"),
        (b"PK\x03\x04" + b"\x00" * 40, "This file is an archive"),
        (b"%PDF-1.7", "This file is a PDF"),
        (b"\x7fELF" + b"\x00\x01" * 40, "This file is not text"),
        (b"null\x00bytes in a text file", "This file is not text"),
        (b"", "This file is empty"),
        (b" \n ", "This file is empty"),
        (b"x" * (1024 * 1024 + 1), "This file is larger than 1,024 KiB"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "summarize"])
async def test_a_file_that_is_no_text_is_refused(
    world: World, command: str, data: bytes, sentence: str
) -> None:
    question = {"question": "What is this?"} if command == "ask" else {}
    assert (await refused(world, command, file=("notes.txt", data), **question)).startswith(sentence)
    [row] = await world.usage()
    assert (row.ending, row.error, row.tokens.total) == (Ending.REFUSED, "BadRequest", 0)


@pytest.mark.parametrize(
    ("command", "options", "sentence"),
    [
        ("translate", {"text": "sea", "to": "Sindarinish"}, "I do not know a language called “Sindarinish”"),
        ("translate", {"text": "sea", "to": "fr", "from": "xx"}, "I do not know a language called “xx”"),
        ("ask", {"question": "sea?", "model": "gpt-9"}, "There is no model called “gpt-9” here."),
        ("ask", {"question": "sea?", "model": "smollm2-135m-instruct"}, "The model smollm2-135m-instruct"),
    ],
)
async def test_unknown_names_are_refused_before_a_request_is_begun(
    world: World, command: str, options: dict[str, str], sentence: str
) -> None:
    assert (await refused(world, command, **options)).startswith(sentence)
    assert await world.usage() == []


@pytest.mark.parametrize("count", [0, 501])
async def test_discord_refuses_a_number_of_messages_out_of_bounds(world: World, count: int) -> None:
    with pytest.raises(simcord.OptionError):
        await world.ana.slash(world.channel, "summarize", messages=count)


async def test_history_that_the_asker_may_not_read_is_refused(world: World) -> None:
    hides = discord.PermissionOverwrite(read_message_history=False)
    world.channel = world.guild.create_text_channel("vault", overwrites={world.ana: hides})
    await world.ben.send(world.channel, "a secret")
    assert (await refused(world, "summarize", messages=5)).startswith(
        "You may not read this channel's history"
    )
    [row] = await world.usage()
    assert (row.ending, row.error) == (Ending.REFUSED, "BadRequest")


async def test_history_that_the_bot_may_not_read_is_refused(world: World) -> None:
    assert world.bot.user is not None
    hides = discord.PermissionOverwrite(read_message_history=False)
    world.channel = world.guild.create_text_channel("vault", overwrites={world.bot.user: hides})
    await world.ben.send(world.channel, "a secret")
    assert (await refused(world, "summarize", messages=5)).startswith("I may not read this channel's history")


async def test_history_without_message_content_is_refused(tmp_path: Path) -> None:
    async with simulated(settings_for(tmp_path), message_content=False) as world:
        await world.ben.send(world.channel, "what nobody told the bot")
        sentence = await refused(world, "summarize", messages=5)
        assert sentence.startswith("Discord hides what people write from me")


async def test_history_without_messages_is_refused(world: World) -> None:
    assert (await refused(world, "summarize", messages=5)).startswith("There are no messages with words here")


async def test_answers_in_a_thread_know_its_parent(world: World) -> None:
    category = world.guild.create_category("Talk")
    parent = world.guild.create_text_channel("books", category=category)
    thread = await place(world, parent, ChannelType.PUBLIC_THREAD)
    await speaks_and_sums_up(world, thread)
    row = (await world.usage())[0]
    assert (row.channel_id, row.thread_id, row.category_id) == (parent.id, thread.id, category.id)


async def test_answers_in_a_forum_post_know_its_forum(world: World) -> None:
    forum = world.guild.create_forum_channel("questions")
    post = await place(world, forum, ChannelType.PUBLIC_THREAD)
    await speaks_and_sums_up(world, post)
    row = (await world.usage())[0]
    assert (row.channel_id, row.thread_id) == (forum.id, post.id)


async def test_answers_in_a_voice_channels_chat(world: World) -> None:
    voice = world.guild.create_voice_channel("lounge")
    await speaks_and_sums_up(world, voice)
    row = (await world.usage())[0]
    assert (row.channel_id, row.thread_id) == (voice.id, None)


async def place(world: World, parent: simcord.ChannelHandle, kind: ChannelType) -> simcord.ChannelHandle:
    """A thread or post that Ana opened."""
    thread = world.env.backend.create_thread(parent.id, "plans", world.ana.id, type=kind)
    await world.env.settle()
    return simcord.ChannelHandle(world.env, world.guild, thread)


async def speaks_and_sums_up(world: World, channel: simcord.ChannelHandle) -> None:
    await world.ana.send(channel, "We read a book about lighthouses.")
    world.model.answers("Lighthouses.", "A book was read.", "Hello.")
    await world.ana.slash(channel, "ask", question="What do we read?")
    await world.ben.slash(channel, "summarize", messages=5)
    await world.ben.send(channel, f"<@{world.bot_id}> hello")
    assert "Ana: We read a book about lighthouses." in world.model.calls[1].words
    assert [text.split("\n-# ")[0] for text in world.texts(channel)] == [
        "> What do we read?\n\nLighthouses.",
        "A book was read.",
        "Hello.",
    ]
    assert [row.ending for row in await world.usage()] == [Ending.DONE] * 3


@pytest.mark.parametrize("output", ["", " \n "])
async def test_a_model_without_a_word_is_told_privately(world: World, output: str) -> None:
    world.model.answers(output or " ")
    result = await world.ana.slash(world.channel, "ask", question="What is the sea?")
    [private] = result.followups
    assert private.ephemeral
    assert private.content.startswith("The model ended without a word.")
    [row] = await world.usage()
    assert (row.ending, row.error) == (Ending.FAILED, "ModelFailed")


@pytest.mark.parametrize(
    "output",
    [
        "x" * 40_000,
        "`" * 5_000,
        "@everyone @here <@1> <@&2> <@!3> " * 50,
        "```python\nprint('never closed')\n" * 200,
        "**never closed ||nor this",
        "\n\n\n# heading\n\n\n",
    ],
    ids=["one long line", "backticks", "mentions", "not ended", "marks", "white space"],
)
async def test_any_output_is_shown_whole_and_safely(world: World, output: str) -> None:
    world.model.answers(output)
    await world.ana.slash(world.channel, "story", premise="Surprise me")
    messages = world.channel.history()
    assert all(0 < len(message.content) <= 2000 for message in messages)
    assert not any(
        message.mention_everyone or message.mentions or message.role_mentions for message in messages
    )
    files = [attachment for message in messages for attachment in message.attachments]
    if files:
        assert (await files[0].read()).decode() == output
    else:
        shown = "".join(message.content for message in messages)
        for word in set(output.split()):
            assert word.strip("@<>&!`*|#")[:50] in shown
        assert shown.count("`") >= output.count("`")
    [row] = await world.usage()
    assert row.ending is Ending.DONE
