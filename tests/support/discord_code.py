"""Code as Discord's clients find it in one message."""

import re

DISCORD_CODE = re.compile(
    r"\\[^0-9A-Za-z\s]|```(?:[a-z0-9_+\-.#]+?\n)?\n*[^\n][\s\S]*?\n*```|(`+)[\s\S]*?[^`]\1(?!`)",
    re.IGNORECASE,
)
"""Escapes, blocks and spans."""


def code_in(message: str) -> list[str]:
    """Return what Discord shows as code."""
    return [code[0] for code in DISCORD_CODE.finditer(message) if not code[0].startswith("\\")]
