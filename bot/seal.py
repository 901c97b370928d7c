"""Requests under way, sealed: what a process that dies leaves behind can be read by its own bot alone.

A request is kept for as long as its answer is under way, so that another process can begin it again. What a
person wrote is in it, so it is encrypted (XChaCha20-Poly1305, as libsodium has it) with a key made of the
bot's token, which stands in no database: a copy of the database tells nobody what was asked.
"""

import json
from base64 import b64decode, b64encode
from typing import Any, Final

from nacl.encoding import RawEncoder
from nacl.exceptions import CryptoError
from nacl.hash import blake2b
from nacl.secret import Aead
from pydantic import TypeAdapter, ValidationError

from bot.domain import (
    AskOptions,
    Command,
    Options,
    Request,
    StoryOptions,
    SummarizeOptions,
    TranslateOptions,
)

_PURPOSE: Final = b"parlance request"
"""Keys made of the same token for something else differ (BLAKE2's personalisation has 16 bytes)."""

_REQUEST = TypeAdapter(Request)
_OPTIONS: Final[dict[Command, TypeAdapter[Any]]] = {
    Command.ASK: TypeAdapter(AskOptions),
    Command.SUMMARIZE: TypeAdapter(SummarizeOptions),
    Command.STORY: TypeAdapter(StoryOptions),
    Command.TRANSLATE: TypeAdapter(TranslateOptions),
}


class Seal:
    """Seals requests with a key made of a secret."""

    def __init__(self, secret: str) -> None:
        key = blake2b(secret.encode(), digest_size=Aead.KEY_SIZE, person=_PURPOSE, encoder=RawEncoder)
        self._box = Aead(key)

    def sealed(self, request: Request) -> str:
        """Return a request as text that tells nobody without the secret anything but its length."""
        sealed = self._box.encrypt(_REQUEST.dump_json(request), _aside(request.id))
        return b64encode(sealed).decode("ascii")

    def unsealed(self, sealed: str, request_id: int) -> Request | None:
        """Return the request with this id, or None where the text is another's, or was sealed by a bot with
        another token or of another version.
        """
        try:
            fields = json.loads(self._box.decrypt(b64decode(sealed), _aside(request_id)))
            # Which kind of options it has cannot be told from their fields.
            options: Options = _OPTIONS[Command(fields["command"])].validate_python(fields["options"])
            return _REQUEST.validate_python(fields | {"options": options})
        except (CryptoError, ValidationError, ValueError, KeyError):
            return None


def _aside(request_id: int) -> bytes:
    """What is sealed along: whose row it is."""
    return request_id.to_bytes(8)
