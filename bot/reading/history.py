"""The last messages of a channel, with the right of the person who asks for them.

The bot may often read more than the person: a command can be used where history is hidden, or asked for again
by a button after a right was lost. So both rights are looked up anew, at the time of reading.
"""

from collections.abc import Iterator
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
LONGEST_EXTRA = 1000
"""Characters kept of an embed, which is about a message rather than part of what was said."""

NOT_A_MEMBER = N_(
    "I am not a member of this place, so I cannot read its messages. "
    "Give me the text itself, or ask in a server that added me."
)
GONE = N_("I cannot find this channel any more, so there are no messages to read.")
BOT_MAY_NOT = N_(
    "I may not read this channel's history. "
    "Ask an admin to give me View Channel and Read Message History here, or give me the text itself."
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
        await self._require_rights(channel, scope)
        messages = await self._messages(channel, count, request.asked_at)
        shown = [message for message in messages if not _is_hidden(message)]
        if len(shown) < len(messages) and (not shown or not self._client.intents.message_content):
            raise BadRequest(NO_CONTENT)
        said = [_said(message, self._client.user) for message in shown]
        said = [one for one in said if one.text or one.extras]
        if not said:
            raise BadRequest(NO_MESSAGES)
        _require_short(said)
        return transcript(said)

    async def _channel(self, scope: Scope) -> discord.abc.Messageable:
        id_ = scope.thread_id or scope.channel_id
        if scope.guild_id is None:
            return self._client.get_partial_messageable(id_)
        known = self._client.get_channel(id_)
        if known is None:
            try:
                known = await self._client.fetch_channel(id_)
            except discord.NotFound as error:
                raise BadRequest(GONE) from error
            except discord.Forbidden as error:
                raise BadRequest(BOT_MAY_NOT) from error
        if not isinstance(known, discord.abc.Messageable):
            raise BadRequest(NO_MESSAGES)
        return known

    async def _require_rights(self, channel: discord.abc.Messageable, scope: Scope) -> None:
        """Both the person and the bot must see the channel and its history."""
        if isinstance(channel, discord.PartialMessageable):
            return
        place = cast("discord.abc.GuildChannel | discord.Thread", channel)
        if not _reads(place.permissions_for(place.guild.me)):
            raise BadRequest(BOT_MAY_NOT)
        try:
            asker = await place.guild.fetch_member(scope.user_id)
        except discord.NotFound as error:
            raise BadRequest(ASKER_MAY_NOT) from error
        allowed = place.permissions_for(asker)
        if not _reads(allowed):
            raise BadRequest(ASKER_MAY_NOT)
        if isinstance(place, discord.Thread) and place.is_private() and not allowed.manage_threads:
            await _require_member(place, asker.id)

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


def _reads(permissions: discord.Permissions) -> bool:
    return permissions.view_channel and permissions.read_message_history


async def _require_member(thread: discord.Thread, user_id: int) -> None:
    try:
        await thread.fetch_member(user_id)
    except discord.NotFound as error:
        raise BadRequest(ASKER_MAY_NOT) from error


def _is_notice(message: discord.Message, own: discord.ClientUser | None) -> bool:
    """Whether this is one of the bot's own messages without any words of an answer, such as a status."""
    return message.author == own and not _words(message, own)


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


def _said(message: discord.Message, own: discord.ClientUser | None) -> Said:
    resolved = message.reference.resolved if message.reference is not None else None
    answered = resolved if isinstance(resolved, discord.Message) else None
    if message.type is discord.MessageType.thread_starter_message and answered is not None:
        return _said(answered, own)
    return Said(
        author=message.author.display_name,
        at=message.created_at,
        text=_words(message, own),
        replies_to=answered.author.display_name if answered is not None else "",
        extras=tuple(_extras(message)),
    )


def _words(message: discord.Message, own: discord.ClientUser | None) -> str:
    """What a message says, with names for mentions; of the bot's own, only what belongs to an answer."""
    lines = message.clean_content.splitlines()
    if message.author == own:
        lines = [line for line in lines if not line.startswith(SMALL)]
    return "\n".join(lines).strip()


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
