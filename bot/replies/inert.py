r"""Makes what a person wrote show as it was typed, where the bot repeats it.

Every mark of Discord's markdown gets a backslash, also the brackets of a link, which would lead to wherever
the person likes under the bot's name. An address that was typed plainly stays as it is: with a backslash
before one of its underscores it would be another.
"""

import re

ADDRESS = r"https?://[^\s<>\[\]\\*~|`]+"
MARK = re.compile(rf"({ADDRESS})|[\\\[\]*_~|`]")
LEADING = re.compile(r"^([^\S\n]*)(?=[#>+-])", re.MULTILINE)
"""Before what makes a heading, a quote, a list or small print of a line."""


def inert(text: str) -> str:
    r"""Return the text with every mark escaped.

    >>> print(inert("**why** [here](https://example.org/a_b)?"))
    \*\*why\*\* \[here\](https://example.org/a_b)?
    """
    return LEADING.sub(r"\1\\", MARK.sub(lambda mark: mark[1] or f"\\{mark[0]}", text))
