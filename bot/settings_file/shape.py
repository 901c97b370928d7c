"""What stands in a settings file: JSON with a version, ids as texts, amounts as people write them."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from bot.domain import NANO, Command, Limit, Metric, Place, Subject, Window
from bot.limits import EXEMPT
from bot.limits_desk import LONGEST_AMOUNT, Wanted
from bot.store.audit import Json

KIND: Final = "settings"
VERSION: Final = 1
LARGEST_FILE: Final = 256 * 1024
"""Bytes: a hundred limits and a persona for each of fifty channels take half of it."""
EXEMPT_WORD: Final = "exempt"

ID: Final = re.compile("[1-9][0-9]{0,18}")
Id = Annotated[str, Field(pattern=f"^{ID.pattern}$")]
Chosen = Mapping[str, Json]
"""What is chosen in a place, by the names of settings."""
PLACES: Final = {"server": Place.GUILD, "category": Place.CATEGORY, "channel": Place.CHANNEL}
SUBJECTS: Final = {"member": Subject.USER, "everyone": Subject.EVERYONE}


class LimitEntry(BaseModel):
    """One limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: Literal["server", "category", "channel"]
    id: Id | None = None
    """The category or channel."""
    who: Literal["member", "everyone"] = "member"
    role: Id | None = None
    """Each member with this role."""
    metric: Metric
    window: Window
    amount: Annotated[str, Field(min_length=1, max_length=LONGEST_AMOUNT)]
    """A whole number, dollars, or ``exempt``."""
    command: Command | None = None

    def wanted(self, guild_id: int) -> Wanted:
        """Return the limit that is meant in a server."""
        return Wanted(
            self.metric,
            self.amount,
            self.window,
            PLACES[self.place],
            int(self.id or guild_id),
            SUBJECTS[self.who],
            None if self.role is None else int(self.role),
            self.command,
        )

    @classmethod
    def of(cls, limit: Limit) -> Self:
        """Write a limit down."""
        in_server = limit.place is Place.GUILD
        return cls(
            place=next(name for name, place in PLACES.items() if place is limit.place),
            id=None if in_server else str(limit.place_id),
            who="everyone" if limit.subject is Subject.EVERYONE else "member",
            role=str(limit.role_id) if limit.subject is Subject.ROLE else None,
            metric=limit.metric,
            window=limit.window,
            amount=_amount(limit),
            command=limit.command,
        )


def written(server: Chosen, channels: Mapping[int, Chosen], limits: Iterable[Limit]) -> bytes:
    """Return the file of a server with these choices and limits."""
    file = {
        "parlance": KIND,
        "version": VERSION,
        "server": server,
        "channels": {str(channel_id): chosen for channel_id, chosen in channels.items()},
        "limits": [LimitEntry.of(limit).model_dump(mode="json") for limit in limits],
    }
    return json.dumps(file, indent=2, ensure_ascii=False).encode()


def _amount(limit: Limit) -> str:
    if limit.amount == EXEMPT:
        return EXEMPT_WORD
    if limit.metric is Metric.COST:
        return f"{Decimal(limit.amount) / NANO:f}"
    return str(limit.amount)
