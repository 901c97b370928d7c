"""The one path every answer takes.

A cog hands over a request, what opens a transport for it, and the command's plan. Then, in this order: the
policy of the place decides what the person left open; what is wrong with the request is said; the request is
admitted, which writes its open usage row; Discord accepts the first sign; the plan calls the model, as often
as it needs; the reply shows the text while it comes; and whatever happened, the request is settled once and
one clear sentence says what went wrong.

Stop, the time limit and a shutdown interrupt the plan, never the reply: leaving the plan cancels the
prediction upstream, and the reply goes on showing what there is, with a word on why there is no more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import Any

from bot.domain import Ending, Request, Scope
from bot.endings import ended, last_words, sentence_of
from bot.errors import (
    LimitReached,
    ParlanceError,
    PassedOn,
    Refused,
    Remains,
    Unanswerable,
)
from bot.i18n import N_
from bot.ids import short
from bot.logs import request_id as logged_request
from bot.policy import under
from bot.remains import remains
from bot.replies.footer import SMALL, footer
from bot.replies.transport import Buttons, Lost, Transport
from bot.replies.tries import OutOfTime
from bot.run import REQUEST_SECONDS, Plan, Run
from bot.services import Services
from bot.store import UsageRow

log = logging.getLogger(__name__)

ADMISSION_SECONDS = 0.7
"""Admission this late is overtaken by a deferral: Discord waits three seconds for the first sign."""
REMAINS_SECONDS = 0.5
"""How long a refusal waits to be told what is possible instead."""
SHUTDOWN_SECONDS = 6.0
"""What running answers get to end by themselves when the bot stops."""
LAST_WORDS_SECONDS = 2.5
"""What the replies of cancelled answers get to say so: Docker kills ten seconds after asking."""

CUT_SHORT = N_("A limit leaves too little for the rest.")
"""What all see of an answer that a limit ends; the person alone is told which."""

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
Opening = Callable[[Request], Transport]
"""Makes the transport of a request whose visibility is decided."""


class Stopped(Enum):
    """What became of pressing Stop."""

    STOPPING = auto()
    SOON = auto()
    """By the process that goes on with it, when that looks."""
    ENDED = auto()
    NOT_ALLOWED = auto()


class Answers:
    """Every answer under way, and the path they take."""

    def __init__(self, services: Services, spawn: Spawn = asyncio.create_task) -> None:
        self.services = services
        self._spawn = spawn
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runs: dict[int, Run] = {}
        self._repeating: set[tuple[int, int]] = set()
        """To whom, and in which channel, it is just being said again that a limit is reached."""
        self._closing: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether no requests are taken any more."""
        return self._closing is not None

    @property
    def under_way(self) -> int:
        """How many answers are."""
        return len(self._runs)

    def start(self, request: Request, opening: Opening, plan: Plan) -> asyncio.Task[None]:
        """Answer in a task of its own; the one place where answers begin."""
        return self.begin(self.answer(request, opening, plan))

    def begin(self, answering: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what leads to an answer in a task of its own, which a shutdown waits for."""
        task = self._spawn(answering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def answer(self, request: Request, opening: Opening, plan: Plan) -> None:
        """Take one request the whole way; every failure ends as a sentence to the person, none is raised."""
        logged_request.set(short(request.id))
        try:
            run = await self._placed(request, opening)
            if run is not None:
                await self._run(run, plan)
        except Exception:  # the path's own fault: nobody is left to tell
            log.exception("an answer broke")

    async def _placed(self, request: Request, opening: Opening) -> Run | None:
        """A run under the policy of its place; None when the request was refused and the person told."""
        try:
            policy = await self.services.policies.of(request.scope)
        except Exception as error:  # noqa: BLE001 - every error becomes a sentence
            run = Run(request, opening(request), self.services)
            await self.refuse(run, error)
            self._count(run)
            return None
        request = under(policy, request)
        run = Run(request, opening(request), self.services)
        run.policy = policy
        return run

    async def _run(self, run: Run, plan: Plan) -> None:
        async with self._tracked(run):
            if await self._admit(run, plan) and await self._first_sign(run):
                await self._work(run, plan)

    @asynccontextmanager
    async def _tracked(self, run: Run) -> AsyncIterator[None]:
        """Know of an answer until it has ended; whatever breaks on its way, its request stays not open."""
        self._runs[run.request.id] = run
        try:
            try:
                yield
            except Exception as error:
                if run.is_passed_on:
                    raise
                await self._fail(run, error)
            finally:
                await self._close(run)
        finally:
            del self._runs[run.request.id]
            self._count(run)

    def _count(self, run: Run) -> None:
        if run.is_passed_on:
            return
        self.services.metrics.ended(run.request.command, run.ending, run.first_text_seconds)
        if run.tokens.total:
            self.services.metrics.used(run.model, run.tokens, run.cost)

    async def resume(self, run: Run, plan: Plan) -> None:
        """Go on with an answer that another process began and whose reply was taken up."""
        async with self._tracked(run):
            await self._work(run, plan)

    async def refuse(self, run: Run, error: Exception) -> None:
        """Say why a request is not answered, or not any more; what is a fault of ours is settled as that."""
        if isinstance(error, ParlanceError):
            await self._say_refusal(run, sentence_of(run, error))
        else:
            await self._fail(run, error)

    async def _refuse_again(self, run: Run, reached: LimitReached) -> None:
        """Say that a limit is still reached; not to somebody who writes on while they are just being told."""
        anchor = run.reply.anchor
        asked = run.request.scope.user_id, anchor.channel_id
        if asked in self._repeating and anchor.token is None:
            return
        self._repeating.add(asked)
        try:
            await self.refuse(run, reached)
        finally:
            self._repeating.discard(asked)

    async def _fail(self, run: Run, error: Exception) -> None:
        """End a request because of a fault, and say so whatever becomes of its record."""
        _log_failure(error)
        try:
            await self._settle(run, Ending.FAILED, error)
        finally:
            await self._say_refusal(run, sentence_of(run, error))

    async def _close(self, run: Run) -> None:
        """Take an answer off the record of those under way; what a shutdown leaves unsaid, the next start
        says.
        """
        if self._closing is None or run.reply.is_settled:
            await self.services.ledger.leases.closed(run.request.id)

    async def stop(self, request_id: int, presser: Scope, *, moderates: bool) -> Stopped:
        """End an answer because a person pressed Stop: the one who asked, or one who moderates its place.

        ``moderates`` says so of the place of ``presser``.

        Raises:
            StoreUnavailable: it is not under way here, and other processes cannot be told.
        """
        run = self._runs.get(request_id)
        if run is None or run.is_passed_on:
            return await self._stop_elsewhere(request_id, presser, moderates=moderates)
        if not _may_stop(run.request.scope, presser, moderates=moderates):
            return Stopped.NOT_ALLOWED
        if run.reply.is_settled:
            # It only is to be taken off the record.
            return Stopped.ENDED
        run.interrupt(Ending.STOPPED)
        return Stopped.STOPPING

    async def _stop_elsewhere(self, request_id: int, presser: Scope, *, moderates: bool) -> Stopped:
        ledger = self.services.ledger
        record = await ledger.lookup.details(request_id)
        if record is None or not await ledger.leases.is_under_way(request_id):
            return Stopped.ENDED
        if not _may_stop(record.usage, presser, moderates=moderates):
            return Stopped.NOT_ALLOWED
        return Stopped.SOON if await ledger.leases.stop(request_id) else Stopped.ENDED

    def stop_here(self, request_id: int) -> None:
        """Stop an answer whose Stop button another process was told of, if it is under way here by now."""
        if run := self._runs.get(request_id):
            run.interrupt(Ending.STOPPED)

    def pass_on(self, request_id: int) -> None:
        """Know that another process goes on with an answer."""
        if run := self._runs.get(request_id):
            run.pass_on()

    async def close(self, grace: float = SHUTDOWN_SECONDS) -> None:
        """Take no new requests, give running answers their time, then end them with a word; once: who asks
        for it again waits for the same, since Docker does not wait any longer.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._end(grace), name="closing")
        await asyncio.shield(self._closing)

    async def _end(self, grace: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for run in self._runs.values():
            run.interrupt(Ending.SHUTDOWN)
            run.reply.end_by(self.services.clock() + LAST_WORDS_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_SECONDS)

    async def _admit(self, run: Run, plan: Plan) -> bool:
        """Check and admit; False when the request was refused and the person told."""
        try:
            self._prepare(run, plan)
            await self._reserve(run)
            self.services.providers[run.model.provider].require(run.model)
        except PassedOn:
            log.info("another process answers this")
            run.is_passed_on = True
            return False
        except Lost as error:
            await self._end_unseen(run, error)
            return False
        except LimitReached as reached:
            if reached.again:
                await self._refuse_again(run, reached)
            else:
                reached.remains = await self._remains(run, reached)
                await self.refuse(run, reached)
            return False
        except Unanswerable as error:
            await self._fail(run, error)
            return False
        except Exception as error:  # noqa: BLE001 - every error becomes a sentence
            await self.refuse(run, error)
            return False
        return True

    async def _remains(self, run: Run, reached: LimitReached) -> Remains:
        """What the person can do instead, where that is found soon."""
        look = asyncio.create_task(remains(self.services, run, reached))
        self._tasks.add(look)
        look.add_done_callback(self._looked)
        done, _ = await asyncio.wait({look}, timeout=REMAINS_SECONDS)
        return look.result() if done and look.exception() is None else Remains()

    def _looked(self, look: "asyncio.Task[Remains]") -> None:
        self._tasks.discard(look)
        if not look.cancelled() and (error := look.exception()) is not None:
            _log_failure(error)

    def _prepare(self, run: Run, plan: Plan) -> None:
        if self._closing is not None:
            raise Refused(N_("I am just being restarted. Please ask again in a minute."))
        wanted = self.services.model_for(run.policy, run.request)
        run.model = self.services.answering(run.policy, wanted)
        run.instead_of = wanted.name if run.model is not wanted else None
        plan.check(run.request)

    async def _reserve(self, run: Run) -> None:
        """Admit the request, acknowledging it meanwhile when that takes long."""
        request = run.request
        bound = self.services.bound(run.policy, run.model, request)
        admission = asyncio.ensure_future(
            self.services.ledger.admit(request, run.model, bound, run.reply.anchor, run.instead_of)
        )
        await asyncio.wait({admission}, timeout=ADMISSION_SECONDS)
        failed: Exception | None = None
        if not admission.done():
            try:
                await run.reply.defer()
            except Exception as error:  # noqa: BLE001 - it is raised when it is known whether this is admitted
                failed = error
        await admission
        if failed is not None:
            raise failed

    async def _first_sign(self, run: Run) -> bool:
        """Show the first sign; without it no model is called."""
        try:
            await run.reply.open(run.language.say(N_("The model is starting…")))
        except Lost as error:
            await self._end_unseen(run, error)
            return False
        return True

    async def _end_unseen(self, run: Run, error: Lost) -> None:
        """Settle a request of which nothing was shown; if that is in doubt, it is looked for later."""
        log.info("Discord did not accept the first response: %s", error)
        await self._settle(run, Ending.UNSEEN)
        if isinstance(error, OutOfTime):
            await self.services.ledger.leases.let_go(run.request.id)

    async def _work(self, run: Run, plan: Plan) -> None:
        """Let the plan run until it ends or is interrupted, then say how it ended and settle."""
        work = asyncio.create_task(plan.run(run), name=f"plan {short(run.request.id)}")
        either: set[asyncio.Future[Any]] = {work, run.interrupted}
        await asyncio.wait(either, timeout=REQUEST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            await asyncio.wait({work})
        ending, error = ended(work, run.interrupted)
        if run.is_passed_on:
            await run.reply.close()
            return
        if isinstance(error, LimitReached):
            if not error.again:
                error.remains = await self._remains(run, error)
        elif error is not None:
            _log_failure(error)
        await self._settle_and_show(run, ending, error)

    async def _settle_and_show(self, run: Run, ending: Ending, error: BaseException | None) -> None:
        """The record does not wait for the screen: the last edit may have to wait for its bucket's window."""
        sentence = last_words(run, ending, error)
        # That somebody pressed Stop may be seen by all.
        if sentence and not run.reply.has_text and ending is not Ending.STOPPED:
            await self._settle(run, ending, error)
            await self._say_refusal(run, sentence)
            return
        aside = ""
        if isinstance(error, LimitReached) and run.reply.whispers:
            # Whose limit it is, and how full, is nobody else's business.
            aside, sentence = sentence, run.language.say(CUT_SHORT)
        run.reply.finish(
            footer(run.language, run.model, run.tokens, run.cost, run.seconds, sentence),
            Buttons.DETAILS,
            aside,
        )
        await self._settle(run, ending, error)
        await run.reply.close()

    async def _say_refusal(self, run: Run, sentence: str) -> None:
        """Say it instead of an answer; below one that stands in part, and not at all below a whole one."""
        if run.reply.has_text:
            if not run.reply.is_finished:
                run.reply.finish(SMALL + sentence, Buttons.DETAILS)
            await run.reply.close()
            return
        neutral = SMALL.strip() + " " + run.language.say(N_("This request was not answered."))
        try:
            await run.reply.refuse(sentence, neutral)
        except Lost as error:
            log.info("a sentence could not be said: %s", error)

    async def _settle(self, run: Run, ending: Ending, error: BaseException | None = None) -> None:
        run.ending = ending
        if run.is_passed_on:
            return
        first_text = run.first_text_seconds
        with suppress(asyncio.CancelledError):
            await self.services.ledger.settle(
                run.request.id,
                ending,
                error=None if error is None else type(error).__name__,
                first_text_ms=None if first_text is None else round(first_text * 1000),
                total_ms=round(run.seconds * 1000),
                read=run.facts,
            )


def _may_stop(asked: Scope | UsageRow, presser: Scope, *, moderates: bool) -> bool:
    """Whether somebody asked for an answer, or moderates the channel or thread where that was."""
    is_beside = (presser.channel_id, presser.thread_id) == (asked.channel_id, asked.thread_id)
    return presser.user_id == asked.user_id or (moderates and is_beside)


def _log_failure(error: BaseException) -> None:
    """One line for what was expected to go wrong at times, the whole trace for what was not."""
    if isinstance(error, ParlanceError):
        log.warning("%s: %s", type(error).__name__, error)
    else:
        log.error("an answer failed", exc_info=error)
