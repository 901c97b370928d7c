"""The stand-in's memory in Discord's own JSON."""

import datetime as dt
import re

from tests.wire.discord_kinds import EVERYONE, ChannelKind, InteractionKind, Permission
from tests.wire.discord_world import (
    DISCORD_EPOCH_MS,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Json,
    Message,
    User,
    World,
)

MENTIONED_USER = re.compile(r"<@!?(\d+)>")
MENTIONED_ROLE = re.compile(r"<@&(\d+)>")
MENTIONED_EVERYONE = re.compile(r"@(everyone|here)")

ATTACHMENT_BYTES = 10 * 1024 * 1024
"""The largest upload where nobody boosted (Discord: Uploading Files)."""

FAR = "2999-01-01T00:00:00+00:00"
"""When time-outs end."""

_CONTEXTS = {ChannelKind.DM: 1, ChannelKind.GROUP_DM: 2}


def moment(snowflake: int) -> str:
    """An id's time of making, as Discord writes timestamps."""
    seconds = ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="microseconds")


def user_payload(user: User) -> Json:
    return {
        "id": str(user.id),
        "username": user.name,
        "global_name": None if user.bot else user.name.title(),
        "discriminator": "0000" if user.bot else "0",
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
    }


def member_payload(guild: Guild, user: User) -> Json:
    return {
        "user": user_payload(user),
        "nick": guild.nicknames.get(user.id),
        "avatar": None,
        "roles": [str(role_id) for role_id in sorted(guild.members.get(user.id, ()))],
        "joined_at": moment(guild.id),
        "deaf": False,
        "mute": False,
        "flags": 0,
        "communication_disabled_until": FAR if user.id in guild.timed_out else None,
    }


def role_payload(guild: Guild, role_id: int) -> Json:
    role = guild.roles[role_id]
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": 0 if role.id == guild.id else 1,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def channel_payload(channel: Channel) -> Json:
    """A channel in the shape of its kind: guild channel, thread, or direct message."""
    base: Json = {"id": str(channel.id), "type": int(channel.kind), "flags": 0}
    last = max(channel.messages, default=None)
    base["last_message_id"] = None if last is None else str(last)
    if channel.guild is None:
        base["recipients"] = [user_payload(user) for user in channel.people]
        if channel.kind is ChannelKind.GROUP_DM:
            base |= {"name": channel.name, "icon": None, "owner_id": str(channel.people[0].id)}
        return base
    base |= {
        "guild_id": str(channel.guild.id),
        "name": channel.name,
        "parent_id": str(channel.parent.id) if channel.parent else None,
        "rate_limit_per_user": 0,
        "nsfw": channel.nsfw,
    }
    if channel.kind.is_thread:
        return base | {
            "owner_id": str(channel.guild.owner.id),
            "message_count": len(channel.messages),
            "member_count": 1,
            "total_message_sent": len(channel.messages),
            "thread_metadata": {
                "archived": False,
                "auto_archive_duration": 1440,
                "archive_timestamp": moment(channel.id),
                "locked": False,
            },
        }
    base |= {
        "topic": channel.topic,
        "position": list(channel.guild.channels).index(channel.id),
        "permission_overwrites": [
            {
                "id": str(subject_id),
                "type": 0 if subject_id in channel.guild.roles else 1,
                "allow": str(int(overwrite.allow)),
                "deny": str(int(overwrite.deny)),
            }
            for subject_id, overwrite in channel.overwrites.items()
        ],
    }
    if channel.kind is ChannelKind.VOICE:
        base |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    if channel.kind is ChannelKind.FORUM:
        base |= {"available_tags": [], "default_reaction_emoji": None, "default_forum_layout": 0}
    return base


def guild_payload(world: World, guild: Guild) -> Json:
    """GUILD_CREATE as a bot without the members intent gets it: only itself among the members."""
    seen = [
        channel
        for channel in guild.channels.values()
        if world.permissions(world.bot, channel) & Permission.VIEW_CHANNEL
    ]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "owner_id": str(guild.owner.id),
        "region": "",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "preferred_locale": guild.locale,
        "features": [],
        "emojis": [],
        "stickers": [],
        "roles": [role_payload(guild, role_id) for role_id in guild.roles],
        "member_count": len(guild.members),
        "large": False,
        "unavailable": False,
        "joined_at": moment(guild.id),
        "members": [member_payload(guild, world.bot)],
        "channels": [channel_payload(channel) for channel in seen if not channel.kind.is_thread],
        "threads": [channel_payload(channel) for channel in seen if channel.kind.is_thread],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment_payload(attachment: Attachment) -> Json:
    return {
        "id": str(attachment.id),
        "filename": attachment.upload.filename,
        "size": len(attachment.upload.data),
        "content_type": attachment.upload.content_type,
        "url": attachment.url,
        "proxy_url": attachment.url,
    }


def message_payload(message: Message) -> Json:
    """A message with everything on it."""
    guild = message.channel.guild
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "type": 19 if message.reference else 20 if message.interaction else 0,
        "author": user_payload(message.author),
        "content": message.content,
        "timestamp": moment(message.id),
        "edited_timestamp": moment(message.id) if message.edited else None,
        "tts": False,
        "mention_everyone": bool(MENTIONED_EVERYONE.search(message.content)),
        "mentions": [user_payload(user) for user in message.mentions],
        "mention_roles": MENTIONED_ROLE.findall(message.content),
        "attachments": [attachment_payload(attachment) for attachment in message.attachments],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "flags": int(message.flags),
    }
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.reference is not None:
        payload["message_reference"] = {
            "type": 0,
            "message_id": str(message.reference.id),
            "channel_id": str(message.reference.channel.id),
        } | ({"guild_id": str(guild.id)} if guild else {})
        gone = message.reference.deleted is not None
        reference = None if gone else message_payload(message.reference)
        if reference is not None:
            reference.pop("referenced_message", None)
        payload["referenced_message"] = reference
    payload |= message.extra
    if interaction := message.interaction:
        payload["webhook_id"] = payload["application_id"] = str(message.author.id)
        payload["interaction_metadata"] = {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "user": user_payload(interaction.user),
            "authorizing_integration_owners": _owners(interaction),
        }
    return payload


def redacted(payload: Json) -> Json:
    """The message as a bot without the message content intent gets it."""
    hidden: Json = {"content": "", "embeds": [], "attachments": [], "components": []}
    reference = payload.get("referenced_message")
    return payload | hidden | ({"referenced_message": reference | hidden} if reference else {})


def keeps_content(message: Message, bot: User) -> bool:
    """Whether a message's text reaches the bot without the intent (Discord: Message Content Intent)."""
    return message.channel.guild is None or message.author is bot or bot in message.mentions


def interaction_payload(world: World, interaction: Interaction) -> Json:
    """INTERACTION_CREATE."""
    channel, guild, user = interaction.channel, interaction.channel.guild, interaction.user
    held = world.permissions(user, channel)
    # Where the bot is not a member, the app has what the place gives to everyone.
    here = guild is not None and world.bot.id in guild.members
    bot_held = world.permissions(world.bot, channel) if here else EVERYONE
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(world.application_id),
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "locale": interaction.locale,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": channel_payload(channel) | {"permissions": str(int(held))},
        "app_permissions": str(int(bot_held)),
        "entitlements": [],
        "context": _CONTEXTS.get(channel.kind, 0),
        "authorizing_integration_owners": _owners(interaction),
        "attachment_size_limit": ATTACHMENT_BYTES,
    }
    if guild is None:
        payload["user"] = user_payload(user)
    else:
        payload |= {
            "guild_id": str(guild.id),
            "guild_locale": guild.locale,
            "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
            "member": member_payload(guild, user) | {"permissions": str(int(held))},
        }
    if interaction.message is not None:
        payload["message"] = message_payload(interaction.message)
    if interaction.kind is InteractionKind.AUTOCOMPLETE:
        payload.pop("message", None)
    return payload


def _owners(interaction: Interaction) -> dict[str, str]:
    guild = interaction.channel.guild
    if interaction.install.value == "1":
        return {"1": str(interaction.user.id)}
    return {"0": str(guild.id) if guild else "0"}


def application_payload(world: World, owner: User, flags: int) -> Json:
    """GET /applications/@me, and with ``bot_public`` and its like the older /oauth2/applications/@me."""
    return {
        "id": str(world.application_id),
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": user_payload(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": flags,
        "owner": user_payload(owner),
        "team": None,
        "hook": True,
        "integration_types_config": {"0": {}, "1": {}},
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
    }
