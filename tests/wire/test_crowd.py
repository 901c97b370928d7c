"""How a crowd judges what somebody was left with: what it lets pass, no test of troubles would notice."""

import pytest

from tests.wire.crowd import WORDS, Asked, End, see_that_nothing_is_said_twice
from tests.wire.discord import Channel, DiscordStandIn, Message

FOOTER = "-# meta/meta-llama-3-70b-instruct · 12 tokens · 0.4 s"
QUESTION = "> why?\n"
SENTENCE = "I could not finish this. (0123ABCD)"
PART = "the sea is wide"


def write(standin: DiscordStandIn, channel: Channel, content: str) -> None:
    """Let the bot have written this."""
    message = Message(standin.world.mint(), channel, standin.bot, content)
    channel.messages[message.id] = message


def asked_in(standin: DiscordStandIn, channel: Channel) -> Asked:
    return Asked(lambda: standin.sent(channel))


@pytest.mark.parametrize(
    ("contents", "end"),
    [
        ([f"{QUESTION}{WORDS}\n{FOOTER}"], End.WHOLE),
        ([f"{QUESTION}the sea is wide", f"and the boat is small\n{FOOTER}"], End.WHOLE),
        ([f"{QUESTION}{SENTENCE}"], End.SENTENCE),
        ([f"{QUESTION}{PART}\n\n{SENTENCE}"], End.SENTENCE),
        ([f"{QUESTION}{PART}"], End.OPEN),
        ([f"{QUESTION}{WORDS}"], End.OPEN),
        ([f"> {WORDS}\n{FOOTER}"], End.OPEN),
        ([f"{QUESTION}{WORDS} or not\n{FOOTER}"], End.OPEN),
        ([f"{QUESTION}{WORDS} {WORDS}\n{FOOTER}"], End.REPEATED),
        ([f"{QUESTION}{PART} {WORDS}\n{FOOTER}"], End.REPEATED),
        ([f"{QUESTION}{WORDS}\n{FOOTER}", f"{QUESTION}{WORDS}\n{FOOTER}"], End.REPEATED),
        ([f"{QUESTION}{WORDS}", f"{WORDS}\n{FOOTER}"], End.REPEATED),
        ([f"{QUESTION}{WORDS}\n{FOOTER}", f"{QUESTION}{PART}"], End.REPEATED),
        ([f"{QUESTION}{WORDS}\n{FOOTER}", f"{QUESTION}{FOOTER}"], End.REPEATED),
        ([f"{QUESTION}{WORDS}", f"{WORDS}\n\n{SENTENCE}"], End.REPEATED),
    ],
)
async def test_an_answer_counts_once(standin: DiscordStandIn, contents: list[str], end: End) -> None:
    channel = standin.world.dm_channel(standin.member)
    asked = asked_in(standin, channel)
    for content in contents:
        write(standin, channel, content)
    assert asked.end is end
    if end is End.REPEATED:
        with pytest.raises(AssertionError, match="answered twice"):
            see_that_nothing_is_said_twice(standin, [asked])
    else:
        see_that_nothing_is_said_twice(standin, [asked])


async def test_an_answer_that_also_stands_elsewhere_is_noticed(standin: DiscordStandIn) -> None:
    channel = standin.world.dm_channel(standin.member)
    asked = asked_in(standin, channel)
    write(standin, channel, f"{WORDS}\n{FOOTER}")
    write(standin, standin.channel, "Hello.")
    see_that_nothing_is_said_twice(standin, [asked])
    write(standin, standin.channel, f"{WORDS}\n{FOOTER}")
    with pytest.raises(AssertionError, match="sea is wide"):
        see_that_nothing_is_said_twice(standin, [asked])
