"""Asks the health address whether the bot is ready: ``python -m bot.probe``, for Docker's HEALTHCHECK.

It is started twice a minute, so it needs nothing but the standard library. Where no HEALTH_PORT is set there
is nobody to ask, and nothing is wrong.
"""

import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

SECONDS: Final = 5.0
LONGEST: Final = 2_000
"""Bytes of an answer that are read."""


def fault(env: Mapping[str, str]) -> str | None:
    """Return why the bot is not ready, or None when it is."""
    port = env.get("HEALTH_PORT", "")
    if not port:
        return None
    try:
        connection = HTTPConnection(env.get("HEALTH_HOST") or "127.0.0.1", int(port), timeout=SECONDS)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            told = answer.read(LONGEST).decode(errors="replace").strip()
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        return f"The health address does not answer: {error}"
    return None if answer.status == HTTPStatus.OK else told


if __name__ == "__main__":
    sys.exit(fault(os.environ))
