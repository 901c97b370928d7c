"""Creates of predictions in this process, so that one whose answer is lost goes on with its own.

A prediction that nobody was told the id of is found by a hash of its input. Where several calls have the same
input, what is found may be another's: of one whose create is still to be answered, or of one that is looked
for as well.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Creates:
    """Those of one process."""

    def __init__(self) -> None:
        self._under_way: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._claimed: set[str] = set()

    @contextmanager
    def begun(self, fingerprint: str) -> Iterator[asyncio.Event]:
        """Know of a create with this input; the event is set when it is known what became of it."""
        answered = asyncio.Event()
        self._under_way[fingerprint].add(answered)
        try:
            yield answered
        finally:
            answered.set()
            self._under_way[fingerprint].discard(answered)
            if not self._under_way[fingerprint]:
                del self._under_way[fingerprint]

    def is_under_way(self, fingerprint: str) -> bool:
        """Whether a create with this input is still to be answered."""
        return any(not answered.is_set() for answered in self._under_way.get(fingerprint, ()))

    async def answered(self, fingerprint: str) -> None:
        """Wait until what is under way with this input is answered."""
        for each in tuple(self._under_way.get(fingerprint, ())):
            await each.wait()

    @contextmanager
    def claim(self, prediction: str) -> Iterator[bool]:
        """Keep a prediction that was found from others who look, until it is on record as somebody's; yields
        whether nobody has it.
        """
        if prediction in self._claimed:
            yield False
            return
        self._claimed.add(prediction)
        try:
            yield True
        finally:
            self._claimed.discard(prediction)
