"""The table ``settings``: what admins chose for a server and for its channels."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from bot.choices import Choices, loaded
from bot.domain import Place
from bot.store.audit import Change, Json, audited
from bot.store.driver import Row, Transaction


class Reaching(NamedTuple):
    """What was chosen for a server and for one of its channels."""

    guild: Choices = Choices()
    channel: Choices = Choices()


async def choices_reaching(transaction: Transaction, guild_id: int, channel_id: int) -> Reaching:
    """Return what was chosen for a server and for a channel, which is a thread's parent."""
    found = _by_place(await transaction.rows("settings_reaching", guild_id=guild_id, channel_id=channel_id))
    nothing = Choices()
    return Reaching(
        found.get((Place.GUILD, guild_id), nothing), found.get((Place.CHANNEL, channel_id), nothing)
    )


async def choices_in(transaction: Transaction, guild_id: int) -> dict[tuple[Place, int], Choices]:
    """Return everything that was chosen in a server, by place."""
    return _by_place(await transaction.rows("settings_in", guild_id=guild_id))


async def change_setting(transaction: Transaction, change: Change) -> bool:
    """Write what an admin chose; return whether that changed anything. ``change.name`` is a `Setting`.

    Raises:
        ChangedMeanwhile: the setting is not what the admin saw.
    """
    where = {"place": change.place.value, "place_id": change.place_id, "name": change.name}

    async def write() -> None:
        if change.after is None:
            await transaction.run("clear_setting", **where)
        else:
            value = json.dumps(change.after)
            await transaction.run("set_setting", **where, guild_id=change.guild_id, value=value)

    row = await transaction.row("setting", **where)
    before: Json = None if row is None else json.loads(row["value"])
    return await audited(transaction, change, before, write)


def _by_place(rows: Iterable[Row]) -> dict[tuple[Place, int], Choices]:
    values: dict[tuple[Place, int], dict[str, str]] = {}
    for row in rows:
        values.setdefault((Place(row["place"]), row["place_id"]), {})[row["name"]] = row["value"]
    return {place: loaded(stored) for place, stored in values.items()}
