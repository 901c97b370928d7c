"""What a process that died left behind is ended by one that lives.

Every answer under way is on record (see `bot.limits.leases`): whose it is, where it stands, and which
predictions were made for it. Predictions run on without the process that asked for them. So when a lease is
over, another process, most often the same bot started again, takes the answer, reads its messages as they
stand, and goes on with the reply from the predictions' records, the way every answer takes: Stop works, it is
settled once, and it ends with its footer or with one sentence on why it is not whole.

Where calls are still to be made, the request's own plan runs once more, and is given what was written for it
already (see `bot.past`): the request is on record, sealed, for as long as its answer is under way. A
prediction whose id was never told is looked for by a hash of its input. What nobody can show any more is only
settled: predictions that still run are cancelled.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from bot import errors
from bot.answer import CUT_SHORT, Answers
from bot.domain import (
    AskOptions,
    Command,
    Ending,
    Model,
    ProviderName,
    Request,
    Scope,
    Stage,
)
from bot.errors import (
    BadRequest,
    LimitReached,
    ModelPaused,
    ModelUnreachable,
    ParlanceError,
    Refused,
    Restarted,
)
from bot.i18n import N_
from bot.ids import short, utc_now
from bot.limits import Details
from bot.limits.leases import LEFT_OPEN, RENEW_SECONDS
from bot.logs import request_id as logged_request
from bot.past import PastCalls, bound_of, cancelled
from bot.replies.transport import Lost, Removed, Transport
from bot.replies.tries import OutOfTime
from bot.run import REQUEST_SECONDS, Plan, Run
from bot.services import Services
from bot.store import PredictionRow, StoreUnavailable, UsageRow
from bot.store.inflight import InflightRow

log = logging.getLogger(__name__)

MOST_AT_ONCE = 50
"""Answers that are gone on with at the same time; new ones are not held up by any number of old ones."""
MOST_TIMES = 3
"""How often an answer is gone on with: one that has brought down so many processes is ended."""
RELEASE_SECONDS = 600.0
"""How often it is looked for what was left open and is nobody's, once there is none."""
GAP = "\n\n"
"""Stands between two parts of an answer where what stood there is not known."""

TAKEN_AWAY = N_(
    "I was restarted while I answered, and the answer's message was deleted meanwhile. "
    "Please ask again if you still want it."
)
"""Said where nothing stands any more of an answer."""

Reopen = Callable[[Request, InflightRow], Transport]
"""Makes the transport of a reply that another process began."""


class Recovery:
    """Keeps this process's leases, and takes over the answers of those that are over once it has begun.

    Args:
        answers: the answers of this process.
        reopen: what finds a reply again.
        plans: what each command does with the model.
    """

    def __init__(self, answers: Answers, reopen: Reopen, plans: Mapping[Command, Plan]) -> None:
        self._answers = answers
        self._reopen = reopen
        self._plans = plans
        self._application_id: int | None = None
        self._begun = asyncio.Event()
        self._ledger = answers.services.ledger
        self._under_way: set[asyncio.Task[None]] = set()
        self._release_at = 0.0

    async def run(self) -> None:
        """Do so until cancelled."""
        while True:
            try:
                may_take = await self._ledger.leases.renew()
                for request_id in await self._ledger.leases.lost():
                    self._answers.pass_on(request_id)
                for request_id in self._ledger.leases.to_stop:
                    self._answers.stop_here(request_id)
                if may_take and not self._answers.is_closing:
                    await self._take_over()
            except StoreUnavailable as error:
                log.debug("leases could not be looked after: %s", error.reason)
            except Exception:
                log.exception("answers that were left behind could not be looked for")
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._begun.wait()
            self._begun.clear()

    def begin(self, application_id: int) -> None:
        """Take over what processes of this application left behind: Discord can be reached now."""
        self._application_id = application_id
        self._begun.set()

    async def _take_over(self) -> None:
        if self._application_id is None:
            return
        room = MOST_AT_ONCE - len(self._under_way)
        for row in await self._ledger.leases.take_over(self._application_id, room):
            task = self._answers.begin(self._end(row))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        await self._release_now_and_then(self._application_id)

    async def _release_now_and_then(self, application_id: int) -> None:
        """Settle some of what has been open for longer than any prediction can be, and is nobody's."""
        clock = self._answers.services.clock
        if clock() < self._release_at:
            return
        left_open = await self._ledger.leases.left_open(application_id)
        for request_id in left_open:
            log.info("request %s was left open, and is settled", short(request_id))
            await self._ledger.settle(request_id, Ending.SHUTDOWN)
        if not left_open:
            self._release_at = clock() + RELEASE_SECONDS

    async def _end(self, row: InflightRow) -> None:
        """Bring one answer to its end, whatever happens."""
        logged_request.set(short(row.request_id))
        try:
            details = await self._ledger.lookup.details(row.request_id)
            if details is None:
                # Its record was deleted, and with it all that is known of the answer.
                self._ledger.leases.forget(row.request_id)
            else:
                await self._go_on(row, details)
        except StoreUnavailable as error:
            log.warning("an answer that was left behind waits for the database: %s", error.reason)
            await self._let_go(row.request_id)
        except Exception:
            log.exception("an answer that was left behind could not be gone on with")
            if row.taken <= MOST_TIMES:
                await self._let_go(row.request_id, tried=True)
                return
            await self._ledger.settle(row.request_id, Ending.FAILED)
            await self._ledger.leases.closed(row.request_id)

    async def _let_go(self, request_id: int, *, tried: bool = False) -> None:
        self._ledger.pass_on(request_id)
        await self._ledger.leases.let_go(request_id, tried=tried)

    async def _go_on(self, row: InflightRow, details: Details) -> None:
        known = self._ledger.leases.request(row)
        run = self._again(known or request_again(details.usage), row, details)
        try:
            await run.reply.take_up(row.messages, run.language.say(N_("Going on after a restart…")))
        except Lost as error:
            if isinstance(error, OutOfTime) and run.seconds < LEFT_OPEN.total_seconds():
                log.warning("an answer that was left behind waits for Discord: %s", error)
                await self._let_go(row.request_id)
            else:
                await self._abandon(run, row, details, error)
            return
        except Exception as error:
            if row.taken <= MOST_TIMES:
                raise
            await self._refuse(run, details, error)
            return
        log.info("going on with an answer that was left behind")
        services, usage = self._answers.services, details.usage
        try:
            plan = None if known is None or not usage.is_open else await self._plan(run)
        except StoreUnavailable:
            run.reply.pass_on()
            raise
        except Exception as error:  # noqa: BLE001 - every error becomes a sentence
            await self._refuse(run, details, error)
            return
        await self._answers.resume(run, Remainder(services, usage, plan, gives_up=row.taken > MOST_TIMES))

    def _again(self, request: Request, row: InflightRow, details: Details) -> Run:
        """What the process that is gone knew of an answer, as far as it is on record."""
        services = self._answers.services
        age = (utc_now() - request.asked_at) / timedelta(seconds=1)
        run = Run(request, self._reopen(request, row), services, age)
        run.model = model_again(services, details)
        run.instead_of = row.instead_of
        run.facts = dict(details.usage.read)
        run.past = PastCalls(services, details.predictions)
        return run

    async def _plan(self, run: Run) -> Plan | None:
        """The request's own plan, once more.

        Raises:
            StoreUnavailable: what it needs cannot be read now.
        """
        run.policy = await self._answers.services.policies.of(run.request.scope)
        await self._ledger.take_up(run.request.id)
        return self._plans.get(run.request.command)

    async def _refuse(self, run: Run, details: Details, error: Exception) -> None:
        """End an answer because of an error, and say so."""
        await Remainder(self._answers.services, details.usage, None).abandon(run)
        ending = Ending.REFUSED if isinstance(error, Refused) else Ending.FAILED
        await self._ledger.settle(run.request.id, ending, error=type(error).__name__)
        await self._answers.refuse(run, error)
        await self._ledger.leases.closed(run.request.id)

    async def _abandon(self, run: Run, row: InflightRow, details: Details, why: Lost) -> None:
        """Settle an answer that nobody can show; whoever took it away is told, and not shown it again."""
        log.info("an answer that was left behind cannot be shown: %s", why)
        was_seen = bool(row.messages or details.predictions)
        await Remainder(self._answers.services, details.usage, None).abandon(run)
        await self._ledger.settle(run.request.id, Ending.LOST if was_seen else Ending.UNSEEN)
        if isinstance(why, Removed):
            await self._answers.refuse(run, Restarted(TAKEN_AWAY))
        await self._ledger.leases.closed(run.request.id)


class Remainder:
    """The plan of what is left of an answer: the request's own once more, where what it asks for is known, or
    else to show what its calls write, and say why that is not all.

    The request's own plan asks for what it asked for before, and where that was called for already, it is
    given what that call writes: so nothing is paid for twice.
    """

    def __init__(
        self, services: Services, usage: UsageRow, plan: Plan | None, *, gives_up: bool = False
    ) -> None:
        self._services = services
        self._usage = usage
        self._plan = plan
        self._gives_up = gives_up

    def check(self, request: Request) -> None:
        """Find nothing wrong: it was checked before it was admitted."""

    async def run(self, run: Run) -> None:
        """Finish the answer, or end it as the request was settled where it was.

        Raises:
            Restarted: the answer is not whole with that.
        """
        if not self._is_reachable(run) or not run.model.context:
            # The operator took the model away meanwhile.
            await self.abandon(run)
            raise Restarted
        if self._usage.ending in {None, Ending.DONE}:
            await self._finish(run)
            return
        with suppress(ParlanceError):
            await self._cancel(run)
            await self._finish(run)
        await self._end_again(run, self._usage.ending)

    async def abandon(self, run: Run) -> None:
        """End every call of an answer that nobody can show."""
        if self._is_reachable(run):
            await run.past.find()
            await self._abandon_rest(run)

    async def _finish(self, run: Run) -> None:
        try:
            if self._gives_up:
                raise Restarted
            await run.past.find()
            visible = [call for call in run.past.left if call.stage is not Stage.SILENT]
            is_last = len(visible) == 1 and visible[0].stage is Stage.LAST
            # So late nothing more is called for: it would be ended before it has written anything.
            if self._plan is None or is_last or run.seconds >= REQUEST_SECONDS:
                await self._show(run, visible)
            else:
                await self._plan.run(run)
        finally:
            await self._abandon_rest(run)

    async def _cancel(self, run: Run) -> None:
        """Let nothing more be written for an answer that was settled."""
        providers = self._services.providers
        await asyncio.gather(
            *(
                cancelled(providers[call.provider], call.provider_id, bound_of(call))
                for call in run.past.left
                if call.provider_id is not None
            )
        )

    async def _show(self, run: Run, visible: Sequence[PredictionRow]) -> None:
        for index, call in enumerate(visible):
            if index:
                run.write(GAP)
            await run.resume(call)
        if not visible or visible[-1].stage is not Stage.LAST:
            raise Restarted

    async def _abandon_rest(self, run: Run) -> None:
        await asyncio.gather(*(run.abandon(call) for call in run.past.left))

    async def _end_again(self, run: Run, ending: Ending | None) -> None:
        """Say once more why an answer is not whole that was settled, and perhaps not shown to its end."""
        if ending in {Ending.STOPPED, Ending.SHUTDOWN, Ending.TIMED_OUT}:
            run.interrupt(ending)
            await asyncio.Event().wait()
        raise ParlanceError(message_again(self._usage.error))

    def _is_reachable(self, run: Run) -> bool:
        providers = {call.provider for call in run.past.left} | {run.model.provider}
        return providers <= self._services.providers.keys()


def message_again(error: str | None) -> str:
    """Return what is said of an error of which nothing but its kind is on record."""
    kind = getattr(errors, error or "", ParlanceError)
    if kind is LimitReached:
        return CUT_SHORT
    if kind is ModelPaused:
        # Until when it was left alone is mostly over.
        return ModelUnreachable.message
    if issubclass(kind, BadRequest | Refused):
        # Each of these has a sentence of its own, and none of them is a fault of ours.
        return Restarted.message
    return kind.message


def request_again(usage: UsageRow) -> Request:
    """Return the request of a usage row, without its words, which cannot be read here."""
    scope = Scope(
        surroundings=usage.surroundings,
        user_id=usage.user_id,
        channel_id=usage.channel_id,
        guild_id=usage.guild_id,
        category_id=usage.category_id,
        thread_id=usage.thread_id,
    )
    return Request(
        id=usage.id,
        command=usage.command,
        scope=scope,
        words="",
        options=AskOptions(),
        locale=usage.locale,
        visibility=usage.visibility,
        asked_at=usage.asked_at,
        model=usage.model,
    )


def model_again(services: Services, details: Details) -> Model:
    """Return the model that answered last, or was to; one without any context where it is not known any
    more.
    """
    name = details.predictions[-1].model if details.predictions else details.usage.model
    try:
        return services.registry.get(name)
    except BadRequest:
        return Model(name, ProviderName.REPLICATE, 0, 0, None)
