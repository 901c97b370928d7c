"""What the check says: one line for each thing it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether it is as it should be."""

    RIGHT = "ok"
    WRONG = "WRONG"
    UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at, and how it is."""

    verdict: Verdict
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.verdict.value:<6}{self.subject}: {' '.join(self.text.split())}"


def right(subject: str, text: str) -> Line:
    """It is as it should be."""
    return Line(Verdict.RIGHT, subject, text)


def unasked(subject: str, text: str) -> Line:
    """Nobody could be asked; the text says why."""
    return Line(Verdict.UNKNOWN, subject, text)


def wrong(subject: str, text: str) -> Line:
    """It is not; the text says what to do."""
    return Line(Verdict.WRONG, subject, text)
