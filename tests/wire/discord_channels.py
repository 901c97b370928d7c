"""REST for channels, their messages and threads."""

from dataclasses import dataclass

from tests.wire.discord_events import Cdn, Events
from tests.wire.discord_gateway import Gateway, Intent
from tests.wire.discord_kinds import ChannelKind, Dms, Flag, Permission
from tests.wire.discord_log import Exchange, now
from tests.wire.discord_messages import (
    CANNOT_SEND,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_THE_AUTHOR,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    UNKNOWN_USER,
    ApiError,
    check,
    invalid,
    unknown,
    write,
)
from tests.wire.discord_payloads import channel_payload, keeps_content, message_payload, moment, redacted
from tests.wire.discord_server import NO_CONTENT, Server
from tests.wire.discord_world import Channel, Json, Message, Upload, World

PAGE = 100
"""The most messages in one answer (Discord: Get Channel Messages)."""


@dataclass(eq=False)
class Channels:
    """What the bot does in channels by itself, outside interactions."""

    world: World
    events: Events
    cdn: Cdn
    gateway: Gateway
    typing: list[tuple[float, Channel]]

    def routes(self, server: Server) -> None:
        server.add("POST /users/@me/channels", self.open_dm)
        server.add("GET /channels/{channel_id}", self.get_channel)
        server.add("GET /channels/{channel_id}/messages", self.history)
        server.add("POST /channels/{channel_id}/messages", self.post)
        server.add("GET /channels/{channel_id}/messages/{message_id}", self.get)
        server.add("PATCH /channels/{channel_id}/messages/{message_id}", self.patch)
        server.add("DELETE /channels/{channel_id}/messages/{message_id}", self.delete)
        server.add("PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", self.react)
        server.add("POST /channels/{channel_id}/messages/{message_id}/threads", self.start_thread, 201)
        server.add("POST /channels/{channel_id}/threads", self.start_thread, 201)
        server.add("POST /channels/{channel_id}/typing", self.type)
        server.add("GET /channels/{channel_id}/thread-members/{user_id}", self.get_thread_member)

    def open_dm(self, exchange: Exchange) -> Json:
        user = self.world.users.get(int(exchange.body["recipient_id"]))
        if user is None:
            raise UNKNOWN_USER
        return channel_payload(self.world.dm_channel(user))

    def get_channel(self, exchange: Exchange) -> Json:
        return channel_payload(self._channel(exchange))

    def history(self, exchange: Exchange) -> list[Json]:
        """Newest first. Without the right to read history there is none, as Discord has it."""
        channel, query = self._channel(exchange), exchange.query
        limit = int(query.get("limit", 50))
        if not 1 <= limit <= PAGE:
            raise invalid("NUMBER_TYPE_MAX", f"int value should be between 1 and {PAGE}.", "limit")
        if not self._held(channel) & Permission.READ_MESSAGE_HISTORY:
            return []
        ids = sorted(
            each.id for each in channel.messages.values() if each.deleted is None and not each.ephemeral
        )
        if "before" in query:
            ids = [each for each in ids if each < int(query["before"])][-limit:]
        elif "after" in query:
            ids = [each for each in ids if each > int(query["after"])][:limit]
        elif "around" in query:
            older = [each for each in ids if each <= int(query["around"])][-(limit // 2 + 1) :]
            ids = older + [each for each in ids if each > int(query["around"])][: limit - len(older)]
        else:
            ids = ids[-limit:]
        return [self._seen(channel.messages[each]) for each in reversed(ids)]

    def post(self, exchange: Exchange) -> Json:
        """A message of the bot's own; with an enforced nonce seen before, the message it made."""
        channel, body = self._channel(exchange), exchange.body or {}
        self._may_send(channel, exchange.files)
        check(body, exchange.files)
        nonce = body.get("nonce")
        if body.get("enforce_nonce") and nonce is not None:
            for earlier in channel.messages.values():
                if earlier.author is self.world.bot and earlier.nonce == nonce:
                    return message_payload(earlier)
        message = Message(self.world.mint(), channel, self.world.bot, nonce=nonce)
        if reference := body.get("message_reference"):
            message.reference = self._referred(channel, reference)
        write(self.world, message, body, [self.cdn.keep(channel, upload) for upload in exchange.files])
        channel.messages[message.id] = message
        self.events.message("MESSAGE_CREATE", message)
        return message_payload(message)

    def get(self, exchange: Exchange) -> Json:
        message = self._message(exchange)
        if not self._held(message.channel) & Permission.READ_MESSAGE_HISTORY:
            raise MISSING_ACCESS
        return self._seen(message)

    def patch(self, exchange: Exchange) -> Json:
        message = self._message(exchange)
        if message.author is not self.world.bot:
            raise NOT_THE_AUTHOR
        check(exchange.body or {}, exchange.files)
        self.rewrite(message, exchange.body or {}, exchange.files)
        return message_payload(message)

    def rewrite(self, message: Message, body: Json, files: list[Upload]) -> None:
        """Edit a message with a checked body and say so."""
        write(self.world, message, body, [self.cdn.keep(message.channel, upload) for upload in files])
        message.edited = True
        self.events.message("MESSAGE_UPDATE", message)

    def delete(self, exchange: Exchange) -> object:
        message = self._message(exchange)
        mine = message.author is self.world.bot
        if not mine and not self._held(message.channel) & Permission.MANAGE_MESSAGES:
            raise MISSING_PERMISSIONS
        self.remove(message)
        return NO_CONTENT

    def remove(self, message: Message) -> None:
        """Delete a message and say so; its object stays for the test to look at."""
        message.deleted = now()
        self.events.gone(message)

    def react(self, exchange: Exchange) -> object:
        message = self._message(exchange)
        if not self._held(message.channel) & Permission.ADD_REACTIONS:
            raise MISSING_PERMISSIONS
        return NO_CONTENT

    def start_thread(self, exchange: Exchange) -> Json:
        """A thread on a message, or on its own; in a forum, a post with its first message."""
        parent, body = self._channel(exchange), exchange.body
        held = self._held(parent)
        forum = parent.kind is ChannelKind.FORUM
        if not held & (Permission.SEND_MESSAGES if forum else Permission.CREATE_PUBLIC_THREADS):
            raise MISSING_PERMISSIONS
        kind = ChannelKind(body.get("type", ChannelKind.PUBLIC_THREAD))
        thread = self.world.add_channel(body["name"], kind, parent.guild, parent)
        if "message_id" in exchange.parameters:
            self._adopt_id(thread, self._message(exchange).id)
        self.events.channel("THREAD_CREATE", thread)
        payload = channel_payload(thread)
        if forum:
            first = body.get("message") or {}
            check(first, exchange.files, "message")
            message = Message(thread.id, thread, self.world.bot)
            write(self.world, message, first, [self.cdn.keep(thread, upload) for upload in exchange.files])
            thread.messages[message.id] = message
            self.events.message("MESSAGE_CREATE", message)
            payload["message"] = message_payload(message)
        return payload

    def type(self, exchange: Exchange) -> object:
        channel = self._channel(exchange)
        self._may_send(channel, [])
        self.typing.append((now(), channel))
        return NO_CONTENT

    def get_thread_member(self, exchange: Exchange) -> Json:
        """One of ``people`` of a thread."""
        thread, user_id = self._channel(exchange), exchange.parameters["user_id"]
        if all(str(user.id) != user_id for user in thread.people):
            raise unknown("Member", 10007)
        return {
            "id": str(thread.id),
            "user_id": user_id,
            "join_timestamp": moment(thread.id),
            "flags": 0,
        }

    def _adopt_id(self, thread: Channel, message_id: int) -> None:
        """A thread started from a message has that message's id."""
        for known in (self.world.channels, thread.guild.channels if thread.guild else {}):
            known.pop(thread.id)
            known[message_id] = thread
        thread.id = message_id

    def _channel(self, exchange: Exchange) -> Channel:
        channel = self.world.channels.get(int(exchange.parameters["channel_id"]))
        if channel is None:
            raise UNKNOWN_CHANNEL
        if not self._held(channel) & Permission.VIEW_CHANNEL:
            raise MISSING_ACCESS
        return channel

    def _message(self, exchange: Exchange) -> Message:
        message = self._channel(exchange).messages.get(int(exchange.parameters["message_id"]))
        # A private answer lives only under its interaction's token.
        if message is None or message.deleted is not None or message.flags & Flag.EPHEMERAL:
            raise UNKNOWN_MESSAGE
        return message

    def _held(self, channel: Channel) -> Permission:
        return self.world.permissions(self.world.bot, channel)

    def _may_send(self, channel: Channel, files: list[Upload]) -> None:
        if channel.kind is ChannelKind.DM and channel.people[0].dms is Dms.CLOSED:
            raise CANNOT_SEND
        held = self._held(channel)
        send = Permission.SEND_MESSAGES_IN_THREADS if channel.kind.is_thread else Permission.SEND_MESSAGES
        if not held & send or (files and not held & Permission.ATTACH_FILES):
            raise MISSING_PERMISSIONS
        if channel.kind in {ChannelKind.FORUM, ChannelKind.CATEGORY}:
            raise ApiError(400, 50008, "Cannot send messages in a non-text channel")

    def _referred(self, channel: Channel, reference: Json) -> Message | None:
        message = channel.messages.get(int(reference["message_id"]))
        if message is not None and message.deleted is None:
            if not self._held(channel) & Permission.READ_MESSAGE_HISTORY:
                raise ApiError(400, 160002, "Cannot reply without permission to read message history")
            return message
        if reference.get("fail_if_not_exists", True):
            raise invalid("REPLIES_UNKNOWN_MESSAGE", "Unknown message", "message_reference")
        return None

    def _seen(self, message: Message) -> Json:
        payload = message_payload(message)
        full = bool(self.gateway.granted & Intent.MESSAGE_CONTENT) or keeps_content(message, self.world.bot)
        return payload if full else redacted(payload)
