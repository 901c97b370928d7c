"""Records what the limits refuse: once in each window of a limit, and counted after that."""

from collections.abc import Callable

from bot.errors import LimitReached, Refused
from bot.ids import Clock
from bot.limits.entries import Admission, Reached, Refusal, RefusedCall
from bot.limits.journal import Journal
from bot.limits.memory import Memory
from bot.store import Store, StoreUnavailable


class Refusals:
    """Those of one ledger; ``on_notice`` is called when one may have made a notice to admins due."""

    def __init__(
        self, store: Store, journal: Journal, memory: Memory, clock: Clock, on_notice: Callable[[], None]
    ) -> None:
        self._store = store
        self._journal = journal
        self._memory = memory
        self._clock = clock
        self._on_notice = on_notice

    async def of_request(self, admission: Admission, error: Refused) -> None:
        """Record that a request was not admitted, or count it where the person was told of this limit
        before.
        """
        if self._journal.away and not self._memory.keeps_refusal():
            return
        refusal = Refusal(
            admission.request, admission.model, type(error).__name__, self._clock(), _reached(error)
        )
        await self._write(refusal, error)

    async def of_call(self, request_id: int, error: Refused) -> None:
        """Count that a limit left too little for a call of a request that was admitted."""
        if (reached := _reached(error)) is not None:
            await self._write(RefusedCall(request_id, reached, self._clock()), error)

    async def _write(self, refusal: Refusal | RefusedCall, error: Refused) -> None:
        """Write a refusal, and let its error know whether the person was told before."""
        if self._journal.away:
            self._journal.keep(refusal)
            return
        try:
            written = await self._store.write(refusal.write)
        except StoreUnavailable as unavailable:
            self._journal.keep(refusal, unavailable)
            return
        if isinstance(error, LimitReached):
            error.again = written.again
        if written.noted:
            self._on_notice()


def _reached(error: Refused) -> Reached | None:
    return Reached(error.limit, error.used, error.resets_at) if isinstance(error, LimitReached) else None
