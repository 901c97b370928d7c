"""What the bot says, in the reader's language.

English sentences in the code are the message ids; ``bot/locales`` holds a catalogue for each language the bot
speaks. Catalogues are compiled in memory when they are first needed, so there is nothing to build.

A sentence is filled by replacing ``{name}`` with the field of that name, and nothing else: what people wrote
is data, whatever it looks like.
"""

import gettext
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from bot.domain import NANO

if TYPE_CHECKING:
    from bot.errors import ParlanceError

LOCALES: Final = Path(__file__).parents[1] / "locales"
DOMAIN: Final = "parlance"
ENGLISH: Final = "en"
CHINESE: Final = "zh_CN"
CATALOGUES: Final = (ENGLISH, CHINESE)

FIELD: Final = re.compile(r"\{(\w+)\}")
LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?")
"""Discord's locales: ``de``, ``en-US``, ``es-419``."""

NAME: Final = "name"
"""Context, in the catalogues, of what commands and options are called."""

MINUTE: Final = 60
KIBI: Final = 1024


def names(*names: str) -> tuple[str, ...]:
    """Mark what commands and options are called for the catalogues."""
    return names


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for a marker
    """Mark a sentence for the catalogues without translating it here."""
    return message


class Language:
    """One reader's language: sentences from the closest catalogue, numbers as the reader writes them."""

    def __init__(self, catalogue: str, locale: Locale) -> None:
        self.catalogue = catalogue
        self.locale = locale
        self._sentences = sentences(catalogue)

    def say(self, message: str, /, **fields: object) -> str:
        """Return the sentence with this message id.

        A whole number is written as the reader writes numbers, a time as a Discord timestamp that counts from
        now, anything else as its text.
        """
        return self._fill(self._sentences.gettext(message) if message else "", fields)

    def plural(self, singular: str, plural: str, n: int, /, **fields: object) -> str:
        """Return the sentence in the form that goes with ``n``, which is also the field ``{n}``."""
        return self._fill(self._sentences.ngettext(singular, plural, n), {"n": n, **fields})

    def error(self, error: "ParlanceError") -> str:
        """Return the sentence of an error."""
        from bot.errors import LimitReached
        from bot.i18n.limits import limit_reached

        if isinstance(error, LimitReached):
            return limit_reached(self, error)
        return self.say(error.message, **error.fields)

    def name(self, name: str) -> str:
        """Return what a command or option is called."""
        return self._sentences.pgettext(NAME, name)

    def joined(self, sentences: Iterable[str]) -> str:
        """Return whole sentences as one text; Chinese has no space between them."""
        return ("" if self.catalogue == CHINESE else " ").join(sentences)

    def number(self, number: float) -> str:
        """Return a number with the reader's signs, and at most three decimal places."""
        return format_decimal(number, locale=self.locale)

    def money(self, nano_dollars: int) -> str:
        """Return an amount in dollars: cents, or two significant digits where it is less than a dollar."""
        dollars = Decimal(nano_dollars) / NANO
        first_digit = dollars.adjusted() if dollars else 0
        places = max(2, 1 - first_digit)
        rounded = dollars.quantize(Decimal(1).scaleb(-places))
        shortest = rounded.normalize()
        if -int(shortest.as_tuple().exponent) < 2:  # noqa: PLR2004 - cents
            shortest = rounded.quantize(Decimal("0.01"))
        return format_currency(shortest, "USD", locale=self.locale, decimal_quantization=False)

    def seconds(self, seconds: float) -> str:
        """Return a duration: tenths of a second below ten seconds, minutes and seconds from a minute on."""
        if round(seconds) >= MINUTE:
            minutes, rest = divmod(round(seconds), MINUTE)
            return self.say(N_("{minutes} min {seconds} s"), minutes=minutes, seconds=rest)
        tenths = round(seconds, 1)
        return self.say(N_("{n} s"), n=self.number(tenths if tenths < 10 else round(seconds)))  # noqa: PLR2004 - whole from ten

    def size(self, size: int) -> str:
        """Return a size given in bytes: in bytes, KiB or MiB."""
        if size < KIBI:
            return self.plural(N_("{n} byte"), N_("{n} bytes"), size)
        kibibytes = size / KIBI
        if round(kibibytes) < KIBI:
            return f"{self.number(round(kibibytes, 1))} KiB"
        return f"{self.number(round(kibibytes / KIBI, 1))} MiB"

    def _fill(self, sentence: str, fields: Mapping[str, object]) -> str:
        """Fill a sentence; a field that was not given stays as it is, since an error must be sayable."""
        return FIELD.sub(
            lambda field: self._shown(fields[field[1]]) if field[1] in fields else field[0], sentence
        )

    def _shown(self, value: object) -> str:
        if isinstance(value, datetime):
            return f"<t:{int(value.timestamp())}:R>"
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(value)
        return str(value)


@cache
def sentences(catalogue: str) -> gettext.GNUTranslations:
    """Compile a catalogue. A sentence it does not have, or only as a guess, is said in English."""
    compiled = BytesIO()
    with path_of(catalogue).open("rb") as file:
        write_mo(compiled, read_po(file, locale=catalogue, domain=DOMAIN))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def path_of(catalogue: str) -> Path:
    """Return where a catalogue is."""
    return LOCALES / catalogue / "LC_MESSAGES" / f"{DOMAIN}.po"


def language(locale: str) -> Language:
    """Return the language for one of Discord's locales, such as ``en-US``; English where none is closer."""
    return _language(locale) if LOCALE.fullmatch(locale) else _language("en-US")


@cache
def _language(locale: str) -> Language:
    parsed = babel_locale(locale)
    return Language(CHINESE if parsed.language == "zh" else ENGLISH, parsed)


def babel_locale(locale: str) -> Locale:
    """Return Babel's locale for one of Discord's; American English for an unknown one."""
    try:
        return Locale.parse(locale, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en", "US")
