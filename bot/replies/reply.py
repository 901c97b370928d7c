"""What the person sees: one or more messages that grow while the model writes.

The answer path only says what the text is now; one loop of the reply's own compares what should be on the
screen with what is, takes the first difference, waits for a slot in its bucket's lane and sends whatever is
newest when the slot comes. Nobody ever awaits a Discord request but this loop, so pressing Stop, a time-out
or a shutdown cancels no request under way (discord.py would keep the interaction's lock for good): they
change what should be shown, and the loop shows it.

A change that Discord does not take now is tried again, after pauses that grow, for as long as the reply has;
the model writes on meanwhile. Only a message, a channel or a right that is gone loses the reply.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from bot.anchor import Anchor
from bot.replies.draft import Draft, Phase, ReplyWords
from bot.replies.footer import SMALL
from bot.replies.lanes import Clock, Lane, Lanes, Ticket
from bot.replies.pace import Urgency
from bot.replies.posting import Posting, Shown
from bot.replies.standing import taken_apart
from bot.replies.transport import Buttons, Found, Lost, Removed, Screen, Transport, Unsent
from bot.replies.tries import OutOfTime, Tries, insist, within

log = logging.getLogger(__name__)

Keep = Callable[[Anchor, Sequence[int]], Awaitable[None]]


class Reply:
    """One answer on the screen.

    Args:
        transport: where it is shown.
        lanes: who else writes there.
        clock: seconds, of the event loop's kind.
        words: what the reply says of itself.
        on_lost: called once when nothing more can be shown.
        ends_at: until when, by the clock, a change that is not taken is tried again.
        keep: called with where the reply stands and its messages' ids, whenever these change.
    """

    def __init__(
        self,
        transport: Transport,
        lanes: Lanes,
        clock: Clock,
        words: ReplyWords,
        on_lost: Callable[[], None],
        ends_at: float,
        keep: Keep,
    ) -> None:
        self.first_text_at: float | None = None
        """When the first text stood on the screen, by the clock; None before, and where it stood there
        already when the reply was taken up: nobody knows since when.
        """
        self._transport = transport
        self._lanes = lanes
        self._clock = clock
        self._words = words
        self._on_lost = on_lost
        self._tries = Tries(clock, ends_at)
        self._keep = keep
        self._draft = Draft(transport.quote, words, takes_files=transport.takes_files)
        self._shown: list[Shown] = []
        self._posting = Posting()
        self._gone = False
        self._awaits_text = True
        self._changed = asyncio.Event()
        self._ticket: Ticket | None = None
        self._seen_at = clock()
        self._loop: asyncio.Task[None] | None = None

    @property
    def has_text(self) -> bool:
        """Whether any text that can be seen has come."""
        return self._draft.has_text

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come, shown or not."""
        return self._draft.phase is Phase.FINISHED

    @property
    def is_settled(self) -> bool:
        """Whether all that there is to show is shown, or nothing can be any more."""
        return self._gone or (self.is_finished and self._first_difference() is None)

    @property
    def anchor(self) -> Anchor:
        """Where the reply stands."""
        return self._transport.anchor

    async def open(self, status: str) -> None:
        """Make the first sign and start showing.

        Raises:
            Lost: Discord did not accept it; nothing was shown.
        """
        self._draft.status(status)
        await self._start()

    async def defer(self) -> None:
        """Acknowledge before it is known whether there will be an answer.

        Raises:
            Lost: Discord did not accept it.
        """
        message_id = await self._transport.defer()
        if message_id is not None:
            await self._show_at(Shown(message_id, None))

    async def take_up(self, messages: Sequence[int], status: str) -> None:
        """Go on with a reply that another process began, with the messages that are known of it.

        What stands there stays until there is something better to show; what was taken away of it is shown
        again, unless that is all of it.

        Raises:
            Lost: it is not there, or nobody can write to it any more; ``Removed``: somebody took it away;
                ``OutOfTime``: Discord does not say.
        """
        quoted = self._transport.anchor.quoted
        if self._is_expiring():
            if not messages:
                raise Lost("nobody knows whether anything of it was ever seen")
            handed = await insist(self._transport.hand_over)
            if handed is None:
                raise Lost("it outlived its interaction while nobody went on with it")
            self._transport = handed.transport
            messages = messages if handed.keeps_messages else ()
        elif not messages and self._transport.anchor.token is not None:
            first = await insist(partial(self._transport.look, None))
            messages = (first.message_id,)
        found = await self._standing(messages)
        found += await self._standing(await insist(self._transport.strays))
        if messages and not found:
            raise (Removed if self._is_addressed else Lost)("its messages are gone")
        quote, texts = taken_apart([message.content for message in found], quoted=quoted)
        self._draft = Draft(quote, self._words, takes_files=self._transport.takes_files, standing=texts)
        self._draft.status(status)
        self._awaits_text = not self.has_text
        self._shown = [
            Shown(message.message_id, Screen(message.content) if message is not found[-1] else None)
            for message in found
        ]
        self._posting = Posting(by_another=self._transport.knows_again)
        await self._tell()
        self._loop = asyncio.create_task(self._show(), name="reply")

    @property
    def whispers(self) -> bool:
        """Whether something can be said to the person alone, beside what all see."""
        return self._transport.whispers

    async def refuse(self, sentence: str, neutral: str) -> None:
        """Say why there is no answer, as the last thing shown; to the person alone where that is possible:
        then a public message that stands already becomes the ``neutral`` line.

        Raises:
            Lost: nothing was shown before, and Discord did not accept it.
        """
        alone = self._transport.whispers
        screens = [Screen(sentence, is_private=alone)]
        if alone and self._shown:
            screens.insert(0, Screen(neutral))
        self._draft.refuse(screens)
        self._wake()
        if self._loop is None:
            await self._start()
        await self.close()

    def status(self, sentence: str) -> None:
        """Show what is being waited for, until text comes."""
        self._draft.status(sentence)
        if not self.has_text:
            self._wake()

    def append(self, text: str) -> None:
        """More text of the answer."""
        if text:
            self._draft.append(text)
            self._wake()

    def replace(self, text: str) -> None:
        """What the text is in truth.

        Where it goes on from what was shown it only grows; otherwise the messages that differ are edited.
        """
        self._draft.replace(text)
        self._wake()

    def complete(self) -> None:
        """The text is whole: show all of it now."""
        self._draft.complete()
        self._wake()

    def finish(self, footer: str, buttons: Buttons, aside: str = "") -> None:
        """Nothing more will come but this footer, these buttons, and what is said to the person alone."""
        self._draft.finish(footer, buttons, aside)
        self._wake()

    def end_by(self, time: float) -> None:
        """Show what there is by this time of the clock, and try no longer; what waits is tried at once."""
        self._tries.end_by(time)

    def pass_on(self) -> None:
        """Show nothing more: another process does."""
        self._gone = True
        self._tries.hasten()
        self._wake()

    async def close(self) -> None:
        """Wait until everything is on the screen, or can no longer be."""
        self._draft.end()
        self._wake()
        if self._loop is not None:
            await asyncio.shield(self._loop)

    @property
    def _is_addressed(self) -> bool:
        """Whether who asked knows what a further message belongs to, though nothing else stands there."""
        anchor = self._transport.anchor
        return anchor.token is not None or anchor.reply_to is not None

    async def _standing(self, messages: Iterable[int]) -> list[Found]:
        """Read again those messages that are not gone.

        Raises:
            OutOfTime: Discord does not say.
        """
        found = []
        for message_id in messages:
            try:
                found.append(await insist(partial(self._transport.look, message_id)))
            except OutOfTime:
                raise
            except Lost as error:
                log.info("a message of a reply is gone: %s", error)
        return found

    async def _start(self) -> None:
        if not self._shown:
            [screen] = self._draft.screens()
            message_id = await self._transport.open(screen)
            if message_id is not None:
                await self._show_at(Shown(message_id, screen))
        self._loop = asyncio.create_task(self._show(), name="reply")

    async def _show_at(self, shown: Shown) -> None:
        self._shown.append(shown)
        await self._tell()

    async def _tell(self) -> None:
        await self._keep(self._transport.anchor, [shown.message_id for shown in self._shown])

    def _wake(self) -> None:
        if self._ticket is not None and self._draft.phase is not Phase.GROWS:
            self._retime(self._ticket)
        self._changed.set()

    async def _show(self) -> None:
        try:
            await self._keep_up()
        except Lost as error:
            if self._gone:
                return
            log.warning("a reply is lost: %s", error)
            self._gone = not isinstance(error, OutOfTime)
            self._on_lost()
        except Exception:
            log.exception("a reply broke")
            self._gone = True
            self._on_lost()
            with suppress(Exception):
                await self._leave_note(self._words.broken)

    async def _keep_up(self) -> None:
        """Bring the screen up to date until the answer is finished and stands there whole."""
        while True:
            self._changed.clear()
            if self._gone:
                return
            try:
                if self._is_expiring():
                    await self._hand_over()
                index = self._first_difference()
                if index is not None:
                    await self._send_next(index)
                elif self.is_finished:
                    return
                else:
                    await self._change()
                self._tries.succeeded()
            except Unsent as error:
                await self._tries.wait(error)

    async def _change(self) -> None:
        """Wait for something new to show, or for the transport to expire."""
        expires = self._transport.expires_at
        timeout = None if expires is None else max(0.0, expires - self._clock())
        await within(timeout, self._changed)

    async def _send_next(self, index: int) -> None:
        lane = self._lane(index)
        ticket = Ticket(Urgency.GROWS, 0, self._seen_at)
        self._retime(ticket)
        self._ticket = ticket
        try:
            async with lane.slot(ticket):
                self._ticket = None
                await self._resolve_posting()
                now = self._first_difference()
                if now is not None and self._lane(now) is lane:
                    await self._send(now)
        except Lost:
            if not self._is_expiring():
                raise
        finally:
            self._ticket = None

    async def _resolve_posting(self) -> None:
        """Know whether a message in doubt stands there."""
        found = await self._posting.find(self._transport)
        if found is not None:
            await self._show_at(found)

    async def _send(self, index: int) -> None:
        """Send what should be shown at this place by now."""
        if self._gone:
            return
        wanted = self._draft.screens()
        has_text = self.has_text
        if index == len(self._shown):
            await self._show_at(await self._posting.post(self._transport, lambda: wanted[index]))
        elif index < len(wanted) and self._can_become(index, wanted[index]):
            shown, screen = self._shown[index], wanted[index]
            await self._transport.edit(shown.message_id, screen, shown.screen)
            shown.screen = screen
        else:
            with suppress(Lost):
                await self._transport.delete(self._shown[-1].message_id)
            self._shown.pop()
            await self._tell()
            return
        self._seen_at = self._clock()
        if has_text and self._awaits_text:
            self._awaits_text = False
            self.first_text_at = self._seen_at

    def _retime(self, ticket: Ticket) -> None:
        """Say how urgent the next change is by now, and let its lane look again."""
        if self._draft.phase is not Phase.GROWS:
            completes = self.has_text and self._text_is_missing()
            ticket.urgency = Urgency.COMPLETES if completes else Urgency.DECORATES
        elif self._awaits_text:
            ticket.urgency = Urgency.FIRST
        else:
            ticket.urgency = Urgency.GROWS
        index = self._first_difference()
        ticket.size = self._draft.size
        if index is not None:
            self._lane(index).wake()

    def _lane(self, index: int) -> Lane:
        message_id = self._shown[index].message_id if index < len(self._shown) else None
        return self._lanes.lane(self._transport.key(message_id))

    def _can_become(self, index: int, screen: Screen) -> bool:
        """Whether a message can be changed to show this: who sees it stays."""
        before = self._shown[index].screen
        return screen.is_private == (before is not None and before.is_private)

    def _first_difference(self) -> int | None:
        if self._posting.in_doubt:
            return len(self._shown)
        wanted = self._draft.screens()
        for index, screen in enumerate(wanted):
            if index == len(self._shown) or self._shown[index].screen != screen:
                return index
        return len(self._shown) - 1 if len(self._shown) > len(wanted) else None

    def _text_is_missing(self) -> bool:
        """Whether any of the answer's text is not on the screen, what stands below it aside."""
        wanted = [screen.text for screen in self._draft.screens() if screen.text]
        shown = [item.screen.text for item in self._shown if item.screen is not None and item.screen.text]
        return wanted != shown

    def _is_expiring(self) -> bool:
        expires = self._transport.expires_at
        return expires is not None and self._clock() >= expires

    async def _hand_over(self) -> None:
        """Go on with another transport.

        Raises:
            Lost: there is none.
            Unsent: it could not be reached now.
        """
        await self._resolve_posting()
        handed = await self._transport.hand_over()
        if handed is None:
            await self._leave_note(self._words.stuck)
            raise Lost("it outlived its interaction and has nowhere to go on")
        if not handed.keeps_messages:
            await self._leave_note(self._words.moved)
            self._shown.clear()
        self._transport = handed.transport
        self._draft.move(takes_files=self._transport.takes_files)
        await self._tell()

    async def _leave_note(self, sentence: str) -> None:
        """End the newest message with a sentence, as the last thing its transport shows."""
        if not self._shown:
            return
        last = self._shown[-1]
        text = last.screen.text if last.screen is not None else ""
        screen = Screen(text, below=SMALL + sentence)
        with suppress(Lost):
            await insist(partial(self._transport.edit, last.message_id, screen, last.screen))
