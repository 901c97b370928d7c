"""What people do in the stand-in's world: type commands, press buttons, write messages, change channels and
rights.
"""

import secrets
from collections.abc import Mapping, Sequence

from tests.wire.discord_commands import (
    CHAT_INPUT,
    MESSAGE_MENU,
    Commands,
    Filled,
    Impossible,
    menu_data,
)
from tests.wire.discord_events import Cdn, Events
from tests.wire.discord_kinds import ChannelKind, Install, InteractionKind, Permission
from tests.wire.discord_log import now
from tests.wire.discord_messages import mentioned
from tests.wire.discord_payloads import guild_payload
from tests.wire.discord_world import (
    Channel,
    Guild,
    Interaction,
    Json,
    Message,
    Overwrite,
    Role,
    Upload,
    User,
    Version,
    World,
    walk,
)

_CONTEXTS = {ChannelKind.DM: 1, ChannelKind.GROUP_DM: 2}


class People:
    """The world and the hands in it; everything here takes effect at once and is told to the bot over the
    gateway.
    """

    def __init__(self, world: World, events: Events, cdn: Cdn, commands: Commands) -> None:
        self.world = world
        self.events = events
        self.cdn = cdn
        self.commands = commands

    # ---- interactions

    def slash(
        self,
        user: User,
        channel: Channel,
        name: str,
        options: Mapping[str, object] | None = None,
        *,
        locale: str | None = None,
        install: Install = Install.GUILD,
    ) -> Interaction:
        """Type a slash command; ``name`` may hold subcommands (``"limits set"``), files are ``Upload``
        options.

        Raises:
            Impossible: Discord's client would not offer or send this here.
        """
        first, *path = name.split()
        command = self._offered(user, channel, first, CHAT_INPUT, install)
        filled = Filled(channel.guild, lambda upload: self.cdn.keep(channel, upload))
        data = filled.data(command, path, dict(options or {}))
        return self._interact(InteractionKind.COMMAND, user, channel, data, locale, install)

    def autocomplete(
        self,
        user: User,
        channel: Channel,
        name: str,
        option: str,
        typed: str,
        others: Mapping[str, object] | None = None,
        *,
        locale: str | None = None,
        install: Install = Install.GUILD,
    ) -> Interaction:
        """Type into an option that completes; the answer comes as the interaction's ``choices``."""
        first, *path = name.split()
        command = self._offered(user, channel, first, CHAT_INPUT, install)
        filled = Filled(channel.guild, lambda upload: self.cdn.keep(channel, upload))
        data = filled.data(command, path, {**(others or {}), option: typed}, focused=option)
        return self._interact(InteractionKind.AUTOCOMPLETE, user, channel, data, locale, install)

    def menu(
        self,
        user: User,
        message: Message,
        name: str,
        *,
        locale: str | None = None,
        install: Install = Install.GUILD,
    ) -> Interaction:
        """Choose an app's entry in a message's menu."""
        command = self._offered(user, message.channel, name, MESSAGE_MENU, install)
        data = menu_data(command, message)
        return self._interact(InteractionKind.COMMAND, user, message.channel, data, locale, install)

    def press(
        self,
        user: User,
        message: Message,
        custom_id: str,
        values: Sequence[str] = (),
        *,
        locale: str | None = None,
    ) -> Interaction:
        """Press a button, or choose ``values`` in a select; ``message.button("Stop")`` finds a custom id by
        its label.

        Raises:
            Impossible: It is not there, is disabled, or the person cannot see the message.
        """
        owner = message.interaction.user if message.interaction else None
        if message.deleted is not None or (message.ephemeral and user is not owner):
            raise Impossible(f"{user.name} cannot see message {message.id}")
        part = next((each for each in walk(message.components) if each.get("custom_id") == custom_id), None)
        if part is None or part.get("disabled"):
            raise Impossible(f"message {message.id} has no enabled {custom_id!r}, only {message.custom_ids}")
        data: Json = {"custom_id": custom_id, "component_type": part["type"], "id": part.get("id", 1)}
        if part["type"] != 2:
            data["values"] = list(values)
        install = message.interaction.install if message.interaction else Install.GUILD
        return self._interact(
            InteractionKind.COMPONENT, user, message.channel, data, locale, install, message
        )

    def submit(self, interaction: Interaction, values: Mapping[str, str]) -> Interaction:
        """Send the form that an interaction was answered with; fields by their custom ids."""
        if interaction.modal is None:
            raise Impossible("no form was shown")
        components = [_submitted(part, values) for part in interaction.modal["components"]]
        data: Json = {"custom_id": interaction.modal["custom_id"], "components": components}
        return self._interact(
            InteractionKind.MODAL,
            interaction.user,
            interaction.channel,
            data,
            interaction.locale,
            interaction.install,
            interaction.message,
        )

    def _interact(
        self,
        kind: InteractionKind,
        user: User,
        channel: Channel,
        data: Json,
        locale: str | None,
        install: Install,
        message: Message | None = None,
    ) -> Interaction:
        token = secrets.token_urlsafe(120)
        locale = locale or user.locale
        interaction = Interaction(
            self.world.mint(), token, kind, user, channel, install, data, locale, now(), message
        )
        self.world.interactions[token] = interaction
        self.events.interaction(interaction)
        return interaction

    def _offered(self, user: User, channel: Channel, name: str, kind: int, install: Install) -> Json:
        command = self.commands.find(name, kind)
        held = self.world.permissions(user, channel)
        context = _CONTEXTS.get(channel.kind, 0)
        if command["contexts"] is not None and context not in command["contexts"]:
            raise Impossible(f"{name} is not offered in context {context}, only in {command['contexts']}")
        if int(install.value) not in (command["integration_types"] or [0]):
            raise Impossible(
                f"{name} is not offered to installs {install}, only to {command['integration_types']}"
            )
        if install is Install.GUILD and channel.guild and self.world.bot.id not in channel.guild.members:
            raise Impossible(f"the app is not in {channel.guild.name}")
        needs = Permission.VIEW_CHANNEL | Permission.USE_APPLICATION_COMMANDS
        if channel.guild is not None:
            needs |= Permission(int(command["default_member_permissions"] or 0))
        if held & needs != needs:
            raise Impossible(f"{user.name} lacks {needs & ~held} for {name}")
        return command

    # ---- messages

    def say(
        self,
        user: User,
        channel: Channel,
        content: str,
        *,
        reply_to: Message | None = None,
        attachments: Sequence[Upload] = (),
    ) -> Message:
        """Write a message; a mention of the bot is ``standin.mention`` in the text, a reply mentions whom it
        answers.
        """
        return self._say(user, channel, content, reply_to, attachments)

    def dm(self, user: User, content: str, *, attachments: Sequence[Upload] = ()) -> Message:
        """Write to the bot in a direct message."""
        return self._say(user, self.world.dm_channel(user), content, None, attachments)

    def _say(
        self, user: User, channel: Channel, content: str, reply_to: Message | None, uploads: Sequence[Upload]
    ) -> Message:
        if not self.world.permissions(user, channel) & Permission.VIEW_CHANNEL:
            raise Impossible(f"{user.name} cannot see {channel.name}")
        message = Message(self.world.mint(), channel, user, content, reference=reply_to)
        message.attachments = [self.cdn.keep(channel, upload) for upload in uploads]
        message.mentions = mentioned(self.world, message)
        if reply_to is not None and reply_to.author not in message.mentions:
            message.mentions.append(reply_to.author)
        message.versions.append(Version(now(), content))
        channel.messages[message.id] = message
        self.events.message("MESSAGE_CREATE", message)
        return message

    def remove(self, message: Message) -> None:
        """Delete a message as a person would."""
        message.deleted = now()
        self.events.gone(message)

    # ---- places and rights

    def add_user(self, name: str, guild: Guild | None = None, *, locale: str = "en-US") -> User:
        """A person, a member of ``guild`` where it is given."""
        user = self.world.add_user(name)
        user.locale = locale
        if guild is not None:
            self.world.join(guild, user)
        return user

    def add_guild(self, name: str, owner: User, *members: User) -> Guild:
        """A guild of these people; the bot joins it only by ``invite``."""
        guild = self.world.add_guild(name, owner)
        for user in members:
            self.world.join(guild, user)
        return guild

    def invite(self, guild: Guild) -> None:
        """Let the bot into a guild."""
        self.world.join(guild, self.world.bot)
        self.events.guild(guild.id, "GUILD_CREATE", guild_payload(self.world, guild))

    def kick(self, guild: Guild) -> None:
        """Take the bot out of a guild."""
        self.events.guild(guild.id, "GUILD_DELETE", {"id": str(guild.id)})
        del guild.members[self.world.bot.id]

    def add_channel(
        self, name: str, guild: Guild, kind: ChannelKind = ChannelKind.TEXT, parent: Channel | None = None
    ) -> Channel:
        """A channel in a guild, under a category; or a thread or post under its channel."""
        channel = self.world.add_channel(name, kind, guild, parent)
        self.events.channel("THREAD_CREATE" if kind.is_thread else "CHANNEL_CREATE", channel)
        return channel

    def add_private_channel(self, *people: User) -> Channel:
        """A group of people without the bot, where only a user-installed app can be used."""
        return self.world.add_channel("", ChannelKind.GROUP_DM, None, people=people)

    def add_role(self, guild: Guild, name: str, permissions: Permission, *members: User) -> Role:
        """A role, given to these members."""
        role = Role(self.world.mint(), name, permissions)
        guild.roles[role.id] = role
        for user in members:
            guild.members[user.id].add(role.id)
        return role

    def deny(self, channel: Channel, subject: User | Role | Guild, permission: Permission) -> None:
        """Take permissions in a channel from a user, a role, or (for a guild) everyone."""
        overwrite = channel.overwrites.setdefault(subject.id, Overwrite())
        overwrite.deny, overwrite.allow = overwrite.deny | permission, overwrite.allow & ~permission
        self.events.channel("CHANNEL_UPDATE", channel)

    def allow(self, channel: Channel, subject: User | Role | Guild, permission: Permission) -> None:
        """Give permissions in a channel to a user, a role, or (for a guild) everyone."""
        overwrite = channel.overwrites.setdefault(subject.id, Overwrite())
        overwrite.allow, overwrite.deny = overwrite.allow | permission, overwrite.deny & ~permission
        self.events.channel("CHANNEL_UPDATE", channel)


def _submitted(part: Json, values: Mapping[str, str]) -> Json:
    if "components" in part:
        return {
            "type": part["type"],
            "components": [_submitted(child, values) for child in part["components"]],
        }
    if "component" in part:
        return {"type": part["type"], "component": _submitted(part["component"], values)}
    return {
        "type": part["type"],
        "custom_id": part.get("custom_id"),
        "value": values.get(part.get("custom_id", ""), ""),
    }
