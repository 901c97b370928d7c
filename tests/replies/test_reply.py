"""One answer on the screen: what it shows, in which order, and what happens when Discord does not take it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.anchor import Anchor
from bot.replies.draft import FILE_NAME, MESSAGES, ReplyWords
from bot.replies.lanes import Key, Lanes
from bot.replies.reply import Reply
from bot.replies.safe import safe
from bot.replies.split import split
from bot.replies.transport import (
    Buttons,
    Found,
    HandOver,
    Lost,
    OtherChannel,
    Removed,
    Screen,
    Transport,
    Unsent,
)
from bot.replies.tries import LONGEST_PAUSE, OutOfTime
from tests.support.virtual_time import VirtualTimeLoop

WORDS = ReplyWords("rest in file", "whole in file", "no file", "moved", "stuck", "broken")
FOOTER = "\n-# model"
PATIENCE = 1000.0
"""Seconds that a reply tries to show what is not taken."""


@dataclass
class Stage:
    """A transport into memory: every screen that each message showed, and faults to come."""

    quote: str = ""
    expires_at: float | None = None
    opens: bool = True
    next_stage: "Stage | None" = None
    keeps_messages: bool = True
    takes_files: bool = True
    whispers: bool = True
    history: dict[int, list[Screen]] = field(default_factory=dict)
    deleted: list[int] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    taken: Sequence[int] = ()
    delete_faults: list[Exception] = field(default_factory=list)
    held: asyncio.Event | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: asyncio.Event = field(default_factory=asyncio.Event)
    anchor: Anchor = field(default_factory=lambda: Anchor(1, 2, "token"))
    kept: tuple[Anchor, tuple[int, ...]] | None = None

    def others(self) -> Iterator[OtherChannel]:
        return iter(())

    def key(self, message_id: int | None) -> Key:
        return ("webhook", "token")

    async def open(self, screen: Screen) -> int | None:
        if not self.opens:
            return None
        return await self.post(screen)

    async def defer(self) -> int | None:
        self.history[0] = []
        return 0

    async def look(self, message_id: int | None) -> Found:
        number = message_id or 0
        if number not in self.history or number in self.deleted:
            raise Lost("not there")
        return Found(number, self.history[number][-1].content if self.history[number] else "")

    @property
    def knows_again(self) -> bool:
        return self.anchor.token is None

    async def strays(self) -> Sequence[int]:
        return self.taken

    async def post(self, screen: Screen) -> int:
        await self._take()
        message_id = len(self.history)
        self.history[message_id] = [screen]
        return message_id

    async def edit(self, message_id: int, screen: Screen, before: Screen | None) -> None:
        await self._take()
        self.history[message_id].append(screen)

    async def delete(self, message_id: int) -> None:
        await self._take()
        if self.delete_faults:
            raise self.delete_faults.pop(0)
        self.deleted.append(message_id)

    async def hand_over(self) -> HandOver | None:
        if self.next_stage is None:
            return None
        return HandOver(self.next_stage, keeps_messages=self.keeps_messages)

    async def _take(self) -> None:
        if self.held is not None:
            self.under_way.set()
            await self.held.wait()
        self.changed.set()
        if self.faults:
            raise self.faults.pop(0)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that a send changes."""
        while not reached():
            self.changed.clear()
            await self.changed.wait()

    @property
    def shown(self) -> list[str]:
        """What each message shows now."""
        return [screens[-1].content for number, screens in self.history.items() if number not in self.deleted]

    @property
    def last(self) -> Screen:
        """What the newest message shows now."""
        return self.history[max(self.history)][-1]


class Loss:
    """Whether a reply said that it is lost."""

    count = 0

    def __call__(self) -> None:
        self.count += 1


def reply_on(stage: Transport, on_lost: Callable[[], None] = lambda: None) -> Reply:
    lanes = Lanes(asyncio.get_running_loop().time)
    lanes.lane(("webhook", "token")).pace.took(-100.0)
    lanes.learn("PATCH", "/webhooks/1/token/messages/2", {})
    clock = asyncio.get_running_loop().time

    async def keep(anchor: Anchor, messages: Sequence[int]) -> None:
        assert isinstance(stage, Stage)
        stage.kept = (anchor, tuple(messages))

    return Reply(stage, lanes, clock, WORDS, on_lost, ends_at=clock() + PATIENCE, keep=keep)


async def finish(reply: Reply, footer: str = FOOTER) -> None:
    reply.complete()
    reply.finish(footer, Buttons.DETAILS)
    await reply.close()


def prose(length: int) -> str:
    sentence = "The quick brown fox jumps over the lazy dog, again and again. "
    return (sentence * (length // len(sentence) + 1))[:length]


async def test_first_the_status_then_the_text_then_the_footer() -> None:
    stage = Stage(quote="> why?")
    reply = reply_on(stage)
    await reply.open("starting")
    assert stage.last == Screen("> why?\n\n-# starting", Buttons.STOP)
    reply.append("Because.")
    await finish(reply)
    assert stage.last == Screen("> why?\n\nBecause.", Buttons.DETAILS, below=FOOTER)


async def test_nothing_is_sent_when_nothing_changed() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    reply.status("starting")
    reply.append("")
    await finish(reply, footer="")
    assert [screen.content for screen in stage.history[0]] == ["-# starting", "-# starting"]
    assert [screen.buttons for screen in stage.history[0]] == [Buttons.STOP, Buttons.DETAILS]


async def test_a_deferred_reply_fills_its_first_message() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.defer()
    await reply.open("starting")
    reply.append("Text.")
    await finish(reply)
    assert stage.shown == ["Text." + FOOTER]


async def test_an_ordinary_post_can_be_the_first_sign() -> None:
    stage = Stage(opens=False)
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append("Text.")
    await finish(reply)
    assert stage.shown == ["Text." + FOOTER]
    assert reply.first_text_at is not None


async def test_where_the_output_differs_only_the_messages_that_differ_are_edited() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    text = prose(4000)
    reply.append(text)
    reply.complete()
    await stage.until(lambda: len(stage.history) == 3)
    before = len(stage.history[0])
    reply.replace(text[:-20] + "the end.")
    await finish(reply)
    assert len(stage.history[0]) == before
    assert stage.shown[-1].endswith("the end." + FOOTER)
    assert "".join(stage.shown).count("the end.") == 1


async def test_an_output_that_needs_fewer_messages_takes_the_others_away() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append(prose(5000))
    reply.complete()
    await stage.until(lambda: len(stage.history) == 3)
    reply.replace("Short after all.")
    await finish(reply)
    assert stage.shown == ["Short after all." + FOOTER]


async def test_a_very_long_answer_ends_as_a_file() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    text = prose(2000 * (MESSAGES + 2))
    for start in range(0, len(text), 500):
        reply.append(text[start : start + 500])
        await asyncio.sleep(0)
    await finish(reply)
    assert len(stage.shown) == MESSAGES
    assert stage.last.attachment is not None
    assert stage.last.attachment.name == FILE_NAME
    assert stage.last.attachment.data.decode() == text
    assert "whole in file" in stage.last.content
    assert all(
        screen.attachment is None for number in range(MESSAGES - 1) for screen in stage.history[number]
    )


async def test_stop_stands_under_the_newest_message_only() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append(prose(4500))
    await stage.until(lambda: len(stage.history) == 2)
    assert stage.history[0][-1].buttons is Buttons.NONE
    await finish(reply)
    assert [screens[-1].buttons for screens in stage.history.values()] == [
        Buttons.NONE,
        Buttons.NONE,
        Buttons.DETAILS,
    ]


async def test_what_is_not_taken_now_is_sent_again() -> None:
    stage = Stage()
    loss = Loss()
    reply = reply_on(stage, loss)
    await reply.open("starting")
    stage.faults = [Unsent("503"), Unsent("503")]
    reply.append("Text.")
    await finish(reply)
    assert stage.shown == ["Text." + FOOTER]
    assert loss.count == 0


async def test_a_message_that_is_gone_ends_the_reply() -> None:
    stage = Stage()
    loss = Loss()
    reply = reply_on(stage, loss)
    await reply.open("starting")
    stage.faults = [Lost("404")]
    reply.append("Text.")
    await finish(reply)
    assert loss.count == 1


async def test_what_is_never_taken_is_tried_for_as_long_as_the_reply_has() -> None:
    stage = Stage()
    loss = Loss()
    reply = reply_on(stage, loss)
    clock = asyncio.get_running_loop().time
    began = clock()
    await reply.open("starting")
    stage.faults = [Unsent("503")] * 1000
    reply.append("Text.")
    await finish(reply)
    assert loss.count == 1
    assert stage.shown == ["-# starting"]
    assert PATIENCE - LONGEST_PAUSE <= clock() - began <= PATIENCE


async def test_a_reply_that_has_to_end_soon_tries_at_once() -> None:
    stage = Stage()
    reply = reply_on(stage)
    clock = asyncio.get_running_loop().time
    await reply.open("starting")
    stage.faults = [Unsent("503")] * 6
    reply.append("Text.")
    await stage.until(lambda: not stage.faults)
    hurried = clock()
    reply.end_by(hurried + 2)
    await finish(reply)
    assert stage.shown == ["Text." + FOOTER]
    assert clock() - hurried <= 1


async def test_a_fault_of_our_own_ends_the_reply_with_a_sentence() -> None:
    stage = Stage()
    loss = Loss()
    reply = reply_on(stage, loss)
    await reply.open("starting")
    stage.faults = [ValueError("a fault")]
    reply.append("Text.")
    await finish(reply)
    assert stage.last.content == "-# starting\n-# broken"
    assert loss.count == 1


async def test_an_answer_can_end_while_a_request_is_under_way_and_that_request_is_never_cancelled() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    stage.held = asyncio.Event()
    reply.append("First. ")
    await stage.under_way.wait()
    reply.append("Last.")
    reply.complete()
    reply.finish(FOOTER, Buttons.DETAILS)
    closing = asyncio.create_task(reply.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    stage.held.set()
    await reply.close()
    assert [screen.content for screen in stage.history[0]] == [
        "-# starting",
        "First.",
        "First. Last." + FOOTER,
    ]


async def test_an_expired_reply_goes_on_in_its_own_messages() -> None:
    beyond = Stage(history={0: []})
    stage = Stage(expires_at=asyncio.get_running_loop().time() - 1, next_stage=beyond)
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append("Text.")
    await finish(reply)
    assert beyond.shown == ["Text." + FOOTER]


async def test_a_private_reply_that_moves_says_so_and_is_shown_again_from_its_start() -> None:
    beyond = Stage()
    stage = Stage(expires_at=asyncio.get_running_loop().time() - 1, next_stage=beyond, keeps_messages=False)
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append("Text.")
    await finish(reply)
    assert stage.last.content.endswith("-# moved")
    assert beyond.shown == ["Text." + FOOTER]


async def test_a_reply_with_nowhere_to_go_on_says_so_and_ends() -> None:
    loss = Loss()
    stage = Stage(expires_at=asyncio.get_running_loop().time() - 1)
    reply = reply_on(stage, loss)
    await reply.open("starting")
    await reply.close()
    assert stage.last.content.endswith("-# stuck")
    assert loss.count == 1


async def test_an_idle_reply_expires_on_time() -> None:
    loss = Loss()
    stage = Stage(expires_at=asyncio.get_running_loop().time() + 0.02)
    reply = reply_on(stage, loss)
    await reply.open("starting")
    await stage.until(lambda: stage.last.content.endswith("-# stuck"))
    await reply.close()
    assert stage.last.content.endswith("-# stuck")


async def test_a_refusal_can_be_the_first_sign() -> None:
    stage = Stage()
    await reply_on(stage).refuse("no", "neutral")
    assert stage.history == {0: [Screen("no", is_private=True)]}


async def test_a_refusal_after_a_first_sign_is_said_to_the_person_alone() -> None:
    stage = Stage(quote="> why?")
    reply = reply_on(stage)
    await reply.open("starting")
    await reply.refuse("no", "neutral")
    assert stage.history[0][-1] == Screen("neutral")
    assert stage.history[1] == [Screen("no", is_private=True)]


async def test_where_nobody_can_be_told_alone_the_message_itself_says_it() -> None:
    stage = Stage(whispers=False)
    reply = reply_on(stage)
    await reply.open("starting")
    await reply.refuse("no", "neutral")
    assert stage.history == {0: [Screen("-# starting", Buttons.STOP), Screen("no")]}


async def test_where_no_file_may_be_attached_a_long_answer_says_that_its_rest_is_missing() -> None:
    stage = Stage(takes_files=False)
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append(prose(2000 * (MESSAGES + 1)))
    await finish(reply)
    assert len(stage.shown) == MESSAGES
    assert stage.last.attachment is None
    assert stage.last.content.endswith("-# no file" + FOOTER)


@settings(max_examples=40)
@given(st.text(max_size=3000), st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_what_stands_there_in_the_end_is_the_text_split_at_once(text: str, sizes: list[int]) -> None:
    async def scene() -> None:
        stage = Stage()
        reply = reply_on(stage)
        await reply.open("starting")
        start, turn = 0, 0
        while start < len(text):
            size = sizes[turn % len(sizes)]
            reply.append(text[start : start + size])
            await asyncio.sleep(0)
            start, turn = start + size, turn + 1
        await finish(reply)
        source = safe(text)
        pieces = [piece.render(source) for piece in split(source)][:MESSAGES]
        expected = pieces or ["-# starting"]
        assert [content.removesuffix(FOOTER) for content in stage.shown] == expected

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(scene())


def left_behind(*contents: str, quoted: bool = False) -> Stage:
    """A transport with the messages that a process which is gone has shown."""
    stage = Stage(anchor=Anchor(1, 2, "token", quoted=quoted))
    stage.history = {number: [Screen(content)] for number, content in enumerate(contents)}
    return stage


async def test_a_reply_is_gone_on_with_in_its_own_messages() -> None:
    text = prose(3000)
    first, second = (piece.render(text) for piece in split(text))
    stage = left_behind(first, second[:100] + "\n-# Reading…")
    reply = reply_on(stage)
    await reply.take_up([0, 1], "Going on…")
    reply.append(text)
    await finish(reply)
    assert stage.shown == [first, second + FOOTER]
    assert len(stage.history[0]) == 1
    assert reply.is_settled


async def test_what_stands_there_stays_until_there_is_more() -> None:
    stage = left_behind("> why?\n\nBecause the sky", quoted=True)
    reply = reply_on(stage)
    await reply.take_up([0], "Going on…")
    assert reply.has_text
    reply.append("Because")
    await stage.until(lambda: len(stage.history[0]) > 1)
    assert stage.last.content == "> why?\n\nBecause the sky"
    reply.append(" the sky scatters blue.")
    await finish(reply)
    assert stage.shown == [f"> why?\n\nBecause the sky scatters blue.{FOOTER}"]
    # Nobody knows when its first text stood there.
    assert reply.first_text_at is None


async def test_what_stands_there_stays_where_nothing_more_comes() -> None:
    stage = left_behind("Because the sky\n-# Reading…")
    reply = reply_on(stage)
    await reply.take_up([0], "Going on…")
    await finish(reply, "\n-# I was restarted.\n-# model")
    assert stage.shown == ["Because the sky\n-# I was restarted.\n-# model"]
    assert stage.last.buttons is Buttons.DETAILS


async def test_a_first_response_is_found_by_its_token_alone() -> None:
    stage = left_behind("-# The model is starting…")
    reply = reply_on(stage)
    await reply.take_up([], "Going on…")
    assert stage.kept == (stage.anchor, (0,))
    assert not reply.has_text
    await stage.until(lambda: "Going on…" in stage.last.content)
    await reply.refuse("I was restarted.", "-# This request was not answered.")
    assert stage.shown == ["-# This request was not answered.", "I was restarted."]


async def test_a_reply_that_is_not_there_cannot_be_taken_up() -> None:
    with pytest.raises(Lost):
        await reply_on(Stage()).take_up([], "Going on…")


async def test_one_whose_token_is_dead_goes_on_elsewhere() -> None:
    channel = left_behind("Because the sky")
    channel.anchor = Anchor(1, 2)
    stage = Stage(expires_at=0.0, next_stage=channel)
    reply = reply_on(stage)
    await reply.take_up([0], "Going on…")
    reply.append("Because the sky scatters blue.")
    await finish(reply)
    assert channel.shown == ["Because the sky scatters blue." + FOOTER]
    assert stage.kept == (channel.anchor, (0,))


async def test_what_was_taken_away_of_a_reply_is_shown_again() -> None:
    text = prose(3000)
    first, second = (piece.render(text) for piece in split(text))
    stage = left_behind(first, second)
    stage.deleted = [1]
    reply = reply_on(stage)
    await reply.take_up([0, 1], "Going on…")
    assert stage.kept == (stage.anchor, (0,))
    reply.append(text)
    await finish(reply)
    assert stage.shown == [first, second + FOOTER]


async def test_a_reply_of_which_nothing_stands_any_more_ends_with_a_sentence() -> None:
    stage = left_behind("Because the sky")
    stage.deleted = [0]
    reply = reply_on(stage)
    with pytest.raises(Removed):
        await reply.take_up([0], "Going on…")
    await reply.refuse("It was deleted.", "-# This request was not answered.")
    assert stage.shown == ["It was deleted."]
    assert stage.last.is_private


async def test_nothing_is_said_where_nobody_knows_what_it_belongs_to() -> None:
    stage = left_behind("Because the sky")
    stage.anchor = Anchor(1, 2)
    stage.deleted = [0]
    with pytest.raises(Lost) as lost:
        await reply_on(stage).take_up([0], "Going on…")
    assert not isinstance(lost.value, Removed)


async def test_what_nobody_may_have_seen_is_not_taken_elsewhere() -> None:
    channel = Stage(anchor=Anchor(1, 2))
    with pytest.raises(Lost):
        await reply_on(Stage(expires_at=0.0, next_stage=channel)).take_up([], "Going on…")
    assert not channel.history


async def test_a_sentence_is_said_elsewhere_where_its_token_dies_meanwhile() -> None:
    channel = Stage(anchor=Anchor(1, 2))
    stage = Stage(expires_at=0.0, next_stage=channel, keeps_messages=False, whispers=False)
    stage.opens = False
    await reply_on(stage).refuse("It was deleted.", "-# This request was not answered.")
    assert channel.shown == ["It was deleted."]


async def test_one_whose_token_is_dead_and_that_has_nowhere_to_go_is_lost() -> None:
    with pytest.raises(Lost):
        await reply_on(Stage(expires_at=0.0)).take_up([0], "Going on…")


async def test_a_message_that_discord_may_know_again_is_brought_up_to_date() -> None:
    stage = Stage(anchor=Anchor(1, 2))
    reply = reply_on(stage)
    await reply.take_up([], "Going on…")
    reply.append("Because the sky")
    await finish(reply)
    # Posted, and written once more: Discord may have given an older message back.
    assert len(stage.history) == 1
    assert len(stage.history[0]) >= 2
    assert stage.shown == ["Because the sky" + FOOTER]


class Silent(Stage):
    """A stage that does not answer so many questions."""

    async def look(self, message_id: int | None) -> Found:
        await self._take()
        return await super().look(message_id)


async def test_what_discord_does_not_answer_is_asked_again() -> None:
    stage = Silent(faults=[Unsent("not now")], history={0: [Screen("Because")]})
    reply = reply_on(stage)
    await reply.take_up([0], "Going on…")
    assert reply.has_text
    await finish(reply)


async def test_a_reply_that_discord_says_nothing_of_can_be_taken_up_later() -> None:
    stage = Silent(faults=[Unsent("not now")] * 9, history={0: [Screen("Because")]})
    with pytest.raises(OutOfTime):
        await reply_on(stage).take_up([0], "Going on…")


async def test_every_message_is_told_of_as_soon_as_it_stands_there() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    kept = [stage.kept]
    reply.append(prose(3000))
    await finish(reply)
    kept.append(stage.kept)
    assert kept == [(stage.anchor, (0,)), (stage.anchor, (0, 1))]


async def test_a_doubtful_message_is_never_changed_into_one_for_the_person_alone() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    await stage.until(lambda: bool(stage.shown))
    reply.append("word " * 450)
    await stage.until(lambda: "word" in stage.shown[0])
    stage.faults = [Unsent("503")]
    await stage.until(lambda: not stage.faults)
    reply.replace("Short.")
    reply.finish(FOOTER, Buttons.DETAILS, "Your limit is reached.")
    await reply.close()
    assert all(len({screen.is_private for screen in screens}) <= 1 for screens in stage.history.values())
    left = [screens[-1].content for number, screens in stage.history.items() if number not in stage.deleted]
    assert left == [f"Short.{FOOTER}", "Your limit is reached."]


async def test_what_cannot_be_deleted_now_is_deleted_later_and_what_is_gone_is_gone() -> None:
    stage = Stage()
    reply = reply_on(stage)
    await reply.open("starting")
    reply.append("word " * 900)
    await stage.until(lambda: len(stage.history) == 3)
    stage.delete_faults = [Unsent("503"), Lost("404")]
    reply.replace("Short.")
    reply.finish(FOOTER, Buttons.DETAILS)
    await reply.close()
    assert not stage.delete_faults
    assert stage.deleted == [1]
    assert stage.shown[0] == f"Short.{FOOTER}"
    assert reply.is_settled


async def test_what_a_dead_process_posted_and_nobody_knows_of_is_taken_up_too() -> None:
    history = {0: [Screen("Because it")], 1: [Screen("rains.")]}
    stage = Stage(history=history, taken=[1])
    reply = reply_on(stage)
    await reply.take_up([0], "going on")
    assert stage.kept is not None
    assert stage.kept[1] == (0, 1)
    reply.append("Short.")
    reply.finish(FOOTER, Buttons.DETAILS)
    await reply.close()
    assert stage.deleted == [1]
    assert stage.shown[0] == f"Short.{FOOTER}"


async def test_what_was_taken_up_never_becomes_a_message_for_the_person_alone() -> None:
    stage = Stage(history={0: [Screen("Because it")], 1: [Screen("rains.")]})
    reply = reply_on(stage)
    await reply.take_up([0, 1], "going on")
    reply.append("Short.")
    reply.finish(FOOTER, Buttons.DETAILS, "Your limit is reached.")
    await reply.close()
    assert stage.deleted == [1]
    assert [screen.is_private for screen in stage.history[1]] == [False]
    assert [screen.is_private for screen in stage.history[2]] == [True]
