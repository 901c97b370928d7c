"""What a person did in Discord as a ``Request``: the one place where interactions and messages are read."""

from collections.abc import Callable

import discord

from bot.app import Parlance
from bot.domain import Command, File, Options, Request, Scope, Surroundings, Visibility
from bot.replies.inert import inert
from bot.replies.interaction import InteractionTransport

Asked = discord.Interaction[Parlance]
Channel = (
    discord.abc.GuildChannel | discord.Thread | discord.abc.PrivateChannel | discord.PartialMessageable | None
)

LONGEST_QUOTE = 300
"""Characters of a question that are quoted above its answer."""
LONGEST_FILE_NAME = 60
"""Characters of a file's name that are quoted: Discord lets people write whole pages there."""


def request_of(
    interaction: Asked,
    command: Command,
    words: str,
    options: Options,
    *,
    file: discord.Attachment | None = None,
    model: str | None = None,
    visibility: Visibility = Visibility.INHERITED,
) -> Request:
    """The request that an interaction is."""
    return Request(
        id=interaction.client.ids.new(),
        command=command,
        scope=scope_of(interaction),
        words=words,
        options=options,
        locale=str(interaction.locale),
        visibility=visibility,
        asked_at=interaction.created_at,
        file=None if file is None else file_of(file),
        model=model,
    )


def request_of_message(client: Parlance, message: discord.Message, words: str, options: Options) -> Request:
    """The question that a message is. Messages carry no locale: the server's is taken, or English."""
    locale = discord.Locale.american_english if message.guild is None else message.guild.preferred_locale
    surroundings = Surroundings.BOT_DM if message.guild is None else Surroundings.GUILD
    return Request(
        id=client.ids.new(),
        command=Command.ASK,
        scope=_scope(surroundings, message.author, message.channel, message.guild),
        words=words,
        options=options,
        locale=str(locale),
        visibility=Visibility.PUBLIC,
        asked_at=message.created_at,
        file=file_of(message.attachments[0]) if message.attachments else None,
    )


def scope_of(interaction: Asked) -> Scope:
    """Where and who an interaction comes from."""
    if interaction.guild_id is None:
        in_bot_dm = interaction.context.dm_channel
        surroundings = Surroundings.BOT_DM if in_bot_dm else Surroundings.USER_INSTALL
    else:
        is_member = interaction.client.get_guild(interaction.guild_id) is not None
        surroundings = Surroundings.GUILD if is_member else Surroundings.USER_INSTALL
    return _scope(surroundings, interaction.user, interaction.channel, interaction.guild)


def scope_at(member: discord.Member, channel: Channel) -> Scope:
    """Where a member of a server would be with a request in a channel, or in any channel of a category."""
    return _scope(Surroundings.GUILD, member, channel, member.guild)


def file_of(attachment: discord.Attachment) -> File:
    """What Discord says of an attached file."""
    return File(name=attachment.filename, url=attachment.url, size=attachment.size)


def visibility_of(*, private: bool | None) -> Visibility:
    """What the option ``private`` stands for; None where it was left out."""
    if private is None:
        return Visibility.INHERITED
    return Visibility.PRIVATE if private else Visibility.PUBLIC


def opening_of(interaction: Asked, *, quoted: bool = False) -> Callable[[Request], InteractionTransport]:
    """What opens the way an answer goes back; a public one may have its question ``quoted`` above."""
    clock = interaction.client.answers.services.clock

    def opening(request: Request) -> InteractionTransport:
        shown = quoted and request.visibility is Visibility.PUBLIC
        return InteractionTransport(interaction, request, clock, quote_of(request) if shown else "")

    return opening


def quote_of(request: Request) -> str:
    """The question on one quoted line, as it was typed, with the name of its file."""
    question = _line(request.words, LONGEST_QUOTE)
    attached = "" if request.file is None else f" ({_line(request.file.name, LONGEST_FILE_NAME)})"
    return "> " + inert(question + attached)


def _line(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _scope(
    surroundings: Surroundings,
    person: discord.User | discord.Member,
    channel: Channel,
    guild: discord.Guild | None,
) -> Scope:
    thread = channel if isinstance(channel, discord.Thread) else None
    place = thread.parent if thread is not None else channel
    category_id = place.category_id if isinstance(place, discord.abc.GuildChannel) else None
    if isinstance(place, discord.CategoryChannel):
        category_id = place.id
    roles = person.roles if isinstance(person, discord.Member) else []
    return Scope(
        surroundings=surroundings,
        user_id=person.id,
        channel_id=thread.parent_id if thread is not None else 0 if channel is None else channel.id,
        guild_id=None if guild is None else guild.id,
        category_id=category_id,
        thread_id=None if thread is None else thread.id,
        role_ids=tuple(role.id for role in roles if not role.is_default()),
    )
