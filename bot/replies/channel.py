"""A reply as ordinary messages of a channel or a direct message, and how a screen becomes one."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from io import BytesIO
from typing import Any

import aiohttp
import discord

from bot.anchor import Anchor
from bot.domain import Request
from bot.replies.buttons import view_of
from bot.replies.lanes import Key, edit_key, send_key
from bot.replies.transport import Attachment, Found, HandOver, Lost, OtherChannel, Screen, Unsent

Writable = (
    discord.TextChannel
    | discord.VoiceChannel
    | discord.StageChannel
    | discord.Thread
    | discord.DMChannel
    | discord.PartialMessageable
)
"""Where a bot can write and edit messages of its own."""


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn Discord's refusals into what they mean to a reply."""
    try:
        yield
    except discord.DiscordServerError as error:
        raise Unsent(str(error)) from error
    except discord.HTTPException as error:
        raise (Unsent if error.status == HTTPStatus.TOO_MANY_REQUESTS else Lost)(str(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unsent(str(error)) from error


def new_message(screen: Screen, request: Request) -> dict[str, Any]:
    """discord.py's arguments for a new message with this screen."""
    fields: dict[str, Any] = {"content": screen.content, "allowed_mentions": discord.AllowedMentions.none()}
    view = view_of(screen.buttons, request.id, request.locale)
    if view is not None:
        fields["view"] = view
    if screen.attachment is not None:
        fields["file"] = file_of(screen.attachment)
    return fields


def changed_message(screen: Screen, before: Screen | None, request: Request) -> dict[str, Any]:
    """discord.py's arguments for a message that becomes this screen; buttons that stay are not sent again."""
    fields: dict[str, Any] = {"content": screen.content, "allowed_mentions": discord.AllowedMentions.none()}
    if before is None or before.buttons != screen.buttons:
        fields["view"] = view_of(screen.buttons, request.id, request.locale)
    if screen.attachment is not None:
        fields["attachments"] = [file_of(screen.attachment)]
    return fields


def channels_of(person: discord.User | discord.Member) -> Iterator[OtherChannel]:
    """The channels of a member's server in which they may use the bot's commands, and the bot may answer."""
    if not isinstance(person, discord.Member):
        return
    for channel in sorted(person.guild.text_channels, key=lambda channel: channel.position):
        theirs, mine = channel.permissions_for(person), channel.permissions_for(person.guild.me)
        if (
            theirs.view_channel
            and theirs.send_messages
            and theirs.use_application_commands
            and mine.view_channel
            and mine.send_messages
        ):
            yield OtherChannel(channel.id, channel.category_id)


def file_of(attachment: Attachment) -> discord.File:
    """A fresh upload: discord.py closes each after sending it."""
    return discord.File(BytesIO(attachment.data), attachment.name)


class ChannelTransport:
    """Shows a reply as the bot's own messages in a channel, the first as a reply to what was asked.

    ``posts`` is how many messages the reply has already.
    """

    def __init__(
        self,
        channel: Writable,
        request: Request,
        application_id: int,
        reply_to: discord.Message | discord.PartialMessage | None = None,
        posts: int = 0,
    ) -> None:
        self._channel = channel
        self._request = request
        self._application_id = application_id
        self._reply_to = reply_to
        self._posts = posts
        self._stands = False
        """Whether any message of the reply is known to stand there."""

    @property
    def quote(self) -> str:
        """Nothing: the question stands in the channel."""
        return ""

    @property
    def expires_at(self) -> float | None:
        """Never: messages can be edited for as long as they exist."""
        return None

    @property
    def anchor(self) -> Anchor:
        """The channel."""
        reply_to = None if self._reply_to is None else self._reply_to.id
        return Anchor(self._application_id, self._channel.id, reply_to=reply_to)

    @property
    def takes_files(self) -> bool:
        """Where the bot may attach them."""
        return self._permissions.attach_files

    @property
    def knows_again(self) -> bool:
        """By its nonce."""
        return True

    @property
    def whispers(self) -> bool:
        """Everyone in a channel sees everything there."""
        return False

    def others(self) -> Iterator[OtherChannel]:
        """Those where the one who wrote may use the bot's commands."""
        if not isinstance(self._reply_to, discord.Message):
            return iter(())
        return channels_of(self._reply_to.author)

    def key(self, message_id: int | None) -> Key:
        """New messages and edits are counted apart."""
        return send_key(self._channel.id) if message_id is None else edit_key(self._channel.id)

    async def open(self, screen: Screen) -> int | None:  # noqa: ARG002 - the first sign is an ordinary post, paced like any other
        """See that the bot may write here; the first sign is an ordinary post."""
        self._require_permission()
        return None

    async def defer(self) -> int | None:
        """There is nothing to acknowledge."""
        self._require_permission()
        return None

    async def look(self, message_id: int | None) -> Found:
        """Read a message of the reply; without the right to read the channel, only its id is known."""
        if message_id is None:
            raise Lost("a channel has no first response")
        async with translated():
            try:
                content = (await self._channel.fetch_message(message_id)).content
            except discord.Forbidden:
                content = ""
        self._stands = True
        return Found(message_id, content)

    async def strays(self) -> Sequence[int]:
        """None: Discord knows them again."""
        return ()

    async def post(self, screen: Screen) -> int:
        """Send a further message."""
        if screen.is_private:
            raise Lost("a channel shows everyone everything")
        fields = new_message(screen, self._request)
        # Discord makes one message of all that come with one nonce: a post may be cut off and sent again.
        fields["nonce"] = f"{self._request.id}-{self._posts}"
        if self._reply_to is not None and not self._stands and self._permissions.read_message_history:
            fields["reference"] = self._reply_to.to_reference(fail_if_not_exists=False)
        async with translated():
            message = await self._channel.send(**fields)
        self._posts += 1
        self._stands = True
        return message.id

    async def edit(self, message_id: int, screen: Screen, before: Screen | None) -> None:
        """Change a message to show this."""
        message = self._channel.get_partial_message(message_id)
        async with translated():
            await message.edit(**changed_message(screen, before, self._request))

    async def delete(self, message_id: int) -> None:
        """Take a message away."""
        async with translated():
            await self._channel.get_partial_message(message_id).delete()

    async def hand_over(self) -> HandOver | None:
        """Nothing to hand over: this transport does not expire."""
        return None

    @property
    def _permissions(self) -> discord.Permissions:
        """What the bot may do here, as far as that is known."""
        guild = getattr(self._channel, "guild", None)
        if guild is None or isinstance(self._channel, discord.PartialMessageable):
            return discord.Permissions.all()
        return self._channel.permissions_for(guild.me)

    def _require_permission(self) -> None:
        allowed = self._permissions
        in_thread = isinstance(self._channel, discord.Thread)
        if not (
            allowed.view_channel
            and (allowed.send_messages_in_threads if in_thread else allowed.send_messages)
        ):
            raise Lost("the bot may not write in this channel")
