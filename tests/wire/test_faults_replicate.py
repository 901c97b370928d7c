"""Replicate in trouble: whole answers where there is one to be had, a clear sentence where not."""

import asyncio
import itertools
import re
import time
from collections.abc import Iterable
from dataclasses import replace

import pytest

from bot.domain import PredictionState
from bot.models.breaker import FIRST_PAUSE
from tests.wire.crowd import IN_FULL, SIZE, Crowd, End
from tests.wire.discord import DiscordStandIn
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script, StreamFault

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

STALLS = {StreamFault.STALL}
"""What takes half a minute to be noticed."""
SLOW = 60.0 if IN_FULL else 3.0
"""Seconds to a slow first token."""
BUSY = {"detail": "Request was throttled.", "retry_after": 1}
TRY_AGAIN = re.compile(r"I try it again <t:(\d+):R>")


def respond_in_turn(replicate: ReplicateStandIn, scripts: Iterable[Script]) -> None:
    turn = itertools.cycle(scripts)
    replicate.respond = lambda _: replace(next(turn))


async def test_whatever_a_stream_does_the_answer_is_whole(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, answer: Script
) -> None:
    faults = [fault for fault in StreamFault if IN_FULL or fault not in STALLS]
    well = replicate.respond
    kinds = [
        *(replace(answer, fault=fault, fault_after=3) for fault in faults),
        replace(answer, first_token_after=SLOW),
        replace(answer, chunk=1),
        replace(answer, line_end="\r\n", ids=False),
        replace(answer, streams=False, as_one_string=True, metrics={}),
        replace(answer, preamble=": hello\n\nevent: news\ndata: nothing\n\n", done='{"reason": "error"}'),
    ]
    respond_in_turn(replicate, kinds)
    asked = crowd.ask(max(SIZE, len(kinds)))
    assert await crowd.ends(asked) == {End.WHOLE: len(asked)}

    replicate.respond = well
    replicate.refuse(Operation.GET, Refusal(503), times=SIZE)
    replicate.refuse(Operation.CREATE, Refusal(429, BUSY), times=SIZE // 2)
    replicate.refuse(Operation.CREATE, Refusal(429, {}, {"Retry-After": "1"}), times=SIZE // 2)
    assert await crowd.ends(crowd.ask()) == {End.WHOLE: SIZE}
    await crowd.is_whole_again()
    await crowd.leave()
    assert not replicate.left_running()


async def test_what_cannot_be_answered_is_said_and_a_model_that_is_down_is_left_alone(
    standin: DiscordStandIn, replicate: ReplicateStandIn, crowd: Crowd, answer: Script
) -> None:
    well = replicate.respond
    states = (PredictionState.FAILED, PredictionState.ABORTED, PredictionState.CANCELED)
    respond_in_turn(replicate, [*(replace(answer, state=state) for state in states), Script(tokens=[])])
    for status in (401, 402, 404, 413, 422):
        replicate.refuse(Operation.CREATE, Refusal(status), times=SIZE // 10)
    asked = crowd.ask()
    assert await crowd.ends(asked) == {End.SENTENCE: SIZE}
    replicate.respond = well
    await crowd.is_whole_again()

    replicate.refuse(Operation.CREATE, Refusal(503), times=SIZE)
    replicate.refuse(Operation.CREATE, Refusal(reset=True), times=SIZE)
    assert await crowd.ends(crowd.ask()) == {End.SENTENCE: SIZE}
    before = len(replicate.creations)
    paused = crowd.ask()
    assert await crowd.ends(paused) == {End.SENTENCE: SIZE}
    assert len(replicate.creations) == before
    told = [TRY_AGAIN.search(one.text) for one in paused]
    assert all(told)

    wait = max(int(each[1]) for each in told if each) - time.time()
    assert 0 < wait < FIRST_PAUSE + 2
    replicate.forgive(Operation.CREATE)
    if IN_FULL:
        # The bot has said when to come back.
        await asyncio.sleep(wait)
        assert await crowd.ends(crowd.ask(1)) == {End.WHOLE: 1}
        await crowd.is_whole_again()
    await crowd.leave()
    assert not replicate.left_running()
