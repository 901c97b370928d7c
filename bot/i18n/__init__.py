"""What the bot says, in the reader's language: sentences, numbers, and the names of languages."""

from bot.i18n.names import find_language, language_name, search_languages
from bot.i18n.speech import N_, Language, language

__all__ = ["N_", "Language", "find_language", "language", "language_name", "search_languages"]
