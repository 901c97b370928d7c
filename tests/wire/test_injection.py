"""A Discord in which everything that anybody can write is hostile, and a model that obeys its operator.

Names of servers, channels, roles and people, what people and the bot are called in one server, topics,
messages with all they carry, and every option of every command that the bot registered. Each text wants a
word of its own to be said, which tells whose it is: so it is also seen that what belongs to one server,
channel or person is in no prompt of another.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle, product
from pathlib import Path

import pytest

from bot.ids import short
from tests.support.entrances import WRITTEN
from tests.support.hostile import MARK, ObedientProvider, hostile, texts
from tests.support.patience import PATIENCE
from tests.wire.discord import (
    Acknowledged,
    Channel,
    ChannelKind,
    DiscordStandIn,
    Interaction,
    Message,
    Permission,
    Upload,
    User,
)
from tests.wire.discord_commands import ATTACHMENT, BOOLEAN, CHAT_INPUT, INTEGER, STRING
from tests.wire.discord_messages import mentioned
from tests.wire.discord_world import Json, Role, Version
from tests.wire.everything import Command, commands, filled, use
from tests.wire.online import let_everything_in, online

pytestmark = pytest.mark.slow

CORPUS = texts()
PLACES = {"channel", "hidden channel", "private thread"}
"""Names that a mention of their place shows to whoever may see it, anywhere in its server."""
SERVERWIDE = {"server", "role", "nickname", "the bot's nickname"}
"""What everybody in a server may see anywhere in it."""
SHORT = [text for text in CORPUS if len(text) <= 1000]
CODES = {"to": "fr", "from": "de"}
"""Options that only take what they offer."""


@dataclass(frozen=True)
class Owner:
    """Whose a text is: of everybody in a channel, or of one person alone there."""

    entrance: str
    guild_id: int | None
    channel_id: int
    user_id: int | None = None


@dataclass
class Writers:
    """Writes the next text of the corpus, and knows afterwards whose each was."""

    owners: list[Owner] = field(default_factory=list)
    corpus: Iterator[str] = field(default_factory=lambda: cycle(SHORT))

    def write(self, entrance: str, channel: Channel, user: User | None = None, text: str = "") -> str:
        guild_id = None if channel.guild is None else channel.guild.id
        self.owners.append(Owner(entrance, guild_id, channel.id, None if user is None else user.id))
        words = hostile(text or next(self.corpus), len(self.owners) - 1)
        # What Discord itself lets nobody send.
        return words.replace("\x00", "").encode("utf-8", "ignore").decode()

    def owner(self, word: str) -> Owner:
        return self.owners[int(word[2:-1])]


def carrying(writers: Writers, channel: Channel, author: User, mentions: str) -> Json:
    """What a message carries besides its words, all of it hostile."""

    def words(entrance: str) -> str:
        return f"{writers.write(entrance, channel)} {mentions}"

    return {
        "embeds": [
            {
                "type": "rich",
                "title": words("embed title"),
                "description": words("embed description"),
                "footer": {"text": words("embed footer")},
                "author": {"name": words("embed author")},
                "fields": [{"name": words("embed field"), "value": words("embed field"), "inline": False}],
            }
        ],
        "sticker_items": [{"id": "1", "name": words("sticker"), "format_type": 1}],
        "poll": {
            "question": {"text": words("poll question")},
            "answers": [{"answer_id": 1, "poll_media": {"text": words("poll answer")}}],
            "expiry": "2999-01-01T00:00:00+00:00",
            "allow_multiselect": False,
            "layout_type": 1,
        },
        "message_snapshots": [
            {
                "message": {
                    "type": 0,
                    "content": words("forwarded"),
                    "embeds": [],
                    "attachments": [],
                    "timestamp": "2026-01-01T00:00:00+00:00",
                    "edited_timestamp": None,
                    "flags": 0,
                    "mentions": [],
                    "mention_roles": [],
                    "components": [],
                }
            }
        ],
    }


def furnish(
    writers: Writers, standin: DiscordStandIn, channel: Channel, people: list[User], mentions: str
) -> Message:
    """Fill a channel with everything that people can put there, mentions too; return its last message."""
    channel.topic = writers.write("topic", channel)
    for number, text in enumerate(CORPUS):
        said(standin, people[number % len(people)], channel, writers.write("message", channel, text=text))
    named = Upload(writers.write("file name", channel), b"x")
    first = said(standin, people[0], channel, writers.write("message", channel), attachments=[named])
    first.extra = carrying(writers, channel, people[0], mentions)
    said(standin, people[2], channel, f"{writers.write('mention of places', channel)} {mentions}")
    answer = f"{mentions} {writers.write('answer', channel)}"
    return said(standin, people[1], channel, answer, reply_to=first)


def said(
    standin: DiscordStandIn,
    user: User,
    channel: Channel,
    text: str,
    attachments: list[Upload] | None = None,
    reply_to: Message | None = None,
) -> Message:
    """A message that lies in the channel; the bot was not there to hear it."""
    message = Message(standin.world.mint(), channel, user, text, reference=reply_to)
    message.attachments = [standin.cdn.keep(channel, upload) for upload in attachments or ()]
    message.versions.append(Version(0.0, text))
    message.mentions = mentioned(standin.world, message)
    channel.messages[message.id] = message
    return message


async def options(
    standin: DiscordStandIn,
    writers: Writers,
    user: User,
    channel: Channel,
    command: Command,
    *,
    private: bool,
) -> list[dict[str, object]]:
    """A command's options, each hostile where it takes words; one at a time where only one may be given.

    A public answer quotes its question for the channel to read; what is asked privately stays the person's.
    """
    values: dict[str, object] = {}
    owner = user if private else None
    for option in command.options:
        if option["type"] == ATTACHMENT:
            name, text = (writers.write(what, channel, owner) for what in ("a file's name", "file"))
            values[option["name"]] = Upload(name, text.encode())
        elif option["type"] == STRING and option["name"] in CODES:
            values[option["name"]] = CODES[option["name"]]
        elif option["type"] == BOOLEAN:
            values[option["name"]] = private
        else:
            words = writers.write(f"/{command.name} {option['name']}", channel, owner)
            values[option["name"]] = await filled(standin, user, channel, option, words)
    required = {
        option["name"] for option in command.options if option.get("required") or option["type"] == BOOLEAN
    }
    open_ = [
        option["name"]
        for option in command.options
        if option["type"] in {STRING, INTEGER, ATTACHMENT} and not option.get("choices")
    ]
    alone = [{name: values[name] for name in values if name in required or name == one} for one in open_]
    # A command that takes nothing that anybody writes is no way in.
    return [values, *alone] if open_ else []


@dataclass
class Place:
    """Two servers full of hostile texts, and who is there."""

    standin: DiscordStandIn
    writers: Writers
    people: list[User]
    lasts: dict[Channel, Message]
    """Of each channel the last message."""
    mentions: str
    """Of every place, role and person that there is, and of the bot."""

    async def try_everything(self) -> None:
        """Let everybody write to the bot, mention it, and use every command everywhere."""
        standin = self.standin
        for user in self.people:
            words = self.writers.write("direct message", standin.world.dm_channel(user), user)
            standin.dm(user, f"{words} {self.mentions}")
        for (channel, last), user in product(self.lasts.items(), self.people):
            words = f"{self.writers.write('mention', channel)} {self.mentions}"
            standin.say(user, channel, f"{standin.mention} {words}")
            asked: list[Interaction] = []
            for command in commands(standin):
                tries: list[dict[str, object]] = [{}]
                if command.root["type"] == CHAT_INPUT:
                    private = user is not standin.owner
                    tries = await options(standin, self.writers, user, channel, command, private=private)
                asked += [use(standin, user, channel, command, values, last) for values in tries]
            await self.answered(asked)

    async def answered(self, asked: list[Interaction]) -> None:
        """Wait until the bot has answered something to each."""
        await self.standin.wait_for(lambda: all(each.acknowledged is not Acknowledged.NOT for each in asked))


@pytest.fixture
def place(standin: DiscordStandIn) -> Place:
    standin.rules.clear()
    standin.lifetimes.acknowledge = PATIENCE
    writers = Writers()
    people = [standin.owner, standin.member, standin.other]
    elsewhere = standin.add_guild("elsewhere", standin.owner, *people)
    second = standin.add_channel("second", standin.guild)
    channels = [standin.channel, second, standin.add_channel("third", elsewhere)]
    roles = [named(writers, standin, channel, people) for channel in (channels[0], channels[-1])]
    shut = [hidden for channel in channels[1:] for hidden in hidden_from(writers, standin, channel, people)]
    for channel in channels:
        channel.name = writers.write("channel", channel)
    everything: list[Channel | Role | User] = [*channels, *shut, *roles, *people, standin.bot]
    mentions = " ".join(each.mention for each in everything)
    lasts = {channel: furnish(writers, standin, channel, people, mentions) for channel in channels}
    for user in people:
        user.name = writers.write("name", channels[0])
    return Place(standin, writers, people, lasts, mentions)


def named(writers: Writers, standin: DiscordStandIn, inside: Channel, people: list[User]) -> Role:
    """Name the server of a channel, and all who are in it; return a role of theirs.

    Discord tells no bot with a channel's messages what people are called in the server, only its own name.
    """
    guild = inside.guild
    assert guild is not None
    guild.name = writers.write("server", inside)
    guild.nicknames = {user.id: writers.write("nickname", inside) for user in people}
    guild.nicknames[standin.bot.id] = writers.write("the bot's nickname", inside)
    return standin.add_role(guild, writers.write("role", inside), Permission(0), *people)


def hidden_from(
    writers: Writers, standin: DiscordStandIn, beside: Channel, people: list[User]
) -> tuple[Channel, Channel]:
    """A channel that only the first of these people may see, and a private thread that the second is in."""
    assert beside.guild is not None
    hidden = standin.add_channel("hidden", beside.guild)
    for user in people[1:]:
        standin.deny(hidden, user, Permission.VIEW_CHANNEL)
    thread = standin.add_channel("thread", beside.guild, ChannelKind.PRIVATE_THREAD, beside)
    thread.people = (people[1],)
    hidden.name = writers.write("hidden channel", hidden)
    thread.name = writers.write("private thread", thread)
    return hidden, thread


def may_see(standin: DiscordStandIn, user: User, channel: Channel) -> bool:
    held = standin.world.permissions(user, channel)
    if channel.kind is ChannelKind.PRIVATE_THREAD and user not in channel.people:
        return Permission.MANAGE_THREADS in held
    return Permission.VIEW_CHANNEL in held


async def test_nothing_hostile_is_obeyed_or_gets_anywhere_else(place: Place, tmp_path: Path) -> None:
    standin, model = place.standin, ObedientProvider()
    async with online(standin, tmp_path, model, default_model="openai/gpt-4.1-mini") as bot:
        let_everything_in(bot)
        standin.invite(next(channel.guild for channel in reversed(place.lasts) if channel.guild))
        await place.try_everything()
        await bot.answers.close(grace=30.0)
    assert not model.obeyed
    assert not standin.pings
    rows = scopes(tmp_path / "parlance.db")
    entered: set[str] = set()
    shown: set[tuple[str, str, bool]] = set()
    """Places that were named to somebody who may not see them: what, to whom, and whether in their server."""
    people = dict(zip(place.people, ("the owner", "a member", "another"), strict=True))
    for request_id, prompt in model.read:
        assert not MARK.search(prompt.system)
        words = {word.upper() for turn in prompt.turns for word in MARK.findall(turn.text)}
        owners = {place.writers.owner(word) for word in words}
        entered |= {owner.entrance for owner in owners}
        guild_id, channel_id, user_id = rows[request_id]
        for owner in owners:
            if owner.entrance in PLACES:
                named, user = standin.world.channels[owner.channel_id], standin.world.users[user_id]
                if owner.guild_id != guild_id or not may_see(standin, user, named):
                    shown.add((owner.entrance, people[user], owner.guild_id == guild_id))
            elif owner.entrance in SERVERWIDE:
                assert owner.guild_id == guild_id, owner
            # A person's own name is the same everywhere.
            elif owner.entrance != "name":
                assert (owner.guild_id, owner.channel_id) == (guild_id, channel_id), owner
                assert owner.user_id in {None, user_id}, owner
    assert not shown
    # All of this did get into prompts, so that something was tried.
    assert entered >= {
        *WRITTEN.values(),
        *("answer", "mention", "mention of places", "direct message", "file"),
        *("role", "the bot's nickname"),
        *("/ask question", "/story premise", "/story genre", "/story style"),
        *("/summarize text", "/translate text"),
    }


def scopes(database: Path) -> dict[str, tuple[int | None, int, int]]:
    """Server, channel and person of every request, by its short id."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT id, guild_id, channel_id, user_id FROM usage")
        return {short(id_): (guild_id, channel_id, user_id) for id_, guild_id, channel_id, user_id in rows}
