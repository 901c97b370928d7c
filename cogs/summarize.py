"""/summarize: a text, a file, or the last messages of the channel."""

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.domain import Command, SummarizeOptions, SummaryStyle
from bot.i18n import N_
from bot.plans import Summarize
from bot.plans.summarize import MOST_MESSAGES
from bot.plans.words import LONGEST_WORDS
from bot.reading.history import History
from cogs.attachments import downloads
from cogs.decorators import everywhere
from cogs.requests import Asked, opening_of, request_of, visibility_of

STYLES = [
    Choice(name=locale_str(N_("short")), value=SummaryStyle.SHORT.value),
    Choice(name=locale_str(N_("bullet points")), value=SummaryStyle.BULLETS.value),
    Choice(name=locale_str(N_("detailed")), value=SummaryStyle.DETAILED.value),
    Choice(name=locale_str(N_("action items")), value=SummaryStyle.ACTIONS.value),
]


class SummarizeCog(commands.Cog):
    """The command /summarize."""

    @everywhere
    @app_commands.command(
        name="summarize", description=locale_str(N_("Summarize a text, a file or the last messages here"))
    )
    @app_commands.describe(
        text=locale_str(N_("The text to summarize")),
        file=locale_str(N_("A text file to summarize, up to 1 MiB")),
        messages=locale_str(N_("How many of the last messages of this channel to summarize")),
        style=locale_str(N_("What the summary looks like")),
        private=locale_str(N_("Only you see the answer")),
    )
    @app_commands.choices(style=STYLES)
    async def summarize(
        self,
        interaction: Asked,
        text: Range[str, 1, LONGEST_WORDS] | None = None,
        file: discord.Attachment | None = None,
        messages: Range[int, 1, MOST_MESSAGES] | None = None,
        style: str = SummaryStyle.SHORT.value,
        private: bool | None = None,  # noqa: FBT001 - Discord: an option that people see
    ) -> None:
        """Summarize one of the three."""
        request = request_of(
            interaction,
            Command.SUMMARIZE,
            text or "",
            SummarizeOptions(SummaryStyle(style), messages),
            file=file,
            visibility=visibility_of(private=private),
        )
        bot = interaction.client
        bot.answers.start(request, opening_of(interaction), bot.plans[Command.SUMMARIZE])


async def setup(bot: Parlance) -> None:
    """Add the command."""
    bot.plans[Command.SUMMARIZE] = Summarize(downloads(bot), History(bot))
    await bot.add_cog(SummarizeCog())
