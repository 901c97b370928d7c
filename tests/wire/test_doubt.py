"""A create whose answer is lost: what it made is gone on with, or counts where nobody can find it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.databases import SqliteDatabase, until
from tests.wire.discord import DiscordStandIn
from tests.wire.discord_log import Phase
from tests.wire.process import Running, Start
from tests.wire.replicate import Meet, ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CALLS = "SELECT state, input_tokens, output_tokens, reserved_tokens, provider_id FROM predictions"


@pytest.fixture
async def bot(start: Start) -> Running:
    return await start()


def cutting(cut: Phase) -> Meet:
    """What loses the connection of every create: before it took effect, or after."""

    async def meet(operation: Operation, phase: Phase, _: Mapping[str, Any]) -> bool:
        return not (operation is Operation.CREATE and phase is cut)

    return meet


async def settled(bot: Running, *endings: str) -> None:
    rows: list[tuple[object, ...]] = [(ending,) for ending in endings]
    await until(SqliteDatabase(bot.database), "SELECT ending FROM usage ORDER BY id", rows)


async def test_what_was_made_all_the_same_is_the_answer(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    replicate.script(Script(tokens=["All ", "of it."]))
    replicate.meet = cutting(Phase.AFTER)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "-# meta")
    assert "All of it." in asked.text
    await settled(bot, "done")
    assert len(replicate.runs) == len(replicate.creations) == 1
    [(state, *tokens, _, provider_id)] = bot.select(CALLS)
    assert (state, tokens, provider_id) == ("succeeded", [7, 2], replicate.last.id)


async def test_of_two_that_ask_the_same_each_goes_on_with_one(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    replicate.meet = cutting(Phase.AFTER)
    replicate.respond = lambda _: Script(tokens=["All ", "of it."])
    people = [standin.add_user(name, standin.guild) for name in ("one", "two")]
    both = [standin.slash(person, standin.channel, "ask", {"question": "why?"}) for person in people]
    for asked in both:
        await standin.shown(asked, "-# meta")
    await until(SqliteDatabase(bot.database), "SELECT COUNT(*) FROM usage WHERE ending = 'done'", [(2,)])
    assert sorted(bot.select("SELECT provider_id FROM predictions")) == [(each,) for each in replicate.runs]


async def test_one_whose_create_is_answered_late_keeps_its_own(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    """The first's create is answered late, and that of another server with the same question never."""
    begun, late, middle = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def meet(operation: Operation, phase: Phase, _: Mapping[str, Any]) -> bool:
        if operation is not Operation.CREATE or phase is not Phase.AFTER:
            return True
        if begun.is_set():
            late.set()
            return False
        begun.set()
        await late.wait()
        return True

    replicate.meet = meet
    replicate.respond = lambda _: Script(tokens=["All ", "of it."], gates={1: middle})
    elsewhere = standin.add_guild("elsewhere", standin.other, standin.bot)
    standin.invite(elsewhere)
    first = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await begun.wait()
    second = standin.slash(standin.other, standin.add_channel("talk", elsewhere), "ask", {"question": "why?"})
    for asked in (first, second):
        await standin.shown(asked, "All")
    standin.press(second.user, second.messages[0], second.messages[0].button("Stop"))
    await standin.shown(second, "Stopped")
    middle.set()
    await standin.shown(first, "All of it.")
    await settled(bot, "done", "stopped")
    assert sorted(bot.select("SELECT provider_id FROM predictions")) == [(each,) for each in replicate.runs]
    assert not replicate.left_running()


async def test_what_is_stopped_while_it_is_made_is_found_and_cancelled(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    begun, late = asyncio.Event(), asyncio.Event()

    async def meet(operation: Operation, phase: Phase, _: Mapping[str, Any]) -> bool:
        if operation is Operation.CREATE and phase is Phase.AFTER:
            begun.set()
            await late.wait()
        return True

    replicate.meet = meet
    replicate.respond = lambda _: Script(tokens=["All ", "of it."], gates={0: asyncio.Event()})
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await begun.wait()
    await standin.wait_for(lambda: asked.messages)
    standin.press(asked.user, asked.messages[0], asked.messages[0].button("Stop"))
    await standin.shown(asked, "Stopped")
    late.set()
    await settled(bot, "stopped")
    assert not replicate.left_running()
    assert bot.select("SELECT state, provider_id FROM predictions") == [("canceled", replicate.last.id)]


async def test_what_may_be_made_after_it_was_stopped_counts_with_all_it_may_use(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    begun, late = asyncio.Event(), asyncio.Event()

    async def meet(operation: Operation, phase: Phase, _: Mapping[str, Any]) -> bool:
        """Make it when nobody waits for it any more, and tell nobody."""
        if operation is not Operation.CREATE:
            return True
        begun.set()
        await late.wait()
        return phase is Phase.BEFORE

    replicate.meet = meet
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await begun.wait()
    await standin.wait_for(lambda: asked.messages)
    standin.press(asked.user, asked.messages[0], asked.messages[0].button("Stop"))
    await standin.shown(asked, "Stopped")
    await settled(bot, "stopped")
    late.set()
    [(state, input_tokens, output_tokens, bound, provider_id)] = bot.select(CALLS)
    assert (state, provider_id) == ("canceled", None)
    assert input_tokens + output_tokens == bound > 0


async def test_what_was_not_made_counts_with_nothing(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    replicate.meet = cutting(Phase.BEFORE)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "cannot be reached")
    await settled(bot, "failed")
    assert not replicate.runs
    [(state, *tokens, _, provider_id)] = bot.select(CALLS)
    assert (state, tokens, provider_id) == ("aborted", [0, 0], None)
    assert bot.select("SELECT counts, cost FROM usage") == [(0, 0)]


async def test_what_nobody_can_look_for_counts_with_all_it_may_use(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    replicate.meet = cutting(Phase.AFTER)
    replicate.refuse(Operation.GET, Refusal(503), times=20)
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "cannot be reached")
    await settled(bot, "failed")
    [(state, input_tokens, output_tokens, bound, provider_id)] = bot.select(CALLS)
    assert (state, provider_id) == ("canceled", None)
    assert input_tokens + output_tokens == bound > 0
    [(counts, used, cost)] = bot.select("SELECT counts, input_tokens + output_tokens, cost FROM usage")
    assert (counts, used) == (1, bound)
    assert cost > 0


async def test_what_is_stopped_before_its_id_is_stored_counts(
    standin: DiscordStandIn, replicate: ReplicateStandIn, bot: Running
) -> None:
    made, answer = asyncio.Event(), asyncio.Event()

    async def meet(operation: Operation, phase: Phase, _: Mapping[str, Any]) -> bool:
        if operation is Operation.CREATE and phase is Phase.AFTER:
            made.set()
            await answer.wait()
        return True

    replicate.meet = meet
    replicate.script(Script(tokens=[f"word{number} " for number in range(50)], end_gate=asyncio.Event()))
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await made.wait()
    await standin.wait_for(lambda: len(replicate.last.written) == 50 and asked.messages)
    async with SqliteDatabase(bot.database).locked():
        answer.set()
        standin.press(asked.user, asked.messages[0], asked.messages[0].button("Stop"))
        await standin.wait_for(lambda: replicate.last.cancels)
    await standin.shown(asked, "Stopped")
    await settled(bot, "stopped")
    [(_, *tokens, _, provider_id)] = bot.select(CALLS)
    assert (tokens, provider_id) == ([7, 50], replicate.last.id)
    assert bot.select("SELECT input_tokens, output_tokens FROM usage") == [(7, 50)]
