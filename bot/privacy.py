"""A person's own data: told to them as a file, and erased."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping

from bot.ids import Clock, utc_now
from bot.store import Store, Transaction, UsageRow
from bot.store.privacy import (
    PersonRow,
    erase_requests,
    erase_rest,
    person_changes,
    person_requests,
    person_rest,
)
from bot.store.rows import milliseconds
from bot.usage.export import told


class Privacy:
    """Tells and erases what the store knows of a person."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    async def told(self, user_id: int) -> AsyncIterator[bytes]:
        """Yield everything as JSON lines: requests, what limits counted, and what was changed as an admin.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        after = (0, 0)
        while page := await self._requests(user_id, after):
            yield _lines({"kind": "request", **told(row)} for row in page)
            after = (milliseconds(page[-1].asked_at), page[-1].id)
        if rest := await self._store.read(lambda transaction: person_rest(transaction, user_id)):
            yield _lines(rest)
        last = 0
        while changes := await self._changes(user_id, last):
            yield _lines(changes)
            last = int(str(changes[-1]["id"]))

    async def erase(self, user_id: int) -> int:
        """Take a person out of the records; return how many requests no longer name them.

        Requests under way lose them when they settle. What running limits have counted stays until their
        windows end: otherwise erasing would give a used-up limit back.

        Raises:
            StoreUnavailable: the database cannot be written; what was erased by then stays so.
        """
        erased = 0
        while count := await self._store.write(lambda transaction: erase_requests(transaction, user_id)):
            erased += count
        now = self._clock()
        await self._store.write(lambda transaction: erase_rest(transaction, user_id, now))
        return erased

    async def _requests(self, user_id: int, after: tuple[int, int]) -> tuple[UsageRow, ...]:
        async def work(transaction: Transaction) -> tuple[UsageRow, ...]:
            return await person_requests(transaction, user_id, after)

        return await self._store.read(work)

    async def _changes(self, user_id: int, after_id: int) -> tuple[PersonRow, ...]:
        async def work(transaction: Transaction) -> tuple[PersonRow, ...]:
            return await person_changes(transaction, user_id, after_id)

        return await self._store.read(work)


def _lines(rows: Iterable[Mapping[str, object]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
