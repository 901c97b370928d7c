"""A browser page as the demo's server sees it: the preview's protocol, without a browser."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from aiohttp import ClientResponse, ClientSession, FormData
from yarl import URL

from tests.support.patience import PATIENCE

State = dict[str, Any]


class Visitor:
    """One open page. ``behind`` makes its actions speak of a revision that long ago."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = URL(url).origin()
        self._headers = {"X-Simcord-Capability": URL(url).fragment, "Origin": str(self._url)}
        self._sequence = 0
        self.seen: State = {}

    async def open(self) -> Self:
        async with self._session.post(self._url / "api/pages", json={}, headers=self._headers) as answer:
            answer.raise_for_status()
            self.seen = await answer.json()
        self._headers["X-Simcord-Context"] = self.seen["context"]["id"]
        return self

    async def look(self) -> State:
        async with self._session.get(self._url / "api/state", headers=self._headers) as answer:
            answer.raise_for_status()
            self.seen = await answer.json()
            return self.seen

    async def until(self, holds: Callable[[State], object]) -> State:
        """Look until it holds."""
        async with asyncio.timeout(PATIENCE):
            while not holds(await self.look()):
                pass
        return self.seen

    async def act(self, kind: str, *, revision: int | None = None, **fields: Any) -> State:
        """Act on what was last seen, or on another revision, and return the receipt."""
        body = self._body(kind, revision, fields)
        async with self._session.post(self._url / "api/action", json=body, headers=self._headers) as answer:
            return await self._receipt(answer)

    async def run(self, name: str, *, revision: int | None = None, **options: Any) -> State:
        """Use a slash command."""
        return await self.act("run_command", revision=revision, **await self._command(name), options=options)

    async def run_with_file(self, name: str, option: str, content: bytes, *, revision: int) -> State:
        """Use a slash command with one file, as the page sends it: a form whose first part is the action."""
        fields = await self._command(name) | {"options": {option: {"upload": 0}}}
        form = FormData()
        form.add_field("payload", json.dumps(self._body("run_command", revision, fields)))
        form.add_field(f"file:{option}", content, filename="notes.txt", content_type="text/plain")
        async with self._session.post(self._url / "api/action", data=form, headers=self._headers) as answer:
            return await self._receipt(answer)

    async def press(self, label: str, *, revision: int | None = None) -> State:
        """Press a button."""
        for message in self.seen["messages"].values():
            for row in message["components"]:
                for button in row.get("components", []):
                    if button.get("label") == label:
                        return await self.act(
                            "click",
                            revision=revision,
                            target_id=message["id"],
                            control_key=button["control_key"],
                        )
        raise AssertionError(f"no button {label}")

    def texts(self) -> list[str]:
        """Every message's text, oldest first."""
        return [self.seen["messages"][number]["content"] for number in self.seen["timeline"]]

    def _body(self, kind: str, revision: int | None, fields: dict[str, Any]) -> State:
        self._sequence += 1
        return {
            **fields,
            "protocol_version": 3,
            "sequence": self._sequence,
            "request_id": f"request-{self._sequence}",
            "generation": self.seen["context"]["generation"],
            "bot_generation": self.seen["botGeneration"],
            "published_revision": self.seen["publishedRevision"] if revision is None else revision,
            "kind": kind,
        }

    async def _command(self, name: str) -> State:
        async with self._session.get(self._url / "api/commands", headers=self._headers) as answer:
            catalog = await answer.json()
        entry = next(entry for entry in catalog["entries"] if entry["path"] == [name])
        return {
            "command_id": entry["commandId"],
            "path": entry["path"],
            "schema_fingerprint": entry["schemaFingerprint"],
        }

    async def _receipt(self, answer: ClientResponse) -> State:
        answer.raise_for_status()
        receipt: State = await answer.json()
        return receipt
