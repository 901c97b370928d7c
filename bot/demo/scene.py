"""What is there when the demo opens: a server with two members who have been talking, or a direct message."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import discord
from simcord import ChannelHandle, Env, MemberActor, UserHandle

from bot.demo.pictures import bot_png, heron_png, otter_png

_CDN = "https://cdn.simcord.invalid"
"""Where SimCord's avatars would be; the preview takes the pictures for these addresses from us."""

_COLOUR = 0x2F6F6B

BOT_NAME = "Parlance"
SERVER_NAME = "Allotment"
CHANNEL_NAME = "open-day"
TOPIC = "Plans for the garden open day. The bot here is the real one; type / to see what it can do."

_TALK = (
    ("Heron", "Right, the open day. Are we still on for the second Saturday in May?", 0),
    ("Otter", "Yes, from ten to four. I booked the hall as well, in case it rains.", 2),
    ("Heron", "Good. I can bring the two long tables and the tea urn on Friday evening.", 1),
    (
        "Otter",
        "Then I'll do the plants. We have 60 tomato seedlings, 40 pots of basil and about 25 chillies.",
        3,
    ),
    ("Heron", "How much do we ask for them?", 1),
    ("Otter", "Two euros for a tomato, one for basil, three for a chilli. They took forever.", 1),
    ("Heron", "Fair. All of it goes to the new water butt, we still need 120 euros for that.", 2),
    ("Otter", "My key to the gate broke. Can you open at nine? I'll have a new one cut this week.", 4),
    ("Heron", "Will do. Then all we are missing is somebody to run the raffle.", 1),
)
"""Who says what, and the minutes since the line before."""

_SINCE_TALK = timedelta(minutes=6)


@dataclass(frozen=True, slots=True)
class Scene:
    """A channel, who may look at it, and the pictures in it by address."""

    channel: ChannelHandle
    viewers: tuple[MemberActor | UserHandle, ...]
    assets: dict[str, tuple[str, bytes]]


async def server_scene(env: Env, bot: discord.Client, now: datetime, answered_by: str) -> Scene:
    """A server's channel with two members, a few minutes after they talked."""
    talked_for = sum((timedelta(minutes=minutes) for *_, minutes in _TALK), timedelta())
    await _move_to(env, now - _SINCE_TALK - talked_for)
    # First, since a server that it is in tells it its name once.
    await _dress(bot)
    heron = env.create_user("heron", global_name="Heron", avatar="heron")
    otter = env.create_user("otter", global_name="Otter", avatar="otter")
    guild = env.create_guild(SERVER_NAME, owner=heron)
    channel = guild.create_text_channel(CHANNEL_NAME, topic=TOPIC)
    members = {"Heron": guild.add_member(heron), "Otter": guild.add_member(otter)}
    for name, line, minutes in _TALK:
        await env.advance_time(minutes * 60.0)
        await members[name].send(channel, line)
    await _move_to(env, now)
    await _say(bot, channel, welcome(answered_by, _IN_SERVER))
    pictures = {heron: heron_png(), otter: otter_png()}
    return Scene(channel, tuple(members.values()), _bot_pictures(bot) | _pictures(pictures))


async def dm_scene(env: Env, bot: discord.Client, now: datetime, answered_by: str) -> Scene:
    """A person's direct messages with the bot."""
    await _move_to(env, now)
    await _dress(bot)
    otter = env.create_user("otter", global_name="Otter", avatar="otter")
    channel = otter.dm_channel
    await _say(bot, channel, welcome(answered_by, _IN_DM))
    return Scene(channel, (otter,), _bot_pictures(bot) | _pictures({otter: otter_png()}))


@dataclass(frozen=True, slots=True)
class Hints:
    """What the welcome tells a person to type, and what is good to know."""

    type: str
    know: str


_IN_SERVER = Hints(
    type="`/ask` a question\n"
    "`/summarize` with **messages** 9: what was said above\n"
    "`/story` about anything · `/translate` a text\n"
    "or mention @Parlance in a message.",
    know="**Stop** ends an answer early. At the top right you can look as the other member: an answer asked "
    "for with **private** stays hidden from them.",
)
_IN_DM = Hints(
    type="Just write, or use `/ask`, `/summarize`, `/story` or `/translate`.",
    know="**Stop** ends an answer early.",
)


def welcome(answered_by: str, hints: Hints) -> discord.Embed:
    """The message that the demo opens with: an embed, which is no part of what was said in the channel."""
    embed = discord.Embed(
        title="Welcome. The bot is real, the Discord around it is simulated.",
        description=answered_by,
        colour=_COLOUR,
    )
    embed.add_field(name="Type", value=hints.type, inline=False)
    embed.add_field(name="Good to know", value=hints.know, inline=False)
    return embed


async def _dress(bot: discord.Client) -> None:
    if bot.user is not None:
        await bot.user.edit(username=BOT_NAME)


async def _say(bot: discord.Client, channel: ChannelHandle, embed: discord.Embed) -> None:
    found = await bot.fetch_channel(channel.id)
    if isinstance(found, discord.abc.Messageable):
        await found.send(embed=embed)


async def _move_to(env: Env, moment: datetime) -> None:
    await env.advance_time(max(0.0, (moment - env.now()).total_seconds()))


def _pictures(pictures: dict[UserHandle, bytes]) -> dict[str, tuple[str, bytes]]:
    return {
        f"{_CDN}/avatars/{user.id}/{user.avatar}.png": (f"{user.name}.png", png)
        for user, png in pictures.items()
    }


def _bot_pictures(bot: discord.Client) -> dict[str, tuple[str, bytes]]:
    """A bot in SimCord cannot have an avatar of its own, so its default one is replaced."""
    if bot.user is None:
        return {}
    return {f"{_CDN}/embed/avatars/{(bot.user.id >> 22) % 6}.png": ("parlance.png", bot_png())}
