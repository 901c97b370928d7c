"""Languages by their names: any that CLDR knows, in English, in itself, in the reader's language, or by code.

Babel has the names in the languages that readers use. How each language calls itself would need hundreds of
its files at once, so that is kept in ``own_names.json`` (``python -m tools.own_names`` writes it from Babel).
"""

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale

from bot.i18n.speech import ENGLISH, babel_locale

OWN_NAMES: Final = Path(__file__).with_name("own_names.json")
NO_LANGUAGES: Final = frozenset({"mul", "root", "und", "zxx"})
"""Codes for several, no or an unknown language."""

MOST_CHOICES: Final = 25
"""Choices that Discord shows (Discord: Application Commands, autocomplete)."""
LONGEST_CHOICE: Final = 100
"""Characters of a choice's name, and of its value (the same)."""
LONGEST_QUERY: Final = 100

OFTEN_WANTED: Final = (
    *(
        "en",
        "zh_Hans",
        "zh_Hant",
        "es",
        "fr",
        "de",
        "ja",
        "ko",
        "pt_BR",
        "ru",
        "ar",
        "hi",
        "it",
        "id",
        "tr",
        "vi",
    ),
    *("pl", "nl", "uk", "th", "sv", "el", "cs", "ro", "he"),
)
"""What is offered before anything is typed, and first among equals."""

ALSO: Final = {
    "fa": ("Farsi",),
    "zh": ("Mandarin",),
    "zh_Hans": ("zh-CN", "zh-SG"),
    "zh_Hant": ("zh-TW", "zh-HK"),
}
"""Other words that people and Discord use."""


@dataclass(frozen=True, slots=True)
class _Entry:
    code: str
    label: str
    names: tuple[str, ...]
    """Folded, for comparing: the code, then the names."""


def search_languages(query: str, locale: str) -> list[tuple[str, str]]:
    """Return at most 25 languages as (code, label) for what a person has typed, the closest first.

    Exact names come first, then names that begin with the query, then words that do, then any that hold it.
    """
    wanted = _folded(query[:LONGEST_QUERY])
    index = _index(str(babel_locale(locale)))
    if not wanted:
        return [(entry.code, entry.label) for entry in index[:MOST_CHOICES]]
    ranked = [(rank, entry) for entry in index if (rank := _rank(wanted, entry)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    return [(entry.code, entry.label) for _, entry in ranked[:MOST_CHOICES]]


def find_language(text: str, locale: str = ENGLISH) -> str | None:
    """Return the code of the language that a person named in full, or None."""
    wanted = _folded(text[:LONGEST_QUERY])
    meant = [entry for entry in _index(str(babel_locale(locale))) if wanted in entry.names]
    meant.sort(key=lambda entry: entry.names[0] != wanted)
    return meant[0].code if meant else None


def language_name(code: str, locale: str = ENGLISH) -> str | None:
    """Return what readers call the language with this code, or None for an unknown code."""
    if code not in _english():
        return None
    return babel_locale(locale).languages.get(code) or _english()[code]


@cache
def _english() -> dict[str, str]:
    """The names of all languages in English, by code."""
    return {code: str(name) for code, name in Locale(ENGLISH).languages.items() if code not in NO_LANGUAGES}


@cache
def _own_names() -> dict[str, str]:
    names: dict[str, str] = json.loads(OWN_NAMES.read_text("utf-8"))
    return names


@cache
def _index(locale: str) -> tuple[_Entry, ...]:
    """All languages as readers of a locale look for them, those wanted often first."""
    theirs = Locale.parse(locale).languages
    entries = []
    for code, english in _english().items():
        name = str(theirs.get(code) or english)
        own = _own_names().get(code, "")
        label = name if _folded(own) in {"", _folded(name)} else f"{name} · {own}"
        known = (code, name, english, own, *ALSO.get(code, ()))
        names = dict.fromkeys(_folded(each) for each in known if each)
        entries.append(_Entry(code, label[:LONGEST_CHOICE], tuple(names)))
    often = {code: place for place, code in enumerate(OFTEN_WANTED)}
    entries.sort(key=lambda entry: (often.get(entry.code, len(often)), len(entry.label), entry.label))
    return tuple(entries)


def _rank(wanted: str, entry: _Entry) -> int | None:
    """How close a language is to a query, 0 the closest; None where it is not meant."""
    held = [name for name in entry.names if wanted in name]
    if not held:
        return None
    if wanted in held:
        return 0
    if any(name.startswith(wanted) for name in held):
        return 1
    return 2 if any(f" {wanted}" in name for name in held) else 3


def _folded(text: str) -> str:
    """A text for comparing: without case and accents, with one space or none between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(letters.replace("-", " ").replace("_", " ").split())
