import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession

from bot.demo.live import Outside
from bot.demo.options import Place
from bot.demo.page import Page
from bot.demo.stage import staged
from tests.demo.streamer import Streamer
from tests.demo.visitor import Visitor


@dataclass
class Stage:
    """A streamer on the demo's stage, with a client to visit its page."""

    bot: Streamer
    outside: Outside
    page: Page
    session: ClientSession
    heard: list[tuple[str, str]] = field(default_factory=list)

    async def visitor(self) -> Visitor:
        return await Visitor(self.session, self.page.url).open()


@pytest.fixture
async def stage(place: Place) -> AsyncIterator[Stage]:
    """Held open by a task of its own: SimCord wants to be left in the context it was entered in."""
    opened: asyncio.Queue[Stage | None] = asyncio.Queue()
    over = asyncio.Event()
    holder = asyncio.create_task(_hold(place, opened, over))
    holder.add_done_callback(lambda _: opened.put_nowait(None))
    if (held := await opened.get()) is not None:
        yield held
    over.set()
    await holder


async def _hold(place: Place, opened: asyncio.Queue[Stage | None], over: asyncio.Event) -> None:
    heard: list[tuple[str, str]] = []
    outside = Outside()
    bot = Streamer(outside.spawn)
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(
            staged(
                bot,
                outside,
                place,
                "A streamer answers.",
                0,
                lambda method, path: heard.append((method, path)),
            )
        )
        session = await stack.enter_async_context(ClientSession())
        opened.put_nowait(Stage(bot, outside, page, session, heard))
        await over.wait()
        await outside.drain(0)


@pytest.fixture
def place() -> Place:
    return Place.SERVER
