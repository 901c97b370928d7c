"""An HTTP client whose requests wait for their turn before they reach its pool.

httpcore's pool looks at every connection for each request that waits in it, whenever one comes or goes: with
256 connections and 500 requests waiting, the process did nothing else for half a minute. So none waits there,
and there are no more connections than are of use: Replicate takes ten creates and fifty other calls a second,
and answers most at once.
"""

import asyncio
from typing import Any

import httpx

CONNECTIONS = 64
"""Requests at the same time; more wait their turn."""
KEPT = 16
"""Connections that stay open for the next requests; the pool counts them all for each."""


class TurnsClient(httpx.AsyncClient):
    """Its responses are read whole; ``patience`` is how many seconds a request waits for its turn."""

    def __init__(self, patience: float, **options: Any) -> None:  # noqa: ANN401 - httpx's own
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=KEPT)
        super().__init__(limits=limits, **options)
        self._patience = patience
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self.waiting = 0
        """How many requests wait for their turn."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send it when it is its turn.

        Raises:
            httpx.PoolTimeout: that took too long; it was not sent.
        """
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turns.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("too many requests at once", request=request) from None
        finally:
            self.waiting -= 1
        try:
            return await super().send(request, **options)
        finally:
            self._turns.release()
