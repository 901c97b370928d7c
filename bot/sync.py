"""Tells Discord the commands, and only when they changed: uploads are limited, and take a while to show."""

import asyncio
import hashlib
import json
import logging
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import discord
from discord import app_commands

log = logging.getLogger(__name__)

ClientT = TypeVar("ClientT", bound=discord.Client)

Payload = list[dict[str, Any]]
"""The commands as Discord's HTTP API takes them."""


UPLOAD_SECONDS = 60.0
"""How long the others wait for the one that uploads."""
WAIT_SECONDS = 0.25
"""How often they look whether it did."""


class Marks(Protocol):
    """What remembers short values by name, for every process of the bot."""

    async def mark(self, name: str) -> str | None:
        """Return the value, or None."""

    async def set_mark(self, name: str, value: str) -> None:
        """Remember a value."""

    async def claim(self, name: str, seconds: float) -> bool:
        """Take a name for so long, unless another has it; return whether that went well."""

    async def release(self, name: str) -> None:
        """Give a name back."""


class SyncOutcome(StrEnum):
    """What a sync did."""

    UNCHANGED = "unchanged"
    UPLOADED = "uploaded"


async def sync(
    tree: app_commands.CommandTree[ClientT], marks: Marks, application_id: int, *, force: bool = False
) -> SyncOutcome:
    """Upload the tree's global commands if they are not those last uploaded, or by ``force`` anyway.

    Of several processes that start at once, one uploads and the others wait until it did, or until its time
    is up.

    Raises:
        discord.HTTPException: Discord did not take them.
        discord.app_commands.CommandSyncFailure: Discord finds a command wrong.
    """
    mark = f"commands:{application_id}"
    digest = fingerprint(await payload(tree))
    while force or await marks.mark(mark) != digest:
        if not await marks.claim(mark, UPLOAD_SECONDS):
            await asyncio.sleep(WAIT_SECONDS)
            continue
        try:
            # Another may have been done with it just before it was claimed here.
            if force or await marks.mark(mark) != digest:
                uploaded = await tree.sync()
                await marks.set_mark(mark, digest)
                log.info("told Discord %d commands", len(uploaded))
                return SyncOutcome.UPLOADED
        finally:
            await marks.release(mark)
    return SyncOutcome.UNCHANGED


async def payload(tree: app_commands.CommandTree[ClientT]) -> Payload:
    """Return the tree's global commands, translated, as they are uploaded."""
    translator = tree.translator
    if translator is None:
        return [command.to_dict(tree) for command in tree.get_commands()]
    return [await command.get_translated_payload(tree, translator) for command in tree.get_commands()]


def fingerprint(commands: Payload) -> str:
    """Return a hash of the commands that does not depend on their order."""
    lines = sorted(json.dumps(command, sort_keys=True, ensure_ascii=False) for command in commands)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
