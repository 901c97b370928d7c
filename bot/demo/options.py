"""What a person chooses when starting the demo."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

from bot.config import MOST_PORT


class Place(Enum):
    """What the page shows."""

    SERVER = auto()
    DM = auto()


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The choices. ``port`` 0 takes any free one; ``keep`` leaves the database when the demo ends."""

    place: Place = Place.SERVER
    port: int = 0
    browser: bool = True
    keep: bool = False

    @staticmethod
    def add_to(parser: ArgumentParser) -> None:
        """Give a parser the demo's arguments."""
        parser.add_argument("--dm", action="store_true", help="show direct messages instead of a server")
        parser.add_argument(
            "--port", type=_port, default=0, help="serve on this port instead of any free one"
        )
        parser.add_argument("--no-browser", action="store_true", help="only print the address")
        parser.add_argument("--keep", action="store_true", help="keep the database when the demo ends")

    @classmethod
    def of(cls, arguments: Namespace) -> Self:
        """Take the choices from parsed arguments."""
        return cls(
            place=Place.DM if arguments.dm else Place.SERVER,
            port=arguments.port,
            browser=not arguments.no_browser,
            keep=arguments.keep,
        )


def _port(text: str) -> int:
    """A port on the command line.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or int(text) > MOST_PORT:
        raise ArgumentTypeError(f"wants a number from 0 to {MOST_PORT}")
    return int(text)
