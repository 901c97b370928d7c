"""A reply over an interaction: its first response, then follow-ups, for as long as its token lives."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import cast

import discord

from bot.anchor import Anchor
from bot.domain import Request, Surroundings, Visibility
from bot.i18n import N_, language
from bot.replies.channel import (
    ChannelTransport,
    Writable,
    changed_message,
    channels_of,
    new_message,
    translated,
)
from bot.replies.lanes import Clock, Key, webhook_key
from bot.replies.once import once
from bot.replies.transport import Found, HandOver, Lost, OtherChannel, Screen, Transport, Unsent
from bot.replies.tries import OutOfTime

TOKEN_SECONDS = 15 * 60.0
"""An interaction's token lives this long (Discord: Receiving and Responding to Interactions)."""
MARGIN_SECONDS = 45.0
"""Left of a token's life when the reply is handed over: time for a last edit, retried."""

ALREADY_ACKNOWLEDGED = 40060
"""Discord's code for a second first response (Discord: JSON Error Codes)."""

RESPONSE_SECONDS = 3.0
"""Discord takes a first response for so long (Discord: Receiving and Responding to Interactions)."""
RESPONSE_PAUSE = 0.1
"""Seconds after the first try of a first response, before it is asked whether Discord has it; after each
further one, twice as many.
"""

ORIGINAL = cast("int", "@original")
"""Discord's name for an interaction's first response, where discord.py asks for a message's id."""
LOOKED_AT = 100
"""Messages that are read to find one: as many as a request gives (Discord: Get Channel Messages)."""

MOST_LOOKS = 3
"""Looks for follow-ups, one after the other, that Discord may leave without an answer."""

UNWRITABLE = (discord.ForumChannel, discord.CategoryChannel, discord.GroupChannel)
"""Channels in which a bot cannot write or edit messages of its own."""

AnyInteraction = discord.Interaction[discord.Client]
Respond = Callable[[], Awaitable[discord.InteractionCallbackResponse[discord.Client] | None]]
"""Sends a first response."""


class WebhookTransport:
    """Shows a reply with an interaction's token, after the first response.

    ``quote`` stands above a public answer, since Discord shows no options. ``posts`` is how many messages the
    reply has already.
    """

    def __init__(
        self,
        client: discord.Client,
        request: Request,
        anchor: Anchor,
        webhook: discord.Webhook,
        expires_at: float,
        quote: str = "",
        posts: int = 1,
    ) -> None:
        self._client = client
        self._request = request
        self._anchor = anchor
        self._webhook = webhook
        self._expires_at = expires_at
        self._quote = quote
        self._posts = max(1, posts)
        self._newest = 0
        """The newest message that is known of the reply."""
        self._looks = 0
        """Looks for follow-ups that Discord did not answer, one after the other."""

    @property
    def quote(self) -> str:
        """The question, above a public answer."""
        return self._quote

    @property
    def expires_at(self) -> float | None:
        """A little before the token dies."""
        return self._expires_at

    @property
    def anchor(self) -> Anchor:
        """The token, and the channel it is of."""
        return self._anchor

    @property
    def takes_files(self) -> bool:
        """Always."""
        return True

    @property
    def knows_again(self) -> bool:
        """Never: a follow-up has no nonce."""
        return False

    @property
    def whispers(self) -> bool:
        """Follow-ups can be private."""
        return not self._is_private

    def others(self) -> Iterator[OtherChannel]:
        """Nobody is there to be told of another."""
        return iter(())

    def key(self, message_id: int | None) -> Key:  # noqa: ARG002 - one bucket for all of a token's calls
        """Everything sent with one token is counted together."""
        return webhook_key(str(self._webhook.token))

    async def open(self, screen: Screen) -> int | None:  # noqa: ARG002 - there is no second first response
        """Nothing to open: the first response was made."""
        return None

    async def defer(self) -> int | None:
        """Nothing to acknowledge: the first response was made."""
        return None

    async def look(self, message_id: int | None) -> Found:
        """Read the first response or a follow-up again."""
        async with translated():
            # discord.py puts what it is given into the address, and Discord has a name for the first.
            message = await self._webhook.fetch_message(message_id or ORIGINAL)
        self._newest = max(self._newest, message.id)
        return Found(message.id, message.content)

    async def strays(self) -> Sequence[int]:
        """The follow-ups after all that are known, among the channel's newest messages.

        A look that Discord does not answer is made again, but not for ever: a part is rather said twice than
        never.
        """
        if self._is_private:
            return ()
        try:
            async with translated():
                found = await self._follow_ups()
        except Unsent:
            self._looks += 1
            if self._looks < MOST_LOOKS:
                raise
            found = []
        except Lost:
            found = []
        self._looks = 0
        self._newest = max(self._newest, *found, 0)
        return found

    async def _follow_ups(self) -> list[int]:
        first = await self._webhook.fetch_message(ORIGINAL)
        asked = first.interaction_metadata
        later = discord.Object(max(first.id, self._newest))
        channel = self._client.get_partial_messageable(self._anchor.channel_id)
        return sorted(
            [
                message.id
                async for message in channel.history(limit=LOOKED_AT, after=later, oldest_first=False)
                if asked is not None
                and message.interaction_metadata is not None
                and message.interaction_metadata.id == asked.id
            ]
        )

    async def post(self, screen: Screen) -> int:
        """Send a follow-up."""
        async with translated():
            message = await self._webhook.send(
                **new_message(screen, self._request),
                ephemeral=self._is_private or screen.is_private,
                wait=True,
            )
        self._posts += 1
        self._newest = message.id
        return message.id

    async def edit(self, message_id: int, screen: Screen, before: Screen | None) -> None:
        """Change the response or a follow-up."""
        async with translated():
            await self._webhook.edit_message(message_id, **changed_message(screen, before, self._request))

    async def delete(self, message_id: int) -> None:
        """Take a follow-up away."""
        async with translated():
            await self._webhook.delete_message(message_id)

    async def hand_over(self) -> HandOver | None:
        """Go on as channel messages where the bot may write; a private answer, in the person's direct
        messages.
        """
        if self._is_private:
            return await self._hand_over_privately()
        channel = self._channel()
        if channel is None:
            return None
        return HandOver(self._in(channel, self._posts), keeps_messages=True)

    @property
    def _is_private(self) -> bool:
        return self._request.visibility is Visibility.PRIVATE

    def _channel(self) -> Writable | None:
        """The channel, where the bot itself, not only the interaction, may write in it."""
        if self._request.scope.surroundings is Surroundings.USER_INSTALL:
            return None
        return self._client.get_partial_messageable(self._anchor.channel_id)

    def _in(self, channel: Writable, posts: int) -> ChannelTransport:
        return ChannelTransport(channel, self._request, self._anchor.application_id, posts=posts)

    async def _hand_over_privately(self) -> HandOver | None:
        sentence = language(self._request.locale).say(
            N_("Your private answer goes on here, since it takes longer than Discord lets it there.")
        )
        try:
            async with translated():
                channel = await self._client.create_dm(discord.Object(self._request.scope.user_id))
                await channel.send(
                    sentence,
                    allowed_mentions=discord.AllowedMentions.none(),
                    nonce=f"{self._request.id}-moved",
                )
        except Lost:
            return None
        return HandOver(self._in(channel, posts=0), keeps_messages=False)


class InteractionTransport(WebhookTransport):
    """Shows a reply through an interaction, whose first response is still to be made."""

    def __init__(self, interaction: AnyInteraction, request: Request, clock: Clock, quote: str = "") -> None:
        self._interaction = interaction
        self._clock = clock
        self._responds_by = clock() + RESPONSE_SECONDS
        seconds = TOKEN_SECONDS - MARGIN_SECONDS
        anchor = Anchor(
            application_id=interaction.application_id,
            channel_id=interaction.channel_id or request.scope.channel_id,
            token=interaction.token,
            expires_at=interaction.created_at + timedelta(seconds=seconds),
            quoted=bool(quote),
        )
        super().__init__(interaction.client, request, anchor, interaction.followup, clock() + seconds, quote)

    def others(self) -> Iterator[OtherChannel]:
        """Those where they may use the bot's commands."""
        return channels_of(self._interaction.user)

    async def open(self, screen: Screen) -> int | None:
        """Respond with the first screen."""
        return await self._respond(
            lambda: self._interaction.response.send_message(
                **new_message(screen, self._request), ephemeral=self._is_private or screen.is_private
            )
        )

    async def defer(self) -> int | None:
        """Respond with "is thinking", with the visibility that the answer will have."""
        return await self._respond(
            lambda: self._interaction.response.defer(thinking=True, ephemeral=self._is_private)
        )

    def _channel(self) -> Writable | None:
        channel = self._interaction.channel
        if channel is None or isinstance(channel, UNWRITABLE) or not self._may_write():
            return None
        return channel

    def _may_write(self) -> bool:
        if self._request.scope.surroundings is Surroundings.BOT_DM:
            return True
        allowed = self._interaction.app_permissions
        in_thread = self._request.scope.thread_id is not None
        return (
            self._request.scope.surroundings is Surroundings.GUILD
            and allowed.view_channel
            and (allowed.send_messages_in_threads if in_thread else allowed.send_messages)
        )

    async def _respond(self, respond: Respond) -> int:
        """Send the first response, which Discord takes only once and only within three seconds.

        One whose answer was lost may have been taken: that is asked before it is sent again.

        Raises:
            Lost: it was not taken; ``OutOfTime``: nobody knows by now.
        """
        pause = RESPONSE_PAUSE
        with once():
            while True:
                with suppress(Unsent):
                    return await self._sent(respond)
                await asyncio.sleep(pause)
                pause *= 2
                with suppress(Unsent):
                    if (taken := await self._taken()) is not None:
                        return taken
                if self._clock() >= self._responds_by:
                    raise OutOfTime("Discord did not say whether it has the first response")

    async def _sent(self, respond: Respond) -> int:
        async with translated():
            known = None
            if not self._interaction.response.is_done():
                try:
                    answered = await respond()
                except discord.HTTPException as error:
                    if error.code != ALREADY_ACKNOWLEDGED:
                        raise
                else:
                    known = answered.message_id if answered is not None else None
            return known or (await self._interaction.original_response()).id

    async def _taken(self) -> int | None:
        try:
            async with translated():
                return (await self._interaction.original_response()).id
        except Lost:
            return None


def found_again(
    client: discord.Client, anchor: Anchor, request: Request, clock: Clock, posts: int
) -> Transport:
    """Return the transport of a reply that another process began, and that has so many messages."""
    if anchor.token is None or anchor.expires_at is None:
        channel = client.get_partial_messageable(anchor.channel_id)
        asked = None if anchor.reply_to is None else channel.get_partial_message(anchor.reply_to)
        return ChannelTransport(channel, request, anchor.application_id, asked, posts)
    webhook = discord.Webhook.partial(anchor.application_id, anchor.token, client=client)
    webhook.type = discord.WebhookType.application
    left = (anchor.expires_at - discord.utils.utcnow()).total_seconds()
    return WebhookTransport(client, request, anchor, webhook, clock() + left, posts=posts)
