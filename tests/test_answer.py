"""The end of all answers, as a shutdown asks for it."""

import asyncio
from pathlib import Path

import pytest

from bot import answer
from bot.app import opened
from bot.domain import ProviderName
from tests.support.patience import PATIENCE
from tests.support.scripted import ScriptedProvider
from tests.support.simulated import settings_for


async def test_what_does_not_end_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "LAST_WORDS_SECONDS", 0.0)
    async with opened(settings_for(tmp_path), {ProviderName.REPLICATE: ScriptedProvider()}) as bot:
        ends = asyncio.Event()

        async def answering() -> None:
            await ends.wait()

        task = bot.answers.begin(answering())
        await bot.answers.close(grace=0.0)
        # The bot closes as well, and discord.py may.
        await asyncio.wait_for(bot.answers.close(grace=3 * PATIENCE), PATIENCE)
        assert not task.done()
        ends.set()
        await task
