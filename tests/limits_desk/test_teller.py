"""Admins are told once that a budget runs low, whichever process tells it, and whatever becomes of one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from bot.config import Settings
from bot.domain import Ending, Limit, Metric, Place, PredictionState, Setting, Subject, Tokens, Window
from bot.errors import LimitReached
from bot.limits_desk import Directory, Server, Teller
from bot.policies import Policies
from bot.replies.transport import Lost, Unsent
from bot.store import Store
from bot.store.notices import CLAIM, claim_notice, untold_notices
from tests.limits.world import CATEGORY, CHANNEL, GUILD, MODEL, World, servers_limit, world
from tests.support.databases import Database

NOTICES = 90
BOUND = Tokens(0, 400)
COST = MODEL.cost(BOUND)
"""$0.0001, a tenth of the budget."""


def budget(amount: int = 10 * COST, window: Window = Window.DAY, **where: object) -> Limit:
    return servers_limit(amount, Metric.COST, window, Subject.EVERYONE, **where)  # type: ignore[arg-type]


@dataclass
class Board:
    """What was written, by channel; ``faults`` come first."""

    locale: str | None = "en-US"
    told: list[tuple[int, str]] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def server(self, guild_id: int) -> Server | None:
        names = Directory({NOTICES: "admins", CHANNEL: "general", CATEGORY: "Books"}, {})
        return Server(self.locale, names) if self.locale and guild_id == GUILD else None

    async def send(self, channel_id: int, text: str, nonce: str) -> None:
        self.nonces.append(nonce)
        if self.faults:
            raise self.faults.pop(0)
        self.told.append((channel_id, text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.told]


@pytest.fixture
async def place(database: Database) -> AsyncIterator[World]:
    async with world(database) as place:
        await place.change_setting(Setting.NOTICES, NOTICES)
        await place.set_limit(budget())
        yield place


def teller(place: World, board: Board, store: Store | None = None) -> Teller:
    policies = Policies(place.store, Settings(discord_token=SecretStr("token")), [], place.clock)
    return Teller(store or place.store, policies, board, place.clock)


async def spend(place: World, times: int = 1) -> None:
    """Requests that cost all they reserved."""
    for _ in range(times):
        request = await place.admitted(bound=BOUND)
        call = await place.ledger.call(request.id, MODEL, BOUND, {})
        await place.ledger.ended(call, PredictionState.SUCCEEDED, BOUND, COST)
        await place.ledger.settle(request.id, Ending.DONE)


async def refused(place: World, bound: Tokens = BOUND) -> None:
    with pytest.raises(LimitReached):
        await place.admitted(bound=bound)


class TestWhatIsTold:
    async def test_nothing_below_eighty_percent(self, place: World) -> None:
        board = Board()
        await spend(place, 7)
        await teller(place, board).tell()
        assert board.told == []

    async def test_each_once_in_the_channel_that_was_chosen(self, place: World) -> None:
        board = Board()
        told = teller(place, board)
        for _ in range(10):
            await spend(place)
            await told.tell()
        await refused(place)
        await told.tell()
        assert {channel for channel, _ in board.told} == {NOTICES}
        assert board.texts == [
            (
                "**80% of a budget is used:** $0.0008 of $0.001 today, in the whole server. It starts anew "
                "<t:1778112000:R>."
            ),
            (
                "**A budget is used up:** $0.001 of $0.001 today, in the whole server. What it cannot pay "
                "for is refused until it starts anew <t:1778112000:R>."
            ),
        ]

    async def test_used_up_where_what_is_left_is_too_little(self, place: World) -> None:
        board = Board()
        await spend(place, 9)
        await refused(place, Tokens(0, 500))
        await teller(place, board).tell()
        assert [text.partition(" ")[0] for text in board.texts] == ["**80%", "**A"]

    async def test_not_used_up_by_one_request_that_is_too_large(self, place: World) -> None:
        board = Board()
        await refused(place, Tokens(0, 90_000))
        await teller(place, board).tell()
        assert board.told == []

    async def test_again_in_the_next_window(self, place: World) -> None:
        board = Board()
        told = teller(place, board)
        for _ in range(2):
            await spend(place, 8)
            await told.tell()
            place.clock.move(days=1)
        assert len(board.told) == 2
        assert len(set(board.nonces)) == 2
        assert all(len(nonce) <= 25 for nonce in board.nonces)

    async def test_again_of_another_amount(self, place: World) -> None:
        board = Board()
        await spend(place, 8)
        await teller(place, board).tell()
        await place.set_limit(budget(9 * COST))
        await spend(place)
        await teller(place, board).tell()
        assert [text.partition(" ")[0] for text in board.texts] == ["**80%", "**A"]

    @pytest.mark.parametrize(
        ("where", "said"),
        [
            ((Place.CHANNEL, CHANNEL), f"in <#{CHANNEL}>"),
            ((Place.CATEGORY, CATEGORY), "in the category “Books”"),
        ],
    )
    async def test_names_the_place(self, place: World, where: tuple[Place, int], said: str) -> None:
        board = Board()
        await place.set_limit(budget(COST, Window.MONTH, place=where))
        await spend(place)
        await teller(place, board).tell()
        [text] = board.texts
        assert f"of $0.0001 this month, {said}." in text

    async def test_in_the_servers_language_or_else_in_discords(self, place: World) -> None:
        board = Board(locale="zh-CN")
        await spend(place, 8)
        await teller(place, board).tell()
        await place.change_setting(Setting.LANGUAGE, "en-US")
        await spend(place, 2)
        await teller(place, board).tell()
        assert board.texts[0].startswith("**预算已用 80%：**整个服务器，今天的 US$0.001 已用 US$0.0008。")
        assert board.texts[1].startswith("**A budget is used up:**")

    async def test_nothing_where_no_channel_is_chosen(self, place: World) -> None:
        board = Board()
        await place.change_setting(Setting.NOTICES, None)
        await spend(place, 10)
        await teller(place, board).tell()
        assert (board.told, await place.database.select("SELECT * FROM notices")) == ([], [])

    async def test_nothing_of_other_limits(self, place: World) -> None:
        board = Board()
        await place.change_limit(budget(), None)
        await place.set_limit(servers_limit(1, subject=Subject.EVERYONE))
        await place.set_limit(servers_limit(COST, Metric.COST))
        await spend(place)
        await refused(place)
        await teller(place, board).tell()
        assert board.told == []


class TestOnce:
    async def test_whoever_tells(self, place: World) -> None:
        board = Board()
        await spend(place, 8)
        async with Store.open(place.database.url) as other:
            tellers = [teller(place, board, store) for store in (place.store, other) for _ in range(3)]
            await asyncio.gather(*(each.tell() for each in tellers))
        assert len(board.told) == 1

    async def test_after_a_process_died_that_had_claimed_it(self, place: World) -> None:
        board = Board()
        await spend(place, 8)
        [notice] = await place.store.read(lambda t: untold_notices(t, place.clock()))
        assert await place.store.write(lambda t: claim_notice(t, notice, place.clock()))
        assert await teller(place, board).tell()
        assert board.told == []
        place.clock.move(seconds=CLAIM.total_seconds())
        assert not await teller(place, board).tell()
        assert not await teller(place, board).tell()
        assert len(board.told) == 1

    async def test_when_discord_takes_it_later(self, place: World) -> None:
        board = Board(faults=[Unsent("503")])
        await spend(place, 8)
        again = []
        for _ in range(3):
            again.append(await teller(place, board).tell())
            place.clock.move(seconds=CLAIM.total_seconds())
        assert (len(board.told), again) == (1, [True, False, False])
        # Discord makes one message of both, should it have taken the first after all.
        assert len(board.nonces) == 2
        assert len(set(board.nonces)) == 1

    async def test_not_at_all_where_it_cannot_be_written(self, place: World) -> None:
        board = Board(faults=[Lost("403")])
        await spend(place, 8)
        for _ in range(3):
            await teller(place, board).tell()
            place.clock.move(seconds=CLAIM.total_seconds())
        assert (board.told, len(board.nonces)) == ([], 1)

    async def test_not_in_a_channel_that_is_none_of_the_servers(self, place: World) -> None:
        board = Board()
        await place.change_setting(Setting.NOTICES, 12345)
        await spend(place, 8)
        await teller(place, board).tell()
        await place.change_setting(Setting.NOTICES, NOTICES)
        await teller(place, board).tell()
        assert (board.told, board.nonces) == ([], [])

    async def test_by_the_process_that_is_connected_for_the_server(self, place: World) -> None:
        elsewhere, here = Board(locale=None), Board()
        await spend(place, 8)
        assert not await teller(place, elsewhere).tell()
        await teller(place, here).tell()
        assert (len(elsewhere.told), len(here.told)) == (0, 1)

    async def test_not_of_a_limit_that_is_gone(self, place: World) -> None:
        board = Board()
        await spend(place, 8)
        await place.change_limit(budget(), None)
        await teller(place, board).tell()
        assert board.told == []

    async def test_later_where_the_database_is_away(
        self, place: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        board = Board()
        await spend(place, 8)
        await place.database.refuse_writes(place.store)
        assert await teller(place, board).tell()
        assert (board.told, len(caplog.messages)) == ([], 1)
        assert "notices to admins wait" in caplog.text
        await place.database.accept_writes(place.store)
        await teller(place, board).tell()
        assert len(board.told) == 1
