"""The limits that are offered while somebody types: what each choice carries, so that nothing is kept."""

import re
from dataclasses import dataclass
from typing import Final, Self

from bot.domain import Limit, Place
from bot.errors import BadRequest
from bot.i18n import N_
from bot.store.audit import stamp
from bot.store.limits import limit_json

VALUE: Final = re.compile(
    r"(?P<id>[0-9]{1,19}):(?P<place>guild|category|channel):(?P<place_id>[0-9]{1,19}):(?P<seen>[0-9a-f]{8})"
)
NOT_OFFERED: Final = N_("Choose one of the limits that are offered while you type.")


@dataclass(frozen=True, slots=True)
class Offer:
    """Which limit is offered, and what was seen of it (see `audit.stamp`)."""

    limit_id: int
    place: Place
    place_id: int
    seen: str

    @property
    def value(self) -> str:
        """What the choice carries, at most 100 characters."""
        return f"{self.limit_id}:{self.place.value}:{self.place_id}:{self.seen}"

    @classmethod
    def of(cls, limit: Limit) -> Self:
        """Offer a limit as it is."""
        return cls(limit.id, limit.place, limit.place_id, stamp(limit_json(limit)))

    @classmethod
    def read(cls, value: str) -> Self:
        """Read what a choice carried.

        Raises:
            BadRequest: it was no choice.
        """
        found = VALUE.fullmatch(value)
        if found is None:
            raise BadRequest(NOT_OFFERED)
        return cls(int(found["id"]), Place(found["place"]), int(found["place_id"]), found["seen"])
