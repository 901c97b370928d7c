"""A process dies before all calls of an answer were made, and another one makes the others."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.databases import SqliteDatabase, until
from tests.wire.discord import DiscordStandIn, Interaction
from tests.wire.discord_log import Phase
from tests.wire.process import Running, Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LEASE = "1.5"
RESTARTED = "I was restarted before the answer was whole"
TEXT = "\n\n".join(f"Paragraph {index} says little. " * 5 for index in range(26))
"""Takes two calls to translate."""


class Held:
    """Calls that the provider does not take before the process is dead: those of these numbers."""

    def __init__(self, replicate: ReplicateStandIn, numbers: range) -> None:
        self.dead = asyncio.Event()
        self._arrived = asyncio.Event()
        self._numbers = numbers
        self._met = 0
        replicate.meet = self._meet

    async def arrive(self) -> None:
        await asyncio.wait_for(self._arrived.wait(), 60)

    async def _meet(self, operation: Operation, phase: Phase, _input: Mapping[str, Any]) -> bool:
        if self.dead.is_set() or (operation, phase) != (Operation.CREATE, Phase.BEFORE):
            return True
        self._met += 1
        if self._met not in self._numbers:
            return True
        if self._met == self._numbers[-1]:
            self._arrived.set()
        await self.dead.wait()
        return False


async def killed(bot: Running, held: Held) -> None:
    await held.arrive()
    await bot.kill()
    held.dead.set()


def translation(standin: DiscordStandIn, replicate: ReplicateStandIn) -> Interaction:
    replicate.respond = lambda said: Script(tokens=[f"Part {len(replicate.runs) + 1}."])
    return standin.slash(standin.member, standin.channel, "translate", {"text": TEXT, "to": "French"})


async def test_what_cannot_be_read_or_has_killed_too_often_ends_with_a_sentence(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    held = Held(replicate, range(1, 4))
    old, other, often = (
        standin.slash(person, standin.channel, "ask", {"question": "why?"})
        for person in (standin.member, standin.other, standin.owner)
    )
    await killed(bot, held)
    where = "WHERE token = '{}'"
    bot.change(
        f"UPDATE inflight SET request = NULL {where.format(old.token)}",  # noqa: S608 - tokens of our own
        f"UPDATE inflight SET request = 'of another bot' {where.format(other.token)}",  # noqa: S608
        f"UPDATE inflight SET taken = 3 {where.format(often.token)}",  # noqa: S608
    )
    again = await start(LEASE_SECONDS=LEASE)
    said = [old, other, often]
    await standin.wait_for(lambda: all(RESTARTED in str(asked.messages) for asked in said))
    assert await again.end() == 0
    assert again.usage() == [("ask", "shutdown")] * 3
    assert not replicate.runs


async def test_what_is_asked_for_differently_by_now_is_made_anew_and_the_rest_is_cancelled(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    held = Held(replicate, range(2, 3))
    asked = translation(standin, replicate)
    await killed(bot, held)
    # Admins have changed how long an answer may be, so the text is cut otherwise.
    place = standin.guild.id
    bot.change(f"INSERT INTO settings VALUES ('guild', {place}, 'longest_answer', {place}, '1000')")  # noqa: S608
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "-# meta")
    assert "Part 1." not in asked.text
    assert asked.text.count("Part ") > 2
    assert await again.end() == 0
    assert again.usage() == [("translate", "done")]
    # The call that was made in vain is paid for all the same.
    ((written, _),) = again.select("SELECT CAST(output_tokens AS TEXT), 1 FROM usage")
    assert int(written) == len(replicate.runs) > 3
    assert not replicate.left_running()


async def test_what_another_process_goes_on_with_is_not_called_for_any_more(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start()
    asked = translation(standin, replicate)
    first = asyncio.Event()
    replicate.script(Script(tokens=["Half of it, ", "and the rest."], gates={1: first}))
    await standin.shown(asked, "Half of it")
    # It was late, and has not heard of that yet.
    bot.change("UPDATE inflight SET owner = 1")
    first.set()
    await bot.says("another process goes on with the answer")
    await bot.kill()
    calls = "SELECT predictions.state, usage.state FROM predictions JOIN usage ON usage.id = usage_id"
    # How its call ends is said by the other, too.
    assert bot.select(calls) == [("starting", "open")]
    assert "-# meta" not in asked.text
    assert len(replicate.creations) == 1


async def test_stop_ends_what_was_called_before(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    held = Held(replicate, range(5, 9))
    running = asyncio.Event()
    replicate.respond = lambda _: Script(tokens=["Notes ", "of it."], gates={1: running})
    for index in range(300):
        standin.say(standin.other, standin.channel, f"Message {index} says little. " * 16)
    asked = standin.slash(standin.member, standin.channel, "summarize", {"messages": 300})
    await standin.shown(asked, "0 of")
    named = "SELECT COUNT(*) FROM predictions WHERE provider_id IS NOT NULL"
    await until(SqliteDatabase(bot.database), named, [(4,)])
    await bot.kill()
    held.dead.set()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "Going on")
    standin.press(asked.user, asked.messages[0], asked.messages[0].button("Stop"))
    await standin.shown(asked, "Stopped.")
    assert await again.end() == 0
    assert not replicate.left_running()
    assert again.usage() == [("summarize", "stopped")]
    assert len(replicate.runs) == 4
