"""Messages that another process has shown, read again as they stand. Pure."""

import re
from collections.abc import Sequence

QUOTE = "> "
"""Begins the message with the question, which may be gone."""
SMALL_PRINT = re.compile(r"(?:(?:^|\n+)-# [^\n]*)+\Z")
"""The lines of small print at the end of a message."""


def taken_apart(contents: Sequence[str], *, quoted: bool) -> tuple[str, list[str]]:
    r"""Return the question that is quoted above an answer, and the texts of its messages.

    Small print is the bot's own, in any message: what a model writes never becomes any.

    >>> taken_apart(["> why?\n\nBecause the sky", "scatters blue.\n-# model"], quoted=True)
    ('> why?', ['Because the sky', 'scatters blue.'])
    >>> taken_apart(["> why?\n\n-# The model is starting…"], quoted=True)
    ('> why?', [''])
    >>> taken_apart(["> so you say"], quoted=False)
    ('', ['> so you say'])
    >>> taken_apart(["scatters blue.\n\nIt rains."], quoted=True)
    ('', ['scatters blue.\n\nIt rains.'])
    """
    quote = ""
    texts = [SMALL_PRINT.sub("", content) for content in contents]
    if quoted and texts and texts[0].startswith(QUOTE):
        quote, _, texts[0] = texts[0].partition("\n\n")
    return quote, texts
