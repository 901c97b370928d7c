"""The table that every bench prints: what was measured, its bar, and whether it holds."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("what", "value", "bar", "holds", "note")
RIGHT_ALIGNED = frozenset({"value", "bar"})


@dataclass(frozen=True, slots=True)
class Row:
    """One measured value.

    ``value`` and ``bar`` are in ``unit`` (``ms``, ``MB/s``, ``times`` ...). ``bar`` is None for a value that
    is printed beside others and held to nothing; ``at_most`` tells on which side of it the value belongs.
    """

    name: str
    value: float
    unit: str
    bar: float | None
    at_most: bool = True
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value is on the right side of its bar; a value that is not a number is not."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.at_most else self.value >= self.bar


def number(value: float) -> str:
    """Write a number with about three significant digits and no exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cells(row: Row) -> tuple[str, ...]:
    """Return what stands in the row, a text for each heading."""
    if row.bar is None:
        bar, holds = "", ""
    else:
        bar = f"{'at most' if row.at_most else 'at least'} {number(row.bar)} {row.unit}"
        holds = "yes" if row.holds else "NO"
    return (row.name, f"{number(row.value)} {row.unit}", bar, holds, row.note)


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, columns: int, heading: str) -> str:
    """Fill the text with spaces to the columns, on the side its heading asks for."""
    space = " " * (columns - width(text))
    return space + text if heading in RIGHT_ALIGNED else text + space


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table that also reads well in a terminal."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(3, *(width(line[column]) for line in lines)) for column in range(len(HEADINGS))]
    rule = [
        "-" * (widths[i] - 1) + (":" if heading in RIGHT_ALIGNED else "-")
        for i, heading in enumerate(HEADINGS)
    ]
    written = [[padded(text, widths[i], HEADINGS[i]) for i, text in enumerate(line)] for line in lines]
    written.insert(1, rule)
    return "\n".join(f"| {' | '.join(line)} |" for line in written)


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows as one table."""
    print(table(rows), flush=True)
