"""/usage: what a server used, what a person used, and the rows as a file."""

import asyncio
import tempfile
from datetime import tzinfo
from io import BytesIO
from pathlib import Path

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.charts import Charts, NotDrawn
from bot.choices import zone_of
from bot.errors import BadRequest
from bot.files import in_parts
from bot.i18n import N_, Language, language
from bot.store.usage_days import Selection
from bot.usage import By, Period, Report, Reports, stretch
from bot.usage.export import Format, encoded, header, pages
from bot.usage.picture import picture
from bot.usage.words import LISTED, chart_text, report_text
from cogs.attachments import most_bytes, send_files
from cogs.decorators import everywhere
from cogs.permissions import FOR_MANAGERS, require_manager
from cogs.requests import Asked

PERIODS = [
    Choice(name=locale_str(N_("today")), value=Period.TODAY.value),
    Choice(name=locale_str(N_("the last 7 days")), value=Period.WEEK.value),
    Choice(name=locale_str(N_("the last 30 days")), value=Period.DAYS.value),
    Choice(name=locale_str(N_("this month")), value=Period.MONTH.value),
    Choice(name=locale_str(N_("last month")), value=Period.LAST_MONTH.value),
    Choice(name=locale_str(N_("the last 365 days")), value=Period.YEAR.value),
]
PARTS = [
    Choice(name=locale_str(N_("day by day")), value=By.DAY.value),
    Choice(name=locale_str(N_("by channel")), value=By.CHANNEL.value),
    Choice(name=locale_str(N_("by member")), value=By.MEMBER.value),
    Choice(name=locale_str(N_("by command")), value=By.COMMAND.value),
    Choice(name=locale_str(N_("by model")), value=By.MODEL.value),
]
FORMATS = [
    Choice(name=locale_str(N_("CSV, for spreadsheets")), value=Format.CSV.value),
    Choice(name=locale_str(N_("JSON lines, for programs")), value=Format.JSON_LINES.value),
]
OF_SERVER = (By.MEMBER, By.CHANNEL, By.COMMAND, By.MODEL)
OF_PERSON = (By.COMMAND, By.MODEL)
"""What a person's own report is told apart by: channels of other servers have no names here."""
NO_PICTURE = N_("The picture could not be drawn; the figures are complete.")
Place = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel


@everywhere
class UsageCog(
    commands.GroupCog,
    group_name=locale_str("usage"),
    group_description=locale_str(N_("What was used, and what it cost")),
):
    """The commands below /usage. Discord shows or hides a whole group, so who may what is checked here."""

    def __init__(self) -> None:
        self.charts = Charts()

    @app_commands.command(
        name="server",
        description=locale_str(N_("What this server used (for those who manage it)")),
        extras=FOR_MANAGERS,
    )
    @app_commands.describe(
        period=locale_str(N_("Which days, in the server's time zone")),
        by=locale_str(N_("What it is told apart by")),
        channel=locale_str(N_("Only what was used in this channel and its threads")),
        member=locale_str(N_("Only what this member used")),
    )
    @app_commands.choices(period=PERIODS, by=PARTS)
    async def server(
        self,
        interaction: Asked,
        period: str = Period.DAYS.value,
        by: str = By.DAY.value,
        channel: Place | None = None,
        member: discord.User | None = None,
    ) -> None:
        """Show the server's figures with a chart."""
        guild_id = require_manager(interaction)
        selection = Selection(
            guild_id, None if channel is None else channel.id, None if member is None else member.id
        )
        title = _title(language(str(interaction.locale)), channel, member)
        await self._show(interaction, selection, Period(period), By(by), title)

    @app_commands.command(name="me", description=locale_str(N_("What you used, everywhere I answer")))
    @app_commands.describe(period=locale_str(N_("Which days")))
    @app_commands.choices(period=PERIODS)
    async def me(self, interaction: Asked, period: str = Period.DAYS.value) -> None:
        """Show a person's own figures, in whichever servers and direct messages they used the bot."""
        title = language(str(interaction.locale)).say(N_("What you used"))
        await self._show(interaction, Selection(user_id=interaction.user.id), Period(period), By.DAY, title)

    @app_commands.command(
        name="export",
        description=locale_str(N_("This server's rows as a file (for those who manage it)")),
        extras=FOR_MANAGERS,
    )
    @app_commands.describe(
        period=locale_str(N_("Which days, in the server's time zone")), form=locale_str(N_("What for"))
    )
    @app_commands.rename(form="format")
    @app_commands.choices(period=PERIODS, form=FORMATS)
    async def export(
        self, interaction: Asked, period: str = Period.DAYS.value, form: str = Format.CSV.value
    ) -> None:
        """Send one row for each request, with ids and figures; texts are never on record."""
        guild_id = require_manager(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        days = stretch(Period(period), interaction.created_at, await _zone(interaction))
        with tempfile.TemporaryDirectory(prefix="parlance-usage-") as folder:
            chunks = encoded(pages(interaction.client.store, guild_id, days.span), Format(form))
            head = header(Format(form)).encode()
            files = await in_parts(chunks, f"usage.{form}", Path(folder), most_bytes(interaction), head)
            if not files:
                raise BadRequest(N_("Nothing was used in these days, so there is nothing to export."))
            await send_files(interaction, files)

    async def _show(
        self, interaction: Asked, selection: Selection, period: Period, by: By, title: str
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        spoken, now = language(str(interaction.locale)), interaction.created_at
        days = stretch(period, now, await _zone(interaction))
        parts = OF_PERSON if selection.guild_id is None else OF_SERVER
        report = await Reports(interaction.client.store).of(selection, days, parts, now)
        text = report_text(spoken, report, title, by)
        files = []
        chart = picture(report, by, await _names(interaction, report, by))
        if chart is not None:
            try:
                png = await self.charts.draw(chart)
                files = [discord.File(BytesIO(png), "usage.png")]
                text = f"{text}\n\n{chart_text(spoken, report, by)}".rstrip()
            except NotDrawn:
                text = f"{text}\n-# {spoken.say(NO_PICTURE)}"
        await interaction.followup.send(
            text, files=files, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


def _title(spoken: Language, channel: Place | None, member: discord.User | None) -> str:
    where = {"channel": "" if channel is None else channel.mention}
    who = {"member": "" if member is None else member.mention}
    if channel is not None and member is not None:
        return spoken.say(N_("What {member} used in {channel}"), **where, **who)
    if channel is not None:
        return spoken.say(N_("What was used in {channel}"), **where)
    if member is not None:
        return spoken.say(N_("What {member} used here"), **who)
    return spoken.say(N_("What this server used"))


async def _zone(interaction: Asked) -> tzinfo:
    """Where days begin: as the server's admins chose, elsewhere at midnight in UTC."""
    if interaction.guild_id is None:
        return zone_of(None)
    reaching = await interaction.client.answers.services.policies.look(interaction.guild_id)
    return zone_of(reaching.guild.time_zone)


async def _names(interaction: Asked, report: Report, by: By) -> dict[str, str]:
    """What the shares in a chart are called now; one whose name nobody tells has none."""
    if by is By.DAY:
        return {}
    shown = [share.name for share in report.shares[by][:LISTED]]
    match by:
        case By.MEMBER:
            found = await asyncio.gather(*(_member_name(interaction, int(name)) for name in shown))
            return dict(zip(shown, found, strict=True))
        case By.CHANNEL:
            return {name: _channel_name(interaction, int(name)) for name in shown}
        case By.COMMAND:
            return {name: f"/{name}" for name in shown}
        case _:
            return {name: name.rpartition("/")[2] for name in shown}


async def _member_name(interaction: Asked, user_id: int) -> str:
    if interaction.guild is None:
        return ""
    try:
        return (await interaction.guild.fetch_member(user_id)).display_name
    except discord.HTTPException:
        return ""


def _channel_name(interaction: Asked, channel_id: int) -> str:
    """The channel's name for those who see it; who may manage a server need not see all of it."""
    channel = None if interaction.guild is None else interaction.guild.get_channel(channel_id)
    if channel is None or not isinstance(interaction.user, discord.Member):
        return ""
    return f"#{channel.name}" if channel.permissions_for(interaction.user).view_channel else ""


async def setup(bot: Parlance) -> None:
    """Add the commands."""
    await bot.add_cog(UsageCog())
