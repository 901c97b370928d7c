"""Admits requests in the store, or from a small allowance in memory while the store is away."""

from bot.domain import Ending, Model
from bot.errors import PassedOn, Refused
from bot.ids import Clock
from bot.limits.entries import Admission, Level, Settlement, check_price, within
from bot.limits.inflight import Closed
from bot.limits.journal import Journal
from bot.limits.memory import Memory, OpenRequest
from bot.store import Store, StoreUnavailable, Transaction
from bot.store.usage import Verdict


class Admissions:
    """Those of one ledger, whose process is ``owner``."""

    def __init__(self, store: Store, journal: Journal, memory: Memory, clock: Clock, owner: int) -> None:
        self._store = store
        self._journal = journal
        self._memory = memory
        self._clock = clock
        self._owner = owner

    async def admit(self, admission: Admission, model: Model, opened: OpenRequest) -> None:
        """Admit a request, and know in ``opened`` which limits hold it.

        Raises:
            LimitReached: a limit leaves too little. PassedOn: another process answers the same. Refused: a
            cost limit applies and the model's price is not known, or the store is away and the allowance used
            up.
        """
        why: StoreUnavailable | None = None
        if not self._journal.away:
            try:
                await self._in_store(admission, model, opened)
            except StoreUnavailable as error:
                why = error
            else:
                return
        try:
            self._from_memory(admission, model, opened)
        except Refused as error:
            if why is not None:
                self._undo(admission, error, why)
            raise
        self._journal.keep(admission, why)

    async def _in_store(self, admission: Admission, model: Model, opened: OpenRequest) -> None:
        async def work(transaction: Transaction) -> tuple[Level, ...]:
            is_alone, levels = await admission.take(transaction)
            if not is_alone:
                raise PassedOn
            check_price(model, (level.limit for level in levels))
            return within(levels)

        levels = await self._store.write(work)
        opened.limits = {level.hold: level.limit for level in levels}
        self._memory.saw(levels)

    def _from_memory(self, admission: Admission, model: Model, opened: OpenRequest) -> None:
        limits = self._memory.limits_of(admission.request)
        check_price(model, limits.values())
        levels = within(self._memory.levels(limits.items(), opened.reserved))
        self._memory.allow(admission.request)
        opened.limits = limits
        self._memory.saw(levels)

    def _undo(self, admission: Admission, error: Refused, why: StoreUnavailable) -> None:
        """End what may be on record, and nobody answers: its commit was under way as the store went away."""
        request_id = admission.request.id
        refused = Verdict(Ending.REFUSED, type(error).__name__, None, None, self._clock(), {})
        self._journal.keep(Settlement(request_id, self._owner, refused), why)
        self._journal.keep(Closed(request_id, self._owner))
