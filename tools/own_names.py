"""Write how each language calls itself, from Babel's CLDR: ``python -m tools.own_names``."""

import json
import sys

from babel import Locale, localedata
from babel.core import UnknownLocaleError

from bot.i18n.names import NO_LANGUAGES, OWN_NAMES


def own_names() -> dict[str, str]:
    """The names by code, of every language whose own data CLDR has."""
    names = {}
    for code in sorted(set(Locale("en").languages) - NO_LANGUAGES):
        try:
            name = Locale.parse(code).languages.get(code)
        except (ValueError, UnknownLocaleError):
            continue
        if name:
            names[code] = str(name)
    return names


def main() -> int:
    """Write the file."""
    names = own_names()
    OWN_NAMES.write_text(json.dumps(names, ensure_ascii=False, indent=0, sort_keys=True) + "\n", "utf-8")
    print(
        f"{len(names)} languages of {len(localedata.locale_identifiers())} locales have a name of their own"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
