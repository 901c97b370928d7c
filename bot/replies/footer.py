"""The small line below an answer."""

from bot.domain import Model, Tokens
from bot.i18n import N_, Language
from bot.replies.units import units

SMALL = "\n-# "
"""Discord's mark of small print, on a line of its own."""
LONGEST_NAME = 40
"""UTF-16 units of a model's name in the footer."""


def footer(
    language: Language, model: Model, tokens: Tokens, cost: int, seconds: float, note: str = ""
) -> str:
    """Model, tokens, cost (nano-dollars) and seconds in one small line; ``note`` comes first and says why an
    answer is not whole.
    """
    parts = [short_name(model.name), language.plural(N_("{n} token"), N_("{n} tokens"), tokens.total)]
    if model.price is not None and cost:
        parts.append(language.money(cost))
    parts.append(language.seconds(seconds))
    if note:
        return f"{SMALL}{note}{SMALL}{' · '.join(parts)}"
    return SMALL + " · ".join(parts)


def short_name(model: str) -> str:
    """A model's name without its owner, short enough for the footer."""
    name = model.rpartition("/")[2]
    while units(name) > LONGEST_NAME:
        name = name[:-2] + "…"
    return name
