"""/ask: a question, perhaps about a file."""

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.domain import AskOptions, Command
from bot.i18n import N_
from bot.i18n.names import LONGEST_CHOICE
from bot.plans import Ask
from bot.plans.words import LONGEST_WORDS
from cogs.attachments import downloads
from cogs.decorators import everywhere
from cogs.requests import Asked, opening_of, request_of, scope_of, visibility_of


class AskCog(commands.Cog):
    """The command /ask."""

    @everywhere
    @app_commands.command(name="ask", description=locale_str(N_("Ask a language model anything")))
    @app_commands.describe(
        question=locale_str(N_("What you would like to know")),
        file=locale_str(N_("A text file that the question is about, up to 1 MiB")),
        model=locale_str(N_("The model that answers")),
        private=locale_str(N_("Only you see the answer")),
    )
    async def ask(
        self,
        interaction: Asked,
        question: Range[str, 1, LONGEST_WORDS],
        file: discord.Attachment | None = None,
        model: Range[str, 1, LONGEST_CHOICE] | None = None,
        private: bool | None = None,  # noqa: FBT001 - Discord: an option that people see
    ) -> None:
        """Answer a question."""
        request = request_of(
            interaction,
            Command.ASK,
            question,
            AskOptions(),
            file=file,
            model=model,
            visibility=visibility_of(private=private),
        )
        bot = interaction.client
        bot.answers.start(request, opening_of(interaction, quoted=True), bot.plans[Command.ASK])

    @ask.autocomplete("model")
    async def models(self, interaction: Asked, typed: str) -> list[Choice[str]]:
        """Offer the models that may be chosen here."""
        services = interaction.client.answers.services
        offered = await services.policies.models(scope_of(interaction))
        return [
            Choice(name=model.name, value=model.name)
            for model in services.registry.search(typed)
            if model.name in offered and len(model.name) <= LONGEST_CHOICE
        ]


async def setup(bot: Parlance) -> None:
    """Add the command."""
    bot.plans[Command.ASK] = Ask(downloads(bot))
    await bot.add_cog(AskCog())
