"""What is written of an answer under way, each as one entry that a transaction writes (see `entries`)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.anchor import Anchor
from bot.ids import Clock
from bot.store import Transaction
from bot.store.inflight import Lease, close_inflight, let_go_inflight, move_inflight, open_inflight

LEASE_SECONDS = 15.0
"""How long an answer stays with a process that says nothing more."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An answer begins. The lease counts from when this is written, however long that had to wait."""

    request_id: int
    owner: int
    clock: Clock
    anchor: Anchor
    request: str
    """Sealed."""
    instead_of: str | None
    """The name of the model that should have answered, where another does."""

    async def write(self, transaction: Transaction) -> bool:
        """Write its row; return whether no other process answers the same command or message."""
        lease = Lease(self.owner, self.clock() + timedelta(seconds=LEASE_SECONDS))
        return await open_inflight(
            transaction, self.request_id, lease, self.anchor, self.request, self.instead_of
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """An answer's messages are these from now on."""

    request_id: int
    owner: int
    anchor: Anchor
    messages: tuple[int, ...]

    async def write(self, transaction: Transaction) -> None:
        """Write where it stands."""
        await move_inflight(transaction, self.request_id, self.owner, self.anchor, self.messages)


@dataclass(frozen=True, slots=True)
class Closed:
    """An answer ended, and all of it is on the screen that ever will be."""

    request_id: int
    owner: int

    async def write(self, transaction: Transaction) -> None:
        """Delete its row, and with it the interaction's token and the request."""
        await close_inflight(transaction, self.request_id, self.owner)


@dataclass(frozen=True, slots=True)
class LetGo:
    """An answer is nobody's from now on, and may be taken when a lease's time has passed."""

    request_id: int
    owner: int
    now: datetime
    tried: bool = False
    """Whether its owner has tried to go on with it, and counts among those that did."""

    async def write(self, transaction: Transaction) -> None:
        """Write that it is nobody's."""
        until = self.now + timedelta(seconds=LEASE_SECONDS)
        await let_go_inflight(transaction, self.request_id, self.owner, until, tried=self.tried)
