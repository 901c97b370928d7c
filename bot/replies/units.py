"""Counting text in UTF-16 units.

Discord's clients count a message's 2,000 characters this way; its API may count code points. UTF-16 units are
never fewer than code points, so a text that holds by units holds by either count.
"""


def units(text: str) -> int:
    """Return how many UTF-16 units the text takes. A lone surrogate takes one."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def index_of(text: str, start: int, count: int) -> int:
    """Return the largest index at which ``text[start:index]`` takes at most ``count`` UTF-16 units."""
    index = min(len(text), start + count)
    # Each round drops half as many characters as there are units too many: a character has one unit or two.
    while (surplus := units(text[start:index]) - count) > 0:
        index -= (surplus + 1) // 2
    return index
