"""What Discord shows of the commands, in each of its languages that the catalogues have."""

from typing import Final

from discord import Locale, app_commands
from discord.app_commands import TranslationContextLocation as Location
from discord.app_commands import TranslationContextTypes, locale_str

from bot.i18n.speech import ENGLISH, language, names

NAMES: Final = names(
    "ask",
    "summarize",
    "story",
    "translate",
    "help",
    "settings",
    "panel",
    "usage",
    "server",
    "me",
    "export",
    "import",
    "privacy",
    "erase",
    "limits",
    "show",
    "set",
    "clear",
    "test",
    "pause",
    "resume",
    "history",
    "metric",
    "amount",
    "window",
    "who",
    "role",
    "command",
    "limit",
    "question",
    "file",
    "model",
    "private",
    "text",
    "messages",
    "style",
    "premise",
    "genre",
    "length",
    "to",
    "from",
    "period",
    "by",
    "channel",
    "member",
    "format",
)
"""Every command and option."""

NAMED: Final = frozenset({Location.command_name, Location.group_name, Location.parameter_name})


class CatalogueTranslator(app_commands.Translator):
    """Translates the names, descriptions and choices of commands, whose English text is the message id."""

    async def translate(
        self, string: locale_str, locale: Locale, context: TranslationContextTypes
    ) -> str | None:
        """Return the translation, or None where Discord is to show the English text."""
        spoken = language(locale.value)
        if spoken.catalogue == ENGLISH:
            return None
        english = string.message
        translated = spoken.name(english) if context.location in NAMED else spoken.say(english)
        return None if translated == english else translated
