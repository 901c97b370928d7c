"""/translate: a text into another language."""

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.domain import Command, TranslateOptions
from bot.i18n import N_, find_language, search_languages
from bot.plans import Translate
from bot.plans.words import LONGEST_WORDS
from cogs.decorators import everywhere
from cogs.requests import Asked, opening_of, request_of, visibility_of

LONGEST_NAME = 100
"""Characters of a language's name."""


class TranslateCog(commands.Cog):
    """The command /translate."""

    @everywhere
    @app_commands.command(
        name="translate", description=locale_str(N_("Translate a text into another language"))
    )
    @app_commands.describe(
        text=locale_str(N_("The text to translate")),
        target=locale_str(N_("The language to translate into")),
        source=locale_str(N_("The language of the text; left out, it is recognised")),
        private=locale_str(N_("Only you see the answer")),
    )
    @app_commands.rename(target="to", source="from")
    async def translate(
        self,
        interaction: Asked,
        text: Range[str, 1, LONGEST_WORDS],
        target: Range[str, 1, LONGEST_NAME],
        source: Range[str, 1, LONGEST_NAME] | None = None,
        private: bool | None = None,  # noqa: FBT001 - Discord: an option that people see
    ) -> None:
        """Translate a text."""
        locale = str(interaction.locale)
        request = request_of(
            interaction,
            Command.TRANSLATE,
            text,
            TranslateOptions(
                find_language(target, locale) or target, source and (find_language(source, locale) or source)
            ),
            visibility=visibility_of(private=private),
        )
        bot = interaction.client
        bot.answers.start(request, opening_of(interaction), bot.plans[Command.TRANSLATE])

    @translate.autocomplete("target")
    @translate.autocomplete("source")
    async def languages(self, interaction: Asked, typed: str) -> list[Choice[str]]:
        """Offer languages by their name in English, in themselves or in the person's language, or by code."""
        return [
            Choice(name=name, value=code) for code, name in search_languages(typed, str(interaction.locale))
        ]


async def setup(bot: Parlance) -> None:
    """Add the command."""
    bot.plans[Command.TRANSLATE] = Translate()
    await bot.add_cog(TranslateCog())
