"""What the stand-in tells the bot over the gateway when something happens, and the files it serves."""

import re

from aiohttp import web

from tests.wire.discord_gateway import Gateway, Intent
from tests.wire.discord_kinds import Permission
from tests.wire.discord_payloads import (
    channel_payload,
    interaction_payload,
    keeps_content,
    member_payload,
    message_payload,
    redacted,
)
from tests.wire.discord_world import Attachment, Channel, Interaction, Json, Message, Upload, World

CDN = "/attachments/{channel_id}/{attachment_id}/{filename}"


class Events:
    """Dispatches to the sessions that may hear of it, each seeing what its intents allow."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway

    def message(self, event: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE, where the bot can see the channel and has the intent for it."""
        channel, guild = message.channel, message.channel.guild
        if (
            message.ephemeral
            or not self._world.permissions(self._world.bot, channel) & Permission.VIEW_CHANNEL
        ):
            return
        payload = message_payload(message)
        if guild is not None:
            member = member_payload(guild, message.author)
            payload |= {"guild_id": str(guild.id), "member": {k: v for k, v in member.items() if k != "user"}}
        wanted = Intent.DIRECT_MESSAGES if guild is None else Intent.GUILD_MESSAGES
        for session in self._gateway.listeners(guild.id if guild else None):
            if session.intents & wanted:
                full = bool(session.intents & Intent.MESSAGE_CONTENT) or keeps_content(
                    message, self._world.bot
                )
                session.dispatch(event, payload if full else redacted(payload))

    def gone(self, message: Message) -> None:
        """MESSAGE_DELETE."""
        guild = message.channel.guild
        payload: Json = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if guild is not None:
            payload["guild_id"] = str(guild.id)
        wanted = Intent.DIRECT_MESSAGES if guild is None else Intent.GUILD_MESSAGES
        if not message.ephemeral:
            for session in self._gateway.listeners(guild.id if guild else None):
                if session.intents & wanted:
                    session.dispatch("MESSAGE_DELETE", payload)

    def interaction(self, interaction: Interaction) -> None:
        """INTERACTION_CREATE; where the bot is not in the guild, on the first shard."""
        guild = interaction.channel.guild
        here = guild is not None and self._world.bot.id in guild.members
        payload = interaction_payload(self._world, interaction)
        for session in self._gateway.listeners(guild.id if guild and here else None):
            session.dispatch("INTERACTION_CREATE", payload)

    def channel(self, event: str, channel: Channel) -> None:
        """CHANNEL_CREATE, CHANNEL_UPDATE, CHANNEL_DELETE or THREAD_CREATE."""
        if channel.guild is not None and self._world.bot.id in channel.guild.members:
            self.guild(channel.guild.id, event, channel_payload(channel))

    def guild(self, guild_id: int, event: str, payload: Json) -> None:
        """Any event that comes with the guilds intent."""
        for session in self._gateway.listeners(guild_id):
            if session.intents & Intent.GUILDS:
                session.dispatch(event, payload)


class Cdn:
    """Attachments, kept in memory and served over http. ``requests`` lists the paths that were fetched."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.address = ""
        self.requests: list[str] = []

    def keep(self, channel: Channel, upload: Upload) -> Attachment:
        """Store a file and give it its address."""
        attachment_id = self._world.mint()
        # In its addresses Discord replaces what is unusual in a name.
        name = re.sub(r"[^\w.-]", "_", upload.filename, flags=re.ASCII)
        path = f"/attachments/{channel.id}/{attachment_id}/{name}"
        self._world.files[path] = upload
        # Discord signs its addresses; what follows the path is not part of the name.
        return Attachment(attachment_id, upload, f"{self.address}{path}?ex=0&is=0&hm=0&")

    async def serve(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        upload = self._world.files.get(request.path)
        if upload is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=upload.data, headers={"Content-Type": upload.content_type})
