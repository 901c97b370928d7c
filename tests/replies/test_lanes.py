"""Lanes: replies that share a bucket share its pace, one request at a time, the most urgent first."""

import asyncio
import random

import pytest

from bot.replies.lanes import (
    GATE_BURST,
    GATE_MOST,
    GATE_RATE,
    IDLE_LANES,
    Lane,
    Lanes,
    Ticket,
    edit_key,
    is_counted,
    key_of,
    send_key,
    webhook_key,
)
from bot.replies.pace import Urgency
from tests.support.clock import Clock


async def use(lane: Lane, ticket: Ticket, name: str, order: list[str]) -> None:
    async with lane.slot(ticket):
        order.append(name)
        await asyncio.sleep(0)


def unlimited(lane: Lane) -> Lane:
    lane.pace.took(0.0)
    lane.pace.learn_unlimited()
    return lane


async def test_the_most_urgent_goes_first_and_the_shortest_ends_first() -> None:
    clock = Clock()
    lane = unlimited(Lane(clock))
    clock.now = 10.0
    order: list[str] = []
    async with lane.slot(Ticket(Urgency.FIRST, 0, 0.0)):
        waiting = [
            asyncio.create_task(use(lane, Ticket(urgency, size, since), name, order))
            for name, urgency, size, since in [
                ("footer", Urgency.DECORATES, 5, 0.0),
                ("grows, seen lately", Urgency.GROWS, 5, 9.0),
                ("grows, waited long", Urgency.GROWS, 900, 1.0),
                ("ends, long", Urgency.COMPLETES, 4000, 0.0),
                ("ends, short", Urgency.COMPLETES, 40, 3.0),
                ("first", Urgency.FIRST, 0, 4.0),
            ]
        ]
        await asyncio.sleep(0)
    for _ in range(6):
        clock.now += 1.0
        lane.wake()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == [
        "ends, short",
        "ends, long",
        "first",
        "grows, waited long",
        "grows, seen lately",
        "footer",
    ]


async def test_one_request_at_a_time() -> None:
    lane = unlimited(Lane(Clock()))
    async with lane.slot(Ticket(Urgency.FIRST, 0, 0.0)):
        order: list[str] = []
        second = asyncio.create_task(use(lane, Ticket(Urgency.COMPLETES, 0, 0.0), "second", order))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == []
    await second
    assert order == ["second"]
    assert lane.is_idle


async def test_what_waits_goes_as_soon_as_the_window_is_over() -> None:
    loop = asyncio.get_running_loop()
    lane = Lane(loop.time)
    lane.pace.learn(2, 0, 0.02, loop.time())
    started = loop.time()
    async with lane.slot(Ticket(Urgency.COMPLETES, 0, 0.0)):
        assert loop.time() - started >= 0.019


async def test_leaving_the_queue_frees_the_place() -> None:
    lane = unlimited(Lane(Clock()))
    order: list[str] = []
    async with lane.slot(Ticket(Urgency.FIRST, 0, 0.0)):
        leaving = asyncio.create_task(use(lane, Ticket(Urgency.COMPLETES, 0, 0.0), "left", order))
        staying = asyncio.create_task(use(lane, Ticket(Urgency.COMPLETES, 1, 0.0), "stayed", order))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
    await staying
    assert order == ["stayed"]


async def test_leaving_just_when_the_turn_came_frees_the_lane() -> None:
    lane = unlimited(Lane(Clock()))
    async with lane.slot(Ticket(Urgency.FIRST, 0, 0.0)):
        order: list[str] = []
        leaving = asyncio.create_task(use(lane, Ticket(Urgency.COMPLETES, 0, 0.0), "left", order))
        await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await use(lane, Ticket(Urgency.COMPLETES, 0, 0.0), "next", order)
    assert order == ["next"]


async def test_all_channels_together_stay_below_what_discord_takes_in_a_second() -> None:
    loop = asyncio.get_running_loop()
    lanes = Lanes(loop.time)
    sent: list[float] = []

    async def send(channel: int) -> None:
        async with lanes.lane(send_key(channel)).slot(Ticket(Urgency.FIRST, 0, 0.0)):
            sent.append(loop.time())

    await asyncio.gather(*map(send, range(200)))
    assert sent[GATE_BURST - 1] == 0.0 < sent[GATE_BURST]
    most = max(sum(at <= other < at + 1.0 for other in sent) for at in sent)
    assert GATE_BURST + GATE_RATE - 1 <= most <= GATE_BURST + GATE_RATE
    assert sent[-1] == pytest.approx((200 - GATE_BURST) / GATE_RATE)
    assert lanes.waiting == 0


@pytest.mark.parametrize("seed", range(5))
async def test_however_late_requests_come_discord_takes_all_of_a_second(seed: int) -> None:
    chance = random.Random(seed)
    loop = asyncio.get_running_loop()
    lanes = Lanes(loop.time)
    counted: list[float] = []

    async def send(channel: int) -> None:
        # The network brings those of one stretch together, and then goes on.
        async with lanes.lane(send_key(channel)).slot(Ticket(Urgency.FIRST, 0, 0.0)):
            late = chance.choice([0.9, 0.0, 2.5])
            arrives = late and (loop.time() // late + 1) * late - loop.time()
            await asyncio.sleep(arrives)
            counted.append(loop.time())
            await asyncio.sleep(chance.uniform(0.0, 0.3))

    await asyncio.gather(*map(send, range(300)))
    assert max(sum(at <= other < at + 1.0 for other in counted) for at in counted) <= GATE_MOST


async def test_requests_that_no_lane_knows_of_pass_the_gate_too() -> None:
    loop = asyncio.get_running_loop()
    lanes = Lanes(loop.time)
    sent: list[float] = []

    async def request(path: str) -> None:
        await lanes.begin(path)
        sent.append(loop.time())
        lanes.ended(path)

    async def send(channel: int) -> None:
        async with lanes.lane(send_key(channel)).slot(Ticket(Urgency.FIRST, 0, 0.0)):
            await request(f"/api/v10/channels/{channel}/messages")

    await asyncio.gather(
        *map(send, range(100)), *(request(f"/api/v10/guilds/1/members/{each}") for each in range(100))
    )
    assert sent[-1] == pytest.approx((200 - GATE_BURST) / GATE_RATE)
    await asyncio.gather(*(request("/api/v10/webhooks/1/to.ken") for _ in range(99)))
    assert loop.time() == sent[199]


async def test_what_has_no_response_yet_makes_the_others_wait() -> None:
    loop = asyncio.get_running_loop()
    lanes = Lanes(loop.time)
    for number in range(GATE_MOST):
        await lanes.begin(f"/api/v10/guilds/1/members/{number}")
    waiting = asyncio.create_task(use(lanes.lane(send_key(1)), Ticket(Urgency.FIRST, 0, 0.0), "sent", []))
    await asyncio.sleep(5.0)
    assert not waiting.done()
    assert lanes.waiting == 1
    # A second after its response one of them counts no longer.
    answered = loop.time()
    lanes.ended("/api/v10/guilds/1/members/0")
    await waiting
    assert loop.time() == pytest.approx(answered + 1.0)


async def test_what_is_tried_again_in_a_slot_passes_the_gate_again() -> None:
    loop = asyncio.get_running_loop()
    lanes = Lanes(loop.time)
    path = "/api/v10/channels/1/messages"
    async with lanes.lane(send_key(1)).slot(Ticket(Urgency.FIRST, 0, 0.0)):
        for _ in range(GATE_BURST):
            await lanes.begin(path)
            lanes.ended(path)
        assert loop.time() == 0.0
        await lanes.begin(path)
        assert loop.time() == pytest.approx(1 / GATE_RATE)


async def test_who_leaves_just_when_the_gate_lets_them_in_takes_no_place_along() -> None:
    loop = asyncio.get_running_loop()
    lanes = Lanes(loop.time)
    path = "/api/v10/users/@me"
    for _ in range(GATE_BURST):
        await lanes.begin(path)
    leaving = asyncio.create_task(lanes.begin(path))
    await asyncio.sleep(0)
    # Within the loop's resolution: the place is given, and who waited does not know yet.
    loop.call_later(1 / GATE_RATE + 1e-10, leaving.cancel)
    with pytest.raises(asyncio.CancelledError):
        await leaving
    async with asyncio.timeout(5.0):
        for _ in range(GATE_MOST - GATE_BURST):
            await lanes.begin(path)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/api/v10/channels/7/messages", True),
        ("/api/v10/users/@me", True),
        ("/api/v10/webhooks/1/to.ken/messages/@original", False),
        ("/api/v10/interactions/1/to.ken/callback", False),
        ("/attachments/1/2/file.txt", False),
        ("/", False),
    ],
)
def test_what_discord_counts_together(path: str, counts: bool) -> None:
    assert is_counted(path) is counts


async def test_interactions_wait_for_nobody() -> None:
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    lanes = Lanes(loop.time, waits.append)
    tickets = [
        lanes.lane(webhook_key(str(number))).slot(Ticket(Urgency.FIRST, 0, 0.0)) for number in range(99)
    ]
    for ticket in tickets:
        async with ticket:
            pass
    assert waits == [0.0] * 99


async def test_who_needs_it_most_passes_the_gate_first() -> None:
    lanes = Lanes(asyncio.get_running_loop().time)
    for channel in range(GATE_BURST):
        await use(lanes.lane(send_key(channel)), Ticket(Urgency.FIRST, 0, 0.0), "early", [])
    order: list[str] = []
    waiting = [
        use(lanes.lane(edit_key(channel)), Ticket(urgency, size, since), name, order)
        for channel, (name, urgency, size, since) in enumerate(
            [
                ("grows, seen lately", Urgency.GROWS, 5, 9.0),
                ("grows, waited long", Urgency.GROWS, 5, 1.0),
                ("ends, long", Urgency.COMPLETES, 4000, 0.0),
                ("ends, short", Urgency.COMPLETES, 40, 3.0),
                ("first", Urgency.FIRST, 0, 4.0),
            ]
        )
    ]
    await asyncio.gather(*waiting)
    assert order == ["ends, short", "ends, long", "first", "grows, waited long", "grows, seen lately"]


async def test_who_leaves_at_the_gate_frees_the_lane() -> None:
    lanes = Lanes(asyncio.get_running_loop().time)
    order: list[str] = []
    for channel in range(GATE_BURST):
        await use(lanes.lane(send_key(channel)), Ticket(Urgency.FIRST, 0, 0.0), "early", [])
    late = lanes.lane(send_key(999))
    leaving = asyncio.create_task(use(late, Ticket(Urgency.FIRST, 0, 0.0), "left", order))
    await asyncio.sleep(0.5 / GATE_RATE)
    leaving.cancel()
    await asyncio.sleep(0)
    await use(late, Ticket(Urgency.FIRST, 0, 0.0), "next", order)
    assert order == ["next"]


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("POST", "/api/v10/webhooks/1/to.ken", webhook_key("to.ken")),
        ("PATCH", "/api/v10/webhooks/1/to.ken/messages/@original", webhook_key("to.ken")),
        ("POST", "/api/v10/channels/7/messages", send_key(7)),
        ("PATCH", "/api/v10/channels/7/messages/8", edit_key(7)),
        ("DELETE", "/api/v10/channels/7/messages/8", None),
        ("GET", "/api/v10/channels/7/messages", None),
        ("POST", "/api/v10/interactions/1/to.ken/callback", None),
    ],
)
def test_requests_belong_to_the_bucket_that_discord_counts_them_in(
    method: str, path: str, key: tuple[str, str] | None
) -> None:
    assert key_of(method, path) == key


def headers(limit: int, remaining: int, reset_after: float, bucket: str) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": str(reset_after),
        "X-RateLimit-Bucket": bucket,
    }


def test_headers_teach_the_lane_they_belong_to() -> None:
    clock = Clock()
    lanes = Lanes(clock)
    lane = lanes.lane(edit_key(7))
    lanes.learn("PATCH", "/api/v10/channels/7/messages/8", headers(3, 0, 9.0, "b"))
    assert lane.pace.wait(Urgency.COMPLETES, 0.0) == pytest.approx(9.0, abs=0.01)
    lanes.learn("PATCH", "/api/v10/channels/7/messages/8", {})
    assert lane.pace.wait(Urgency.COMPLETES, 0.0) == 0.0
    lanes.learn("GET", "/api/v10/users/@me", headers(1, 0, 9.0, "b"))


def test_keys_that_prove_to_be_one_bucket_share_one_lane() -> None:
    lanes = Lanes(Clock())
    for key in (edit_key(7), send_key(7), send_key(9)):
        lanes.lane(key)
    lanes.learn("PATCH", "/api/v10/channels/7/messages/8", headers(5, 4, 5.0, "same"))
    lanes.learn("POST", "/api/v10/channels/7/messages", headers(5, 3, 5.0, "same"))
    lanes.learn("POST", "/api/v10/channels/9/messages", headers(5, 3, 5.0, "same"))
    assert lanes.lane(edit_key(7)) is lanes.lane(send_key(7))
    assert lanes.lane(send_key(9)) is not lanes.lane(send_key(7))


def test_idle_lanes_are_forgotten_in_the_end() -> None:
    lanes = Lanes(Clock())
    first = lanes.lane(webhook_key("0"))
    for token in range(1, IDLE_LANES + 1):
        lanes.lane(webhook_key(str(token)))
    assert lanes.lane(webhook_key("0")) is not first
