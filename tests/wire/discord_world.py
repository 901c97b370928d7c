"""What the Discord stand-in remembers: people, guilds, channels, messages and interactions, without any wire
format.
"""

import base64
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.support.canaries import DISCORD
from tests.wire.discord_kinds import (
    ALL,
    EVERYONE,
    TIMED_OUT,
    Acknowledged,
    ChannelKind,
    Dms,
    Flag,
    Install,
    InteractionKind,
    Permission,
)

Json: TypeAlias = dict[str, Any]

DISCORD_EPOCH_MS = 1_420_070_400_000
"""The first millisecond of Discord's ids (Discord: Snowflakes)."""


@dataclass(eq=False)
class User:
    """A person or bot. ``dms`` may be changed at any time."""

    id: int
    name: str
    bot: bool = False
    dms: Dms = Dms.OPEN
    locale: str = "en-US"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False)
class Role:
    """A role; the one with the guild's id is @everyone."""

    id: int
    name: str
    permissions: Permission

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(eq=False)
class Overwrite:
    """What a channel allows and denies one role or user (by id)."""

    allow: Permission = field(default_factory=lambda: Permission(0))
    deny: Permission = field(default_factory=lambda: Permission(0))


@dataclass(eq=False)
class Guild:
    """A server. ``members`` maps user ids to the ids of their roles (beyond @everyone), ``nicknames`` to what
    they are called there; ``timed_out`` has those who are timed out.
    """

    id: int
    name: str
    owner: User
    locale: str = "en-US"
    users: dict[int, User] = field(default_factory=dict)
    members: dict[int, set[int]] = field(default_factory=dict)
    nicknames: dict[int, str] = field(default_factory=dict)
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, "Channel"] = field(default_factory=dict)
    timed_out: set[int] = field(default_factory=set)


@dataclass(eq=False)
class Channel:
    """A channel, thread, or direct message. ``people`` are those in a DM, group or private thread, without
    the bot.
    """

    id: int
    kind: ChannelKind
    name: str
    guild: Guild | None = None
    parent: "Channel | None" = None
    people: tuple[User, ...] = ()
    topic: str | None = None
    nsfw: bool = False
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    messages: dict[int, "Message"] = field(default_factory=dict)

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person attaches, or that the bot sent."""

    filename: str
    data: bytes
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it lies on the stand-in's CDN."""

    id: int
    upload: Upload
    url: str


@dataclass(frozen=True, slots=True)
class Version:
    """A message's text from ``time`` on (``time.perf_counter`` seconds)."""

    time: float
    content: str


@dataclass(eq=False)
class Message:
    """A message with its history: ``versions`` has every text it ever showed, the deferral's empty one not
    counted.

    ``pings`` holds what any write of it would have notified: ``<@1>``, ``<@&2>``, ``@everyone``, ``@here``,
    ``reply``.
    """

    id: int
    channel: Channel
    author: User
    content: str = ""
    flags: Flag = field(default_factory=lambda: Flag(0))
    components: list[Json] = field(default_factory=list)
    embeds: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reference: "Message | None" = None
    mentions: list[User] = field(default_factory=list)
    extra: Json = field(default_factory=dict)
    """What else its payload holds, such as a poll or what it forwards."""
    interaction: "Interaction | None" = None
    nonce: str | int | None = None
    versions: list[Version] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    deleted: float | None = None
    edited: bool = False
    allowed_mentions: list[Json | None] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & Flag.EPHEMERAL)

    @property
    def loading(self) -> bool:
        return bool(self.flags & Flag.LOADING)

    @property
    def custom_ids(self) -> list[str]:
        """The custom ids of everything on it that can be pressed or chosen, in order."""
        return [
            part["custom_id"]
            for part in walk(self.components)
            if "custom_id" in part and not part.get("disabled")
        ]

    def button(self, label: str) -> str:
        """The custom id of the enabled button with this label or emoji.

        Raises:
            LookupError: There is none.
        """
        for part in walk(self.components):
            emoji = (part.get("emoji") or {}).get("name")
            if part.get("type") == 2 and label in {part.get("label"), emoji} and not part.get("disabled"):
                return str(part["custom_id"])
        raise LookupError(f"no button {label!r} on message {self.id}: {self.components}")


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component, those inside rows, sections and containers too."""
    for part in components:
        yield part
        yield from walk(part.get("components") or [])
        if accessory := part.get("accessory"):
            yield accessory


@dataclass(eq=False)
class Interaction:
    """Something a person did that the bot has to answer.

    ``created`` and ``acknowledged_at`` are ``time.perf_counter`` seconds. ``original`` is the answer's first
    message (for a component's deferred update, the message that carries it); ``followups`` are the further
    ones, in order. ``choices`` answers an autocomplete, ``modal`` is the form that was shown.
    """

    id: int
    token: str
    kind: InteractionKind
    user: User
    channel: Channel
    install: Install
    data: Json
    locale: str
    created: float
    message: Message | None = None
    acknowledged: Acknowledged = Acknowledged.NOT
    acknowledged_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None
    late: bool = False
    expired: bool = False

    @property
    def messages(self) -> list[Message]:
        """The answer's messages that can be seen now: not thinking, not deleted."""
        shown = [self.original, *self.followups]
        return [message for message in shown if message and not message.loading and message.deleted is None]

    @property
    def text(self) -> str:
        """The visible answer, its messages joined by a line."""
        return "\n".join(message.content for message in self.messages)


class World:
    """Everything the stand-in knows, and the minting of ids."""

    def __init__(self) -> None:
        self._sequence = itertools.count(1)
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.interactions: dict[str, Interaction] = {}
        self.commands: list[Json] = []
        self.files: dict[str, Upload] = {}
        self.bot = self.add_user("parlance", bot=True)
        self.application_id = self.bot.id
        self.token = f"{base64.b64encode(str(self.bot.id).encode()).decode()}.G{'a' * 5}.{DISCORD}"

    def mint(self) -> int:
        """A new id, in the order of time, as Discord's are."""
        now_ms = time.time_ns() // 1_000_000 - DISCORD_EPOCH_MS
        return now_ms << 22 | next(self._sequence) & 0x3FFFFF

    def add_user(self, name: str, *, bot: bool = False) -> User:
        user = User(self.mint(), name, bot)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, owner: User) -> Guild:
        """A guild whose only member is its owner."""
        guild = Guild(self.mint(), name, owner)
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE)
        self.guilds[guild.id] = guild
        self.join(guild, owner)
        return guild

    def join(self, guild: Guild, user: User) -> None:
        guild.users[user.id] = user
        guild.members.setdefault(user.id, set())

    def add_channel(
        self,
        name: str,
        kind: ChannelKind,
        guild: Guild | None,
        parent: Channel | None = None,
        people: tuple[User, ...] = (),
    ) -> Channel:
        channel = Channel(self.mint(), kind, name, guild, parent, people)
        self.channels[channel.id] = channel
        if guild is not None:
            guild.channels[channel.id] = channel
        return channel

    def dm_channel(self, user: User) -> Channel:
        """The bot's direct messages with a person; made when there is none."""
        for channel in self.channels.values():
            if channel.kind is ChannelKind.DM and channel.people == (user,):
                return channel
        return self.add_channel(user.name, ChannelKind.DM, None, people=(user,))

    def permissions(self, user: User, channel: Channel) -> Permission:
        """What a user may do in a channel (Discord: Permission Overwrites); nothing where they are not a
        member.
        """
        guild = channel.guild
        if guild is None:
            here = user in channel.people or (user is self.bot and channel.kind is ChannelKind.DM)
            return EVERYONE if here else Permission(0)
        if user.id not in guild.members:
            return Permission(0)
        role_ids = guild.members[user.id]
        held = guild.roles[guild.id].permissions
        for role_id in role_ids:
            held |= guild.roles[role_id].permissions
        if guild.owner is user or held & Permission.ADMINISTRATOR:
            return ALL
        place = channel.parent if channel.kind.is_thread and channel.parent else channel
        held = _overwritten(held, place, [guild.id])
        held = _overwritten(held, place, sorted(role_ids))
        held = _overwritten(held, place, [user.id])
        if user.id in guild.timed_out:
            held &= TIMED_OUT
        return held if held & Permission.VIEW_CHANNEL else Permission(0)


def _overwritten(held: Permission, place: Channel, subject_ids: list[int]) -> Permission:
    found = [place.overwrites[subject_id] for subject_id in subject_ids if subject_id in place.overwrites]
    for overwrite in found:
        held &= ~overwrite.deny
    for overwrite in found:
        held |= overwrite.allow
    return held
