"""Requests to the provider wait for their turn, and none waits in the pool."""

import asyncio

import httpx
import pytest

from bot.models.turns import CONNECTIONS, TurnsClient

ADDRESS = "http://provider.invalid/"


class Server:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.full = asyncio.Event()
        self.answers = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == CONNECTIONS:
            self.full.set()
        await self.answers.wait()
        self.under_way -= 1
        return httpx.Response(200, text="yes")


async def test_no_more_are_sent_at_once_than_there_are_connections() -> None:
    server = Server()
    async with TurnsClient(10.0, transport=httpx.MockTransport(server)) as client:
        asked = [asyncio.create_task(client.get(ADDRESS)) for _ in range(3 * CONNECTIONS)]
        await server.full.wait()
        while client.waiting < 2 * CONNECTIONS:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        server.answers.set()
        assert {(await each).text for each in asked} == {"yes"}
        assert client.waiting == 0
    assert server.most == CONNECTIONS


async def test_who_waits_too_long_is_told_and_nothing_was_sent() -> None:
    server = Server()
    async with TurnsClient(0.05, transport=httpx.MockTransport(server)) as client:
        asked = [asyncio.create_task(client.get(ADDRESS)) for _ in range(CONNECTIONS)]
        await server.full.wait()
        with pytest.raises(httpx.PoolTimeout):
            await client.get(ADDRESS)
        server.answers.set()
        assert {(await each).text for each in asked} == {"yes"}
        assert (await client.get(ADDRESS)).text == "yes"
    assert server.most == CONNECTIONS


async def test_a_turn_is_given_back_when_a_request_is_cancelled() -> None:
    server = Server()
    async with TurnsClient(10.0, transport=httpx.MockTransport(server)) as client:
        asked = [asyncio.create_task(client.get(ADDRESS)) for _ in range(CONNECTIONS)]
        await server.full.wait()
        for each in asked:
            each.cancel()
        await asyncio.wait(asked)
        server.answers.set()
        assert (await client.get(ADDRESS)).text == "yes"
