"""What is done for answers that a dead process left behind and that cannot simply go on."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.databases import SqliteDatabase, until
from tests.wire.discord import DiscordStandIn, Interaction, Upload
from tests.wire.discord_log import Phase
from tests.wire.everything import bearing
from tests.wire.process import Running, Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

LEASE = "1.5"
SECOND = "meta/meta-llama-3-8b-instruct"
EARLY, LATE = "Half of it, ", "and the rest."


class Asking:
    """Questions whose answers stop in the middle until ``goes_on`` is set."""

    def __init__(self, standin: DiscordStandIn, replicate: ReplicateStandIn) -> None:
        self.goes_on = asyncio.Event()
        self._standin = standin
        replicate.respond = lambda _: Script(tokens=[EARLY, LATE], gates={1: self.goes_on})

    async def ask(self, **options: object) -> Interaction:
        """Ask, and wait until half of the answer is there."""
        person = self._standin.add_user("someone", self._standin.guild)
        asked = self._standin.slash(person, self._standin.channel, "ask", {"question": "why?", **options})
        await self._standin.shown(asked, EARLY.strip(), 20)
        return asked


@pytest.fixture
def asking(standin: DiscordStandIn, replicate: ReplicateStandIn) -> Asking:
    return Asking(standin, replicate)


async def settled(bot: Running, ending: str, count: int = 1) -> None:
    """Wait until so many requests are settled like this."""
    query = f"SELECT COUNT(*) FROM usage WHERE ending = '{ending}'"  # noqa: S608 - of our own
    await until(SqliteDatabase(bot.database), query, [(count,)])


async def test_where_the_token_or_the_message_is_gone(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    public = await asking.ask()
    private = await asking.ask(private=True)
    removed = await asking.ask()
    await bot.kill()
    # The two tokens have died, and somebody has removed the third answer.
    public.expired = private.expired = True
    bot.change(
        f"UPDATE inflight SET expires_at = 1 WHERE token IN ('{public.token}', '{private.token}')",  # noqa: S608 - tokens of our own
    )
    standin.remove(removed.messages[0])
    again = await start(LEASE_SECONDS=LEASE)
    asking.goes_on.set()
    message = public.messages[0]
    await standin.wait_for(lambda: "-# meta" in message.content, 20)
    assert message.content.startswith(f"> why?\n\n{EARLY}{LATE}\n-# ")
    direct = standin.world.dm_channel(private.user)
    await standin.wait_for(lambda: any("-# meta" in sent.content for sent in standin.sent(direct)), 20)
    assert any(f"{EARLY}{LATE}" in sent.content for sent in standin.sent(direct))
    assert all(sent.ephemeral or "why?" in sent.content for sent in standin.sent(standin.channel))
    told = await standin.shown(removed, "the answer's message was deleted meanwhile")
    assert removed.messages == [told]
    assert told.ephemeral
    assert await again.end() == 0
    assert sorted(again.usage()) == [("ask", "done"), ("ask", "done"), ("ask", "lost")]
    assert not replicate.left_running()
    assert again.select("SELECT request_id, token FROM inflight") == []


async def test_stop_works_and_what_was_not_said_of_it_is_said(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    going = await asking.ask()
    stopped = await asking.ask()
    async with standin.hold("PATCH /webhooks/*", Phase.AFTER) as hold:
        # Its last edit is not taken, and then the process dies.
        standin.fault("PATCH /webhooks/*", status=503, times=100)
        standin.press(stopped.user, stopped.messages[0], stopped.messages[0].button("Stop"))
        await standin.wait_for(lambda: standin.requests("PATCH /webhooks/*")[-1].status == 503, 20)
        await settled(bot, "stopped")
        await bot.kill()
        hold.release()
    standin.server.interference.faults.clear()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(stopped, "Stopped.")
    assert EARLY.strip() in stopped.text
    # Its messages were read again, and nothing has changed on its screen.
    await standin.wait_for(lambda: len(standin.requests("GET /webhooks/*")) >= 2, 20)
    standin.press(going.user, going.messages[0], going.messages[0].button("Stop"))
    await standin.shown(going, "Stopped.")
    assert await again.end() == 0
    assert again.usage() == [("ask", "stopped"), ("ask", "stopped")]
    assert not replicate.left_running()


async def test_what_is_stopped_before_it_is_gone_on_with_is_stopped_then(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start()
    asked = await asking.ask()
    await bot.kill()
    # Its lease lasts on.
    again = await start()
    stop = asked.messages[0].button("Stop")
    pressed = standin.press(asked.user, asked.messages[0], stop)
    await standin.shown(pressed, "will stop in a few seconds")
    assert await again.end() == 0
    bot.change("UPDATE inflight SET lease_until = 1")
    third = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "Stopped.")
    assert EARLY.strip() in asked.text
    await settled(third, "stopped")
    await until(SqliteDatabase(third.database), "SELECT COUNT(*) FROM inflight", [(0,)])
    pressed = standin.press(asked.user, bearing(standin, standin.channel, stop), stop)
    await standin.shown(pressed, "has ended already")
    assert await third.end() == 0
    assert not replicate.left_running()


async def test_what_stands_there_whole_and_was_not_settled_is_settled_by_what_it_used(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask()
    async with SqliteDatabase(bot.database).locked():
        asking.goes_on.set()
        await standin.shown(asked, "-# meta")
        await bot.kill()
    assert bot.select("SELECT state, CAST(output_tokens AS TEXT) FROM usage") == [("open", "0")]
    again = await start(LEASE_SECONDS=LEASE)
    await until(SqliteDatabase(again.database), "SELECT COUNT(*) FROM inflight", [(0,)])
    assert again.select("SELECT ending, CAST(output_tokens AS TEXT) FROM usage") == [("done", "2")]
    assert asked.text.startswith(f"> why?\n\n{EARLY}{LATE}\n-# meta")
    assert asked.text.count("-# meta") == 1
    assert len(asked.messages) == len(replicate.creations) == 1
    assert await again.end() == 0


async def test_what_nobody_can_go_on_with_is_settled_and_said(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    unknown = await asking.ask()
    await asking.ask()
    await bot.kill()
    # The model of one is not offered any more; of the other there is no record, and it is old.
    bot.change(
        "UPDATE predictions SET model = 'gone/model' WHERE usage_id = (SELECT MIN(id) FROM usage)",
        "UPDATE usage SET asked_at = 1 WHERE id = (SELECT MAX(id) FROM usage)",
        "DELETE FROM inflight WHERE request_id = (SELECT MAX(id) FROM usage)",
    )
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(unknown, "I was restarted before the answer was whole")
    assert EARLY.strip() in unknown.text
    await settled(bot, "shutdown", 2)
    assert await again.end() == 0
    assert again.usage() == [("ask", "shutdown"), ("ask", "shutdown")]
    # What the first has made is cancelled, and counts with what it may have cost: nobody knows its price now.
    assert replicate.left_running() == [replicate.last.id]
    [(cost, reserved), _] = again.select("SELECT cost, reserved_cost FROM predictions ORDER BY id")
    assert cost == reserved > 0


async def test_where_going_on_is_refused_by_now_the_request_is_settled(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask()
    await bot.kill()
    again = await start(LEASE_SECONDS=LEASE, BLOCKED_GUILDS=str(standin.guild.id))
    await standin.shown(asked, "switched it off")
    await settled(again, "refused")
    await until(SqliteDatabase(again.database), "SELECT COUNT(*) FROM inflight", [(0,)])
    assert await again.end() == 0
    assert not replicate.left_running()


async def test_who_answers_for_a_model_that_was_down_says_so_after_a_restart_too(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE, FALLBACK_MODEL=SECOND)
    replicate.refuse(Operation.CREATE, Refusal(503), times=5)
    people = [standin.add_user("early", standin.guild) for _ in range(5)]
    early = [standin.slash(person, standin.channel, "ask", {"question": "why?"}) for person in people]
    for each in early:
        await standin.shown(each, "cannot be reached right now. Please")
    going, chosen = await asking.ask(), await asking.ask(model=SECOND)
    whole = asyncio.Event()
    replicate.script(Script(tokens=[EARLY, LATE], gates={1: whole}))
    ended = await asking.ask()
    # This one is whole, and its last edit is not taken.
    standin.fault("PATCH /webhooks/*", status=503, times=1000)
    whole.set()
    await settled(bot, "done")
    await bot.kill()
    standin.server.interference.faults.clear()
    asking.goes_on.set()
    # Somebody has changed the model meanwhile.
    again = await start(LEASE_SECONDS=LEASE, DEFAULT_MODEL=SECOND)
    for each in (going, chosen, ended):
        await standin.shown(each, f"-# {SECOND.partition('/')[2]}")
    for each in (going, ended):
        assert "meta-llama-3-70b-instruct cannot be reached right now, so another model" in each.text
    assert "cannot be reached" not in chosen.text
    assert await again.end() == 0


async def test_two_who_asked_the_same_get_a_prediction_each(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    dead = asyncio.Event()
    both_made = asyncio.Event()

    async def meet(operation: Operation, phase: Phase, _input: Mapping[str, Any]) -> bool:
        """Make both predictions, and tell nobody of them."""
        if dead.is_set() or (operation, phase) != (Operation.CREATE, Phase.AFTER):
            return True
        if len(replicate.runs) == 2:
            both_made.set()
        await dead.wait()
        return False

    replicate.meet = meet
    asked = [
        standin.slash(person, standin.channel, "ask", {"question": "why?"})
        for person in (standin.member, standin.other)
    ]
    await asyncio.wait_for(both_made.wait(), 20)
    await bot.kill()
    assert len(bot.select("SELECT fingerprint, 1 FROM predictions WHERE provider_id IS NULL")) == 2
    dead.set()
    # The first who looks is turned away, and looks again.
    replicate.refuse(Operation.GET, Refusal(503))
    again = await start(LEASE_SECONDS=LEASE)
    for each in asked:
        await standin.shown(each, "-# meta")
        assert "Hello from the stand-in." in each.text
    assert await again.end() == 0
    assert len(replicate.creations) == 2
    assert len(set(again.select("SELECT provider_id, 1 FROM predictions"))) == 2
    assert not again.select("SELECT id, 1 FROM predictions WHERE fingerprint IS NOT NULL")


async def test_who_asks_the_same_again_keeps_the_prediction_of_their_own(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked_for, dead = asyncio.Event(), asyncio.Event()

    async def meet(operation: Operation, phase: Phase, _input: Mapping[str, Any]) -> bool:
        """Make no prediction at all before the process is dead."""
        if dead.is_set() or (operation, phase) != (Operation.CREATE, Phase.BEFORE):
            return True
        asked_for.set()
        await dead.wait()
        return False

    replicate.meet = meet
    first = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await asyncio.wait_for(asked_for.wait(), 20)
    await bot.kill()
    dead.set()
    replicate.lists.clear()
    again = await start(LEASE_SECONDS=LEASE)
    await asyncio.wait_for(replicate.listed.wait(), 20)
    # While the list is on its way.
    second = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(second, "-# meta")
    replicate.lists.set()
    await standin.shown(first, "-# meta")
    assert await again.end() == 0
    assert again.usage() == [("ask", "done"), ("ask", "done")]
    # The first is made one of its own by now.
    assert len(set(again.select("SELECT provider_id, 1 FROM predictions WHERE provider_id IS NOT NULL"))) == 2
    assert len(replicate.runs) == 2


async def test_an_answer_that_was_settled_with_an_error_ends_with_a_sentence_that_is_whole(
    standin: DiscordStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask()
    await bot.kill()
    # It was told that its model is left alone for a while, which is over by now.
    bot.change(
        "UPDATE usage SET state = 'settled', ending = 'failed', error = 'ModelPaused', settled_at = 1",
        "UPDATE predictions SET ended_at = 1, state = 'failed', provider_id = NULL, fingerprint = NULL",
    )
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "The model cannot be reached right now.")
    assert EARLY.strip() in asked.text
    assert "{" not in asked.text
    assert await again.end() == 0


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("LimitReached", "A limit leaves too little for the rest."),
        ("BadRequest", "I was restarted before the answer was whole"),
    ],
)
async def test_an_answer_that_was_refused_after_its_beginning_is_no_fault_of_ours(
    standin: DiscordStandIn, start: Start, asking: Asking, error: str, sentence: str
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask()
    await bot.kill()
    bot.change(
        f"UPDATE usage SET state = 'settled', ending = 'refused', error = '{error}', settled_at = 1",  # noqa: S608 - of our own
        "UPDATE predictions SET ended_at = 1, state = 'failed', provider_id = NULL, fingerprint = NULL",
    )
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, sentence)
    assert asked.text.startswith(f"> why?\n\n{EARLY.strip()}")
    assert await again.end() == 0


async def test_an_answer_that_has_brought_down_process_after_process_is_shown_no_further(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask()
    await bot.kill()
    bot.change("UPDATE inflight SET taken = 3")
    asking.goes_on.set()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "I was restarted before the answer was whole")
    assert EARLY.strip() in asked.text
    assert LATE not in asked.text
    await settled(bot, "shutdown")
    assert await again.end() == 0
    assert not replicate.left_running()


async def test_what_went_into_an_answer_is_told_after_a_restart_too(
    standin: DiscordStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask(file=Upload("notes.txt", b"twenty characters   "))
    await bot.kill()
    asking.goes_on.set()
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "-# meta")
    assert await again.end() == 0
    assert again.select("SELECT facts FROM usage") == [('{"file_characters": 20}',)]


async def test_where_going_on_fails_in_a_way_that_nobody_foresaw_a_sentence_says_so(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start, asking: Asking
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    asked = await asking.ask()
    await bot.kill()
    limit = (
        f"1, 'guild', {standin.guild.id}, 'nobody knows whom', 0, 'tokens', 'day', 1, 1, {standin.guild.id}"
    )
    columns = 'id, place, place_id, subject, role_id, metric, "window", amount, since, guild_id'
    bot.change(f"INSERT INTO limits ({columns}) VALUES ({limit})")  # noqa: S608 - of our own
    again = await start(LEASE_SECONDS=LEASE)
    await standin.shown(asked, "Something went wrong")
    await settled(again, "failed")
    await until(SqliteDatabase(again.database), "SELECT COUNT(*) FROM inflight", [(0,)])
    assert await again.end() == 0
    assert not replicate.left_running()


async def test_a_first_response_that_nobody_can_read_leaves_nothing_open(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LEASE_SECONDS=LEASE)
    standin.fault("POST /interactions/*/*/callback", status=200, body={"interaction": {}})
    standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await settled(bot, "failed")
    await until(SqliteDatabase(bot.database), "SELECT COUNT(*) FROM inflight", [(0,)])
    assert await bot.end() == 0
    assert not replicate.runs
