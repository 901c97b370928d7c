"""A fault of the record's own, or of the footer's: the answer stands as it is, and the person is told."""

import asyncio
from typing import Any

import pytest

from bot.app import Parlance
from bot.domain import Ending, PredictionState
from tests.wire.crowd import SHORT_ID
from tests.wire.discord import DiscordStandIn
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

pytestmark = pytest.mark.slow


def break_settling(bot: Parlance, monkeypatch: pytest.MonkeyPatch, times: int) -> asyncio.Event:
    """Let settling fail so often, and then go well; the event is set when it begins to."""
    ledger = bot.answers.services.ledger
    settle, broken, left = ledger.settle, asyncio.Event(), iter(range(times))

    async def breaking(request_id: int, ending: Ending, **how: Any) -> None:
        if next(left, None) is not None:
            broken.set()
            raise RuntimeError("a fault of ours")
        await settle(request_id, ending, **how)

    monkeypatch.setattr(ledger, "settle", breaking)
    return broken


async def test_a_fault_of_the_records_own_leaves_the_answer_as_it_stands(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = break_settling(bot, monkeypatch, times=1)
    replicate.script(Script(tokens=["The whole ", "answer."]))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.wait_for(lambda: broken.is_set() and "-# meta" in asked.text)
    await bot.answers.close()
    (message,) = asked.messages
    assert "The whole answer.\n-# meta" in message.content


async def test_what_went_wrong_is_said_though_the_record_breaks(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_settling(bot, monkeypatch, times=2)
    replicate.script(Script(tokens=[], state=PredictionState.FAILED))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.wait_for(lambda: SHORT_ID.search(asked.text))


async def test_what_breaks_before_the_footer_is_said_below_the_answer(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Parlance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("bot.answer.footer", broken)
    replicate.script(Script(tokens=["The whole ", "answer."]))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.wait_for(lambda: SHORT_ID.search(asked.text))
    (message,) = asked.messages
    assert "The whole answer.\n-# " in message.content
