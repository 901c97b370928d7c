"""The last messages of a channel, with the right of the person who asks for them.

The bot may often read more than the person: a command can be used where history is hidden, or asked for again
by a button after a right was lost. So both rights are looked up anew, at the time of reading. What messages
mention is named as the person sees it: a channel hidden from them has no name.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import cast

import discord

from bot.domain import Request, Scope, Surroundings
from bot.errors import BadRequest
from bot.i18n import N_
from bot.reading.transcript import Said, Transcript, item, transcript

LARGEST_HISTORY = 1024 * 1024
"""Characters of rendered messages that are read at once."""
SMALL = "-# "
"""Discord's mark of small print: in the bot's own messages, what is not part of an answer."""
CHANNEL_MENTION = re.compile(r"<#(\d{15,20})>")
UNSEEN = "#no-access"
"""Stands for a channel that the person may not see, as in Discord itself."""
LONGEST_EXTRA = 1000
"""Characters kept of an embed, which is about a message rather than part of what was said."""

NOT_A_MEMBER = N_(
    "I am not a member of this place, so I cannot read its messages. "
    "Give me the text itself, or ask in a server that added me."
)
GONE = N_("I cannot find this channel any more, so there are no messages to read.")
BOT_MAY_NOT = N_(
    "I may not read this channel's history. "
    "Ask an admin to give me View Channel and Read Message History here, in a voice channel Connect too, "
    "or give me the text itself."
)
ASKER_MAY_NOT = N_(
    "You may not read this channel's history yourself, so I will not read it for you. "
    "Give me the text itself."
)
NO_CONTENT = N_(
    "Discord hides what people write from me, since this bot has no Message Content intent. "
    "Give me the text itself, or tell the person who runs this bot."
)
NO_MESSAGES = N_("There are no messages with words here. Give me a text, or ask where people have talked.")
TOO_LONG = N_("The last {count} messages are too long to read at once. Ask for the last {fitting}.")


Sees = Callable[[int], bool]
"""Whether the person who asks sees a channel, by its id."""


class History:
    """Reads channels through Discord."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def last(self, request: Request, count: int) -> Transcript:
        """The last ``count`` messages of the place a request comes from, without the bot's own notices.

        Raises:
            BadRequest: it may not be read, or holds nothing to read.
        """
        scope = request.scope
        if scope.surroundings is Surroundings.USER_INSTALL:
            raise BadRequest(NOT_A_MEMBER)
        channel = await self._channel(scope)
        sees = await self._require_rights(channel, scope)
        messages = await self._messages(channel, count, request.asked_at)
        shown = [message for message in messages if not _is_hidden(message)]
        if len(shown) < len(messages) and (not shown or not self._client.intents.message_content):
            raise BadRequest(NO_CONTENT)
        said = [_said(message, self._client.user, sees) for message in shown]
        said = [one for one in said if one.text or one.extras]
        if not said:
            raise BadRequest(NO_MESSAGES)
        _require_short(said)
        return transcript(said)

    async def _channel(self, scope: Scope) -> discord.abc.Messageable:
        id_ = scope.thread_id or scope.channel_id
        if scope.guild_id is None:
            return self._client.get_partial_messageable(id_)
        try:
            guild = await self._guild(scope.guild_id)
            known = guild.get_channel_or_thread(id_) or await guild.fetch_channel(id_)
        except (discord.NotFound, discord.InvalidData) as error:
            raise BadRequest(GONE) from error
        except discord.Forbidden as error:
            raise BadRequest(BOT_MAY_NOT) from error
        if not isinstance(known, discord.abc.Messageable):
            raise BadRequest(NO_MESSAGES)
        return known

    async def _guild(self, guild_id: int) -> discord.Guild:
        """The server, from Discord where it is another shard's, or not heard of yet."""
        known = self._client.get_guild(guild_id)
        if known is None or known.unavailable:
            return await self._client.fetch_guild(guild_id, with_counts=False)
        return known

    async def _require_rights(self, channel: discord.abc.Messageable, scope: Scope) -> Sees:
        """Both the person and the bot must see the channel and its history; returns what the person sees."""
        if isinstance(channel, discord.PartialMessageable) or self._client.user is None:
            return lambda _: False
        place = cast("discord.abc.GuildChannel | discord.Thread", channel)
        guild = place.guild
        parent = await _parent(place)
        own = guild.get_member(self._client.user.id) or await guild.fetch_member(self._client.user.id)
        if not _reads(parent, parent.permissions_for(own)):
            raise BadRequest(BOT_MAY_NOT)
        try:
            asker = await guild.fetch_member(scope.user_id)
        except discord.NotFound as error:
            raise BadRequest(ASKER_MAY_NOT) from error
        allowed = parent.permissions_for(asker)
        if not _reads(parent, allowed):
            raise BadRequest(ASKER_MAY_NOT)
        if isinstance(place, discord.Thread) and place.is_private() and not allowed.manage_threads:
            await _require_member(place, asker.id)
        return lambda id_: id_ == place.id or _sees(asker, id_)

    async def _messages(
        self, channel: discord.abc.Messageable, count: int, until: datetime
    ) -> list[discord.Message]:
        """What people and bots had said by then, oldest first.

        One more is read than asked for, since the newest may be the first sign of this very answer.
        """
        before = discord.Object(discord.utils.time_snowflake(until, high=True))
        own = self._client.user
        try:
            found = [
                message
                async for message in channel.history(limit=count + 1, before=before)
                if not message.is_system() and not _is_notice(message, own)
            ]
        except discord.Forbidden as error:
            raise BadRequest(BOT_MAY_NOT) from error
        except discord.NotFound as error:
            raise BadRequest(GONE) from error
        return found[:count][::-1]


async def _parent(place: discord.abc.GuildChannel | discord.Thread) -> discord.abc.GuildChannel:
    """What a thread's rights are those of, or the channel itself."""
    if not isinstance(place, discord.Thread):
        return place
    parent = place.parent or await place.guild.fetch_channel(place.parent_id)
    return cast("discord.abc.GuildChannel", parent)


def _sees(asker: discord.Member, channel_id: int) -> bool:
    """Whether a person sees a channel; of private threads that is not known without asking, so they do not.
    One that nobody here knows has no name to hide.
    """
    channel = asker.guild.get_channel_or_thread(channel_id)
    if not isinstance(channel, discord.Thread):
        return channel is None or channel.permissions_for(asker).view_channel
    allowed = None if channel.parent is None else channel.parent.permissions_for(asker)
    return (
        allowed is not None and allowed.view_channel and (not channel.is_private() or allowed.manage_threads)
    )


def _reads(place: discord.abc.GuildChannel, allowed: discord.Permissions) -> bool:
    """Whether these rights are enough to read a place; where people speak, one also has to be let in."""
    is_spoken = isinstance(place, discord.VoiceChannel | discord.StageChannel)
    return allowed.view_channel and allowed.read_message_history and (allowed.connect or not is_spoken)


async def _require_member(thread: discord.Thread, user_id: int) -> None:
    try:
        await thread.fetch_member(user_id)
    except discord.NotFound as error:
        raise BadRequest(ASKER_MAY_NOT) from error


def _is_notice(message: discord.Message, own: discord.ClientUser | None) -> bool:
    """Whether this is one of the bot's own messages without any words of an answer, such as a status."""
    return message.author == own and not _answered(message.content)


def _require_short(said: list[Said]) -> None:
    total = fitting = 0
    for one in reversed(said):
        total += len(item(one))
        fitting += total <= LARGEST_HISTORY
    if total > LARGEST_HISTORY:
        raise BadRequest(TOO_LONG, count=len(said), fitting=fitting)


def _is_hidden(message: discord.Message) -> bool:
    """Whether a message shows nothing at all, as every message does without the intent."""
    return not (
        message.content
        or message.attachments
        or message.embeds
        or message.stickers
        or message.components
        or message.poll
        or message.message_snapshots
    )


def _said(message: discord.Message, own: discord.ClientUser | None, sees: Sees) -> Said:
    resolved = message.reference.resolved if message.reference is not None else None
    answered = resolved if isinstance(resolved, discord.Message) else None
    if message.type is discord.MessageType.thread_starter_message and answered is not None:
        return _said(answered, own, sees)
    return Said(
        author=message.author.display_name,
        at=message.created_at,
        text=_words(message, own, sees),
        replies_to=answered.author.display_name if answered is not None else "",
        extras=tuple(_extras(message)),
    )


def _words(message: discord.Message, own: discord.ClientUser | None, sees: Sees) -> str:
    """What a message says, with names for mentions; of the bot's own, only what belongs to an answer."""
    # The library names mentions in the message's own text alone; nobody else reads this one.
    message.content = CHANNEL_MENTION.sub(
        lambda mention: mention[0] if sees(int(mention[1])) else UNSEEN, message.content
    )
    text = message.clean_content
    return _answered(text) if message.author == own else "\n".join(text.splitlines()).strip()


def _answered(text: str) -> str:
    """What belongs to an answer in a message of the bot's own."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(SMALL)).strip()


def _extras(message: discord.Message) -> Iterator[str]:
    """What a message carries besides its words."""
    for attachment in message.attachments:
        yield f"file: {attachment.filename}"
    for sticker in message.stickers:
        yield f"sticker: {sticker.name}"
    if message.poll is not None:
        yield f"poll: {message.poll.question} {' / '.join(answer.text for answer in message.poll.answers)}"
    for snapshot in message.message_snapshots:
        yield f"forwarded: {snapshot.content}"
    for embed in message.embeds:
        words = " - ".join(word for word in (embed.title, embed.description) if word)
        if words:
            yield f"embed: {_shortened(words)}"


def _shortened(words: str) -> str:
    return words if len(words) <= LONGEST_EXTRA else words[: LONGEST_EXTRA - 1] + "…"
