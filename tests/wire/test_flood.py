"""A thousand commands from one member in a second: what they cost is counted, and others are served."""

from collections.abc import AsyncIterator
from itertools import takewhile
from pathlib import Path

import pytest

from bot.app import TOO_MANY, Parlance
from bot.limits.gate import LEAST_BURST, Gate
from bot.plans.words import LONGEST_WORDS
from bot.store.sqlite import SqliteDriver
from tests.support.patience import PATIENCE
from tests.support.scripted import ScriptedProvider
from tests.wire.discord import Acknowledged, DiscordStandIn, Interaction, Message
from tests.wire.discord_log import now
from tests.wire.everything import bearing, press
from tests.wire.online import online

pytestmark = pytest.mark.slow

FLOOD = 1000
PER_MINUTE = 6
"""What the operator allows a person: the setting's own default."""
MOST_CALLS = 2 * PER_MINUTE + 1
"""Of the model, with the other member's: twice as many where a minute ends meanwhile."""
MOST_BEFORE = 6
"""Messages to somebody who floods a channel before another's answer begins there: an answer, or two where a
minute ends meanwhile, the limit with each, and what was on its way.
"""
HOSTILE = (
    "",
    "[ " * LONGEST_WORDS,
    "<" + " " * LONGEST_WORDS,
    "[" * LONGEST_WORDS,
    "(" * 99 + " " * LONGEST_WORDS,
)
"""What could take its time to be looked through, as long as Discord lets anything be."""


@pytest.fixture
def model() -> ScriptedProvider:
    return ScriptedProvider(echo="Because.")


@pytest.fixture
async def bot(standin: DiscordStandIn, tmp_path: Path, model: ScriptedProvider) -> AsyncIterator[Parlance]:
    """The bot with the usual ceiling for people, and a gate for which it all happens in one moment."""
    standin.rules.clear()
    standin.lifetimes.acknowledge = PATIENCE
    async with online(standin, tmp_path, model, user_requests_per_minute=PER_MINUTE) as bot:
        bot.gate = Gate(lambda: 0.0, LEAST_BURST)
        yield bot


def most_commits(calls: int) -> int:
    """An admission or a refusal each; of a call also two rows, a settlement, a lease, two of its reply."""
    return LEAST_BURST + 7 * calls


def most_requests(calls: int) -> int:
    """The first response each, and where admission is slower than that, two that take it back; of an answer
    also its text and its end.
    """
    return 3 * (LEAST_BURST + 1) + 4 * calls


class Costs:
    """What the bot has done since: requests to Discord, calls of the model, transactions that write."""

    def __init__(self, standin: DiscordStandIn, model: ScriptedProvider) -> None:
        self._standin, self._model = standin, model
        self._requests, self._calls = len(standin.log), len(model.calls)
        self._commits: list[float] = []

    async def watch(self, bot: Parlance) -> None:
        """Count the transactions of the bot's writing connection from now on."""
        driver = bot.store._driver
        assert isinstance(driver, SqliteDriver)
        await driver.writer.turn(lambda connection: connection.set_trace_callback(self._count))

    def _count(self, statement: str) -> None:
        if statement.upper().startswith("COMMIT"):
            self._commits.append(now())

    def before(self, interaction: Interaction) -> tuple[int, int]:
        """How many requests had arrived and transactions were written when this was acknowledged."""
        at = interaction.acknowledged_at
        assert at is not None
        requests = sum(exchange.started < at for exchange in self._standin.log[self._requests :])
        return requests, sum(committed < at for committed in self._commits)

    @property
    def commits(self) -> int:
        return len(self._commits)

    @property
    def requests(self) -> int:
        return len(self._standin.log) - self._requests

    @property
    def calls(self) -> int:
        return len(self._model.calls) - self._calls


async def flooded(standin: DiscordStandIn) -> list[Interaction]:
    """Let one member use a command so often, and another once, and wait until that one is answered."""
    flood = [
        standin.slash(standin.member, standin.channel, "ask", {"question": f"{number}?"})
        for number in range(FLOOD)
    ]
    other = standin.slash(standin.other, standin.channel, "ask", {"question": "and I?"})
    await standin.wait_for(lambda: "Because." in other.text)
    return flood


async def test_commands_of_one_member_cost_a_bounded_amount(
    standin: DiscordStandIn, bot: Parlance, model: ScriptedProvider
) -> None:
    costs = Costs(standin, model)
    await costs.watch(bot)
    flood = await flooded(standin)
    await standin.wait_for(lambda: sum(map(answered, flood)) > LEAST_BURST)
    await bot.answers.close()
    told = [each for each in flood if answered(each)]
    assert len(told) == LEAST_BURST + 1
    assert sum(TOO_MANY in each.text for each in told) == 1
    assert PER_MINUTE < costs.calls <= MOST_CALLS
    assert costs.commits <= most_commits(costs.calls)
    assert costs.requests <= most_requests(costs.calls)


async def test_without_a_ceiling_for_people_they_do_as_well(
    standin: DiscordStandIn, tmp_path: Path, model: ScriptedProvider
) -> None:
    standin.rules.clear()
    standin.lifetimes.acknowledge = PATIENCE
    async with online(standin, tmp_path, model, user_requests_per_minute=None) as bot:
        bot.gate._clock = lambda: 0.0
        costs = Costs(standin, model)
        await costs.watch(bot)
        flood = await flooded(standin)
        await bot.answers.close()
        assert sum(map(answered, flood)) == LEAST_BURST + 1
        assert costs.calls == LEAST_BURST + 1
        assert costs.commits <= most_commits(costs.calls)


@pytest.mark.parametrize("words", HOSTILE)
async def test_another_members_command_that_comes_last_does_not_wait_for_them(
    standin: DiscordStandIn, bot: Parlance, model: ScriptedProvider, words: str
) -> None:
    costs = Costs(standin, model)
    await costs.watch(bot)
    for number in range(FLOOD):
        question = f"{number}? {words}"[:LONGEST_WORDS]
        standin.slash(standin.member, standin.channel, "ask", {"question": question})
    other = standin.slash(standin.other, standin.channel, "ask", {"question": "and I?"})
    await standin.wait_for(lambda: answered(other))
    requests, commits = costs.before(other)
    assert requests <= most_requests(MOST_CALLS)
    assert commits <= most_commits(MOST_CALLS)
    await standin.wait_for(lambda: "Because." in other.text)


async def test_presses_typing_and_mentions_go_through_the_same_gate(
    standin: DiscordStandIn, bot: Parlance, model: ScriptedProvider
) -> None:
    button = bearing(standin, standin.channel, "details:1")
    presses = [press(standin, standin.member, standin.channel, button, "details:1") for _ in range(FLOOD)]
    await standin.wait_for(lambda: sum(map(answered, presses)) > LEAST_BURST)
    assert sum(TOO_MANY in each.text for each in presses) == 1
    before = len(standin.log)
    typed = standin.autocomplete(standin.member, standin.channel, "translate", "to", "fr")
    standin.say(standin.member, standin.channel, f"{standin.mention} why?")
    other = press(standin, standin.other, standin.channel, button, "details:1")
    await standin.wait_for(lambda: answered(other))
    assert sum(map(answered, presses)) == LEAST_BURST + 1
    assert typed.choices is None
    assert model.calls == []
    assert len(standin.log) == before + 1


async def test_mentions_of_one_member_hold_up_no_answer_in_their_channel(
    standin: DiscordStandIn, tmp_path: Path, model: ScriptedProvider
) -> None:
    async with online(standin, tmp_path, model, user_requests_per_minute=1) as bot:
        bot.gate = Gate(lambda: 0.0, LEAST_BURST)
        for number in range(FLOOD):
            standin.say(standin.member, standin.channel, f"{standin.mention} {number}?")
        other = standin.say(standin.other, standin.channel, f"{standin.mention} and I?")

        def before() -> list[Message]:
            return list(takewhile(lambda sent: sent.reference is not other, standin.sent(standin.channel)))

        await standin.wait_for(lambda: len(before()) < len(standin.sent(standin.channel)))
        assert len(before()) <= MOST_BEFORE
        await bot.answers.close()
        said = [sent.content for sent in standin.sent(standin.channel)]
        assert sum("Because." in content for content in said) == len(model.calls)
        assert len(said) <= MOST_BEFORE + 2


def answered(interaction: Interaction) -> bool:
    return interaction.acknowledged is not Acknowledged.NOT
