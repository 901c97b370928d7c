"""What a chart shows, as data that travels to the process that draws it.

It has no words but the names of its bars, so it is the same in every language.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self


class Unit(StrEnum):
    """What the bars count."""

    DOLLARS = "dollars"
    REQUESTS = "requests"


class Shape(StrEnum):
    """How the bars lie."""

    COLUMNS = "columns"
    """Side by side, one for each day; the names are dates as ISO writes them."""
    ROWS = "rows"
    """One below the other, the first at the top."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, and its value in dollars or requests."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of one unit."""

    shape: Shape
    unit: Unit
    bars: tuple[Bar, ...]

    def dump(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, dumped: bytes) -> Self:
        """Read it from JSON."""
        found = json.loads(dumped)
        bars = tuple(Bar(bar["name"], bar["value"]) for bar in found["bars"])
        return cls(Shape(found["shape"]), Unit(found["unit"]), bars)
