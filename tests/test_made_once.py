"""Requests that are made once, and how the gate counts them."""

import asyncio

import aiohttp
import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import rate_limit_trace
from bot.replies.lanes import Lanes
from bot.replies.once import is_made_once, once


class Counting(Lanes):
    """Lanes that know how many requests have begun and ended."""

    begun = 0
    over = 0

    async def begin(self, path: str) -> None:
        await super().begin(path)
        self.begun += 1

    def ended(self, path: str) -> None:
        super().ended(path)
        self.over += 1


async def broken(_request: web.Request) -> web.Response:
    return web.Response(status=503)


async def test_one_that_is_made_once_fails_at_once_and_counts_once() -> None:
    lanes = Counting(asyncio.get_running_loop().time)
    application = web.Application()
    application.router.add_patch("/api/v10/channels/{channel}/messages/{message}", broken)
    async with (
        TestServer(application) as server,
        aiohttp.ClientSession(trace_configs=[rate_limit_trace(lanes)]) as session,
    ):
        address = server.make_url("/api/v10/channels/1/messages/2")
        async with session.patch(address) as response:
            assert response.status == 503
        with once(), pytest.raises(discord.DiscordServerError):
            await session.patch(address)
    assert (lanes.begun, lanes.over) == (2, 2)


async def test_what_is_asked_after_it_is_not_made_once() -> None:
    with once():
        assert is_made_once()
    assert not is_made_once()
