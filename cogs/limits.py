"""/limits: what a server's channels and people may use, looked at and changed by its admins."""

import discord
from discord import app_commands, ui
from discord.app_commands import AppCommandChannel, Choice, Range, locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.domain import Command, Metric, Place, Subject, Window
from bot.errors import BadRequest, ParlanceError
from bot.i18n import N_, language
from bot.i18n.names import LONGEST_CHOICE
from bot.limits_desk import (
    HISTORY_ID,
    LONGEST_AMOUNT,
    NEWEST,
    Directory,
    LimitsDesk,
    Names,
    Visit,
    Wanted,
    page_view,
)
from cogs.decorators import for_admins
from cogs.numbered import NumberedButton
from cogs.permissions import Audience, managed_guild
from cogs.requests import Asked, Channel, scope_at

GONE = N_("This channel is not there any more. Choose another one.")
NO_MEMBER = N_("{who} is not a member of this server.")

METRICS = [
    Choice(name=locale_str(N_("requests")), value=Metric.REQUESTS.value),
    Choice(name=locale_str(N_("tokens")), value=Metric.TOKENS.value),
    Choice(name=locale_str(N_("dollars")), value=Metric.COST.value),
    Choice(name=locale_str(N_("answers at once")), value=Metric.CONCURRENT.value),
]
WINDOWS = [
    Choice(name=locale_str(N_("a minute")), value=Window.MINUTE.value),
    Choice(name=locale_str(N_("an hour")), value=Window.HOUR.value),
    Choice(name=locale_str(N_("a day")), value=Window.DAY.value),
    Choice(name=locale_str(N_("a month")), value=Window.MONTH.value),
    Choice(name=locale_str(N_("at once")), value=Window.NOW.value),
]
SUBJECTS = [
    Choice(name=locale_str(N_("each member")), value=Subject.USER.value),
    Choice(name=locale_str(N_("everyone together")), value=Subject.EVERYONE.value),
]
COMMANDS = [
    Choice(name=locale_str(N_("/ask")), value=Command.ASK.value),
    Choice(name=locale_str(N_("/summarize")), value=Command.SUMMARIZE.value),
    Choice(name=locale_str(N_("/story")), value=Command.STORY.value),
    Choice(name=locale_str(N_("/translate")), value=Command.TRANSLATE.value),
]


@for_admins
class LimitsCog(
    commands.GroupCog,
    group_name=locale_str("limits"),
    group_description=locale_str(N_("What may be used in this server")),
):
    """The commands below /limits."""

    @app_commands.command(
        name="show",
        description=locale_str(N_("What applies in a channel, how full it is, how often it refused")),
    )
    @app_commands.describe(channel=locale_str(N_("A channel or category; left out, this channel")))
    async def show(self, interaction: Asked, channel: AppCommandChannel | None = None) -> None:
        """Show what applies to the admin in a channel."""
        visit, guild = _visit(interaction)
        looked = _place(interaction, guild, channel)
        scope = scope_at(member_of(interaction.user), looked)
        first, *others = await _desk(interaction).show(visit, scope, _called(visit, looked))
        await _say(interaction, first)
        for text in others:
            await interaction.followup.send(text, ephemeral=True)

    @app_commands.command(name="set", description=locale_str(N_("Set a limit, or another amount for one")))
    @app_commands.describe(
        metric=locale_str(N_("What is counted")),
        amount=locale_str(N_("Such as 20, 50,000 or $2.50; for a role also: exempt")),
        window=locale_str(N_("In which time")),
        channel=locale_str(N_("A channel or category; left out, the whole server")),
        who=locale_str(N_("Whose use is counted; left out, each member's")),
        role=locale_str(N_("Each member with this role, in place of the limit for each member")),
        command=locale_str(N_("One command alone; left out, all of them")),
    )
    @app_commands.choices(metric=METRICS, window=WINDOWS, who=SUBJECTS, command=COMMANDS)
    async def set(
        self,
        interaction: Asked,
        metric: str,
        amount: Range[str, 1, LONGEST_AMOUNT],
        window: str,
        channel: AppCommandChannel | None = None,
        who: str = Subject.USER.value,
        role: discord.Role | None = None,
        command: str | None = None,
    ) -> None:
        """Set a limit."""
        visit, guild = _visit(interaction)
        place, place_id = Place.GUILD, guild.id
        if channel is not None:
            found = _place(interaction, guild, channel)
            place = Place.CATEGORY if isinstance(found, discord.CategoryChannel) else Place.CHANNEL
            place_id = channel.id
        wanted = Wanted(
            Metric(metric),
            amount,
            Window(window),
            place,
            place_id,
            Subject(who),
            None if role is None else role.id,
            None if command is None else Command(command),
        )
        await _say(interaction, await _desk(interaction).set(visit, wanted))

    @app_commands.command(name="clear", description=locale_str(N_("Take a limit away")))
    @app_commands.describe(limit=locale_str(N_("Which one: type a word of it, then choose")))
    async def clear(self, interaction: Asked, limit: Range[str, 1, LONGEST_CHOICE]) -> None:
        """Clear a limit."""
        visit, _ = _visit(interaction)
        await _say(interaction, await _desk(interaction).clear(visit, limit))

    @clear.autocomplete("limit")
    async def limits(self, interaction: Asked, typed: str) -> list[Choice[str]]:
        """Offer the limits of the server, to those who may change them."""
        try:
            visit, _ = _visit(interaction)
            offers = await _desk(interaction).offers(visit, typed)
        except ParlanceError:
            return []
        return [Choice(name=label, value=value) for label, value in offers]

    @app_commands.command(
        name="test", description=locale_str(N_("What would happen if a member asked something now"))
    )
    @app_commands.describe(
        member=locale_str(N_("Who would ask")),
        channel=locale_str(N_("A channel or category; left out, this channel")),
    )
    async def test(
        self,
        interaction: Asked,
        member: discord.User | discord.Member,
        channel: AppCommandChannel | None = None,
    ) -> None:
        """Tell whether a member would be answered."""
        visit, guild = _visit(interaction)
        looked = _place(interaction, guild, channel)
        scope = scope_at(member_of(member), looked)
        await _say(interaction, await _desk(interaction).test(visit, scope, _called(visit, looked)))

    @app_commands.command(name="pause", description=locale_str(N_("Answer nobody in this server for now")))
    async def pause(self, interaction: Asked) -> None:
        """Pause the whole server."""
        visit, _ = _visit(interaction)
        await _say(interaction, await _desk(interaction).pause(visit))

    @app_commands.command(name="resume", description=locale_str(N_("Answer in this server again")))
    async def resume(self, interaction: Asked) -> None:
        """End the pause."""
        visit, _ = _visit(interaction)
        await _say(interaction, await _desk(interaction).resume(visit))

    @app_commands.command(
        name="history", description=locale_str(N_("Who changed which limit or setting, and when"))
    )
    async def history(self, interaction: Asked) -> None:
        """Show what was changed last."""
        visit, _ = _visit(interaction)
        page = await _desk(interaction).history(visit, NEWEST)
        await _say(interaction, page.text, page_view(page, visit.language))


class HistoryButton(NumberedButton, template=HISTORY_ID):
    """Turns to another page of the history."""

    audience = Audience.MANAGERS

    async def pressed(self, interaction: Asked) -> None:
        """Show that page in place of this one."""
        visit, _ = _visit(interaction)
        page = await _desk(interaction).history(visit, self.number)
        await interaction.response.edit_message(
            content=page.text,
            view=page_view(page, visit.language),
            allowed_mentions=discord.AllowedMentions.none(),
        )


def _visit(interaction: Asked) -> tuple[Visit, discord.Guild]:
    """The admin who asks, and their server."""
    guild = managed_guild(interaction)
    names = Names(language(str(interaction.locale)), Directory.of(guild, member_of(interaction.user)))
    return Visit(guild.id, interaction.user.id, interaction.created_at, names), guild


def _place(interaction: Asked, guild: discord.Guild, chosen: AppCommandChannel | None) -> Channel:
    """The channel or category that was chosen, or the channel the command is used in."""
    if chosen is None:
        return interaction.channel
    found = guild.get_channel(chosen.id)
    if found is None:
        raise BadRequest(GONE)
    return found


def member_of(person: discord.User | discord.Member) -> discord.Member:
    """See that a person is in the server.

    Raises:
        BadRequest: they are not.
    """
    if not isinstance(person, discord.Member):
        raise BadRequest(NO_MEMBER, who=person.mention)
    return person


def _called(visit: Visit, channel: Channel) -> str:
    """What a place is called; a thread has the limits of its parent."""
    if isinstance(channel, discord.CategoryChannel):
        return visit.names.directory.place(visit.language, Place.CATEGORY, channel.id)
    parent_id = channel.parent_id if isinstance(channel, discord.Thread) else getattr(channel, "id", 0)
    return visit.names.directory.place(visit.language, Place.CHANNEL, parent_id)


async def _say(interaction: Asked, text: str, view: ui.View | None = None) -> None:
    await interaction.response.send_message(
        text,
        view=discord.utils.MISSING if view is None else view,
        ephemeral=True,
        allowed_mentions=discord.AllowedMentions.none(),
    )


def _desk(interaction: Asked) -> LimitsDesk:
    bot = interaction.client
    return LimitsDesk(bot.answers.services, bot.store, bot.ids)


async def setup(bot: Parlance) -> None:
    """Add the commands, and let the bot know the buttons of every page of the history."""
    await bot.add_cog(LimitsCog())
    bot.add_dynamic_items(HistoryButton)
