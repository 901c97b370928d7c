"""Numbers and dollars as people write them, with the separators of any country."""

import re
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.numbers import NumberFormatError, parse_decimal

from bot.domain import NANO

WHOLE: Final = re.compile(
    r"[1-9]\d{0,2}(?:[,.'\u2019 \u00a0\u202f]\d{2,3})*[,.'\u2019 \u00a0\u202f]\d{3}|\d{1,12}"
)
"""With what separates thousands, or, as in India, lakhs and crores."""
DOLLARS: Final = re.compile(r"(?:US)?\s*\$?\s*(\d[\d.,'\u2019 \u00a0\u202f]{0,28})\s*\$?", re.IGNORECASE)
APART: Final = re.compile(r"['\u2019\s]")
"""What separates thousands wherever it is used."""
ELSEWHERE: Final = (Locale("en"), Locale("de"))
"""How numbers are written where the person's own way does not fit."""


def whole_number(text: str) -> int | None:
    """Return a whole number that a person wrote; None where it is none.

    >>> [whole_number(text) for text in ("50,000", "50.000", "50 000", "1.5", "0.005", "-1")]
    [50000, 50000, 50000, None, None, None]
    """
    text = text.strip()
    return int(re.sub(r"\D", "", text)) if WHOLE.fullmatch(text) else None


def nano_dollars(text: str, locale: Locale) -> int | None:
    """Return the nano-dollars that a person wrote as dollars; None where these are none.

    Where it can be read in two ways, it is read as in the person's ``locale``.

    >>> def read(*texts, locale="en_US"):
    ...     found = [nano_dollars(text, Locale.parse(locale)) for text in texts]
    ...     return [nano if nano is None else nano / NANO for nano in found]
    >>> read("$2.50", "2,50", "2.5 $", "US$ 3", "1,234.50", "1.234,50", "1 234,50", "0.005", "12")
    [2.5, 2.5, 2.5, 3.0, 1234.5, 1234.5, 1234.5, 0.005, 12.0]
    >>> read("1,500", "1.500"), read("1,500", "1.500", locale="de")
    ([1500.0, 1.5], [1.5, 1500.0])
    >>> read("-1", "", "$", "1.2.3", "many", "1e9")
    [None, None, None, None, None, None]
    """
    found = DOLLARS.fullmatch(text.strip())
    if found is None:
        return None
    for spoken in (locale, *ELSEWHERE):
        try:
            dollars: Decimal = parse_decimal(APART.sub("", found[1]), locale=spoken, strict=True)
        except NumberFormatError:
            continue
        return int(dollars * NANO)
    return None
