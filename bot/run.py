"""One request under way: what its plan works with, and what a plan is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Protocol, TypeVar

from bot.domain import Ending, Model, Policy, PredictionState, Prompt, Request, Stage, Tokens
from bot.errors import ModelFailed, ParlanceError, PassedOn, Restarted
from bot.i18n import N_, Language, language
from bot.ids import short
from bot.making import Making
from bot.models.provider import Prediction, Provider
from bot.models.thinking import Thinking, without_thinking
from bot.offloading import offload
from bot.past import LONGEST, PastCalls, bound_of, cancelled, longest_of
from bot.prompts import Voice, voice_of
from bot.replies.draft import ReplyWords
from bot.replies.reply import Reply
from bot.replies.transport import OtherChannel, Transport
from bot.services import Services
from bot.store import PredictionRow

log = logging.getLogger(__name__)

T = TypeVar("T")

CALL_SECONDS = 14 * 60.0
"""Longest deadline of one prediction."""
REQUEST_SECONDS = 30 * 60.0
"""Longest a request may take with all its calls."""
REPLY_SECONDS = REQUEST_SECONDS + 60.0
"""Longest that a request's reply tries to show what Discord does not take."""
LEAST_REPLY_SECONDS = 5 * 60.0
"""As long it tries at least, however long ago the request was when another process took it over."""


class Run:
    """What a plan works with: the request, and calls of the model that are recorded, paid for and shown.

    ``age`` is how many seconds ago the request came.
    """

    def __init__(self, request: Request, transport: Transport, services: Services, age: float = 0.0) -> None:
        self.request = request
        self.language: Language = language(request.locale)
        self.model: Model
        self.policy: Policy
        self.tokens = Tokens()
        self.cost = 0
        self.ending = Ending.REFUSED
        """How it ended, once it was admitted and has."""
        self.is_passed_on = False
        """Whether another process goes on with it by now."""
        self.instead_of: str | None = None
        """The name of the model that should have answered, where another does."""
        self.facts: dict[str, int | str] = {}
        self.is_cut = False
        """Whether the answer shown, or a part of it, may have ended because it reached its longest length."""
        self._reached_longest = False
        self.past = PastCalls(services)
        """What a process that is gone has called for it."""
        self.interrupted: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.others: Callable[[], Iterator[OtherChannel]] = transport.others
        """Where else the person may ask."""
        self._services = services
        self._predictions: set[Prediction] = set()
        """Those that it follows now."""
        self._text = ""
        self._started = services.clock() - age
        self.reply = Reply(
            transport,
            services.lanes,
            services.clock,
            self._words(),
            lambda: self.interrupt(Ending.LOST),
            ends_at=services.clock() + max(REPLY_SECONDS - age, LEAST_REPLY_SECONDS),
            keep=partial(services.ledger.leases.moved, request.id),
        )

    async def status(self, message: str, **fields: object) -> None:
        """Show a sentence of the catalogues until text comes."""
        self.reply.status(self.language.say(message, **fields))

    def fits(self, prompt: Prompt) -> bool:
        """Whether the prompt and the answer it asks for certainly fit the model's context."""
        return self.room(prompt) >= 0

    def room(self, prompt: Prompt) -> int:
        """Tokens of the model's context left by this prompt and its longest answer; negative when they may
        not fit.
        """
        return self.model.context - self._provider.bound(self.model, prompt).total

    async def reserve(self, prompts: Sequence[Prompt], more: Tokens) -> None:
        """Have enough for all of these calls, and for ``more``, before the first of them is made: so that
        none is paid for when another is refused.

        Raises:
            LimitReached: the limits leave too little for them.
        """
        model, provider = self.model, self._provider

        def bound() -> Tokens:
            left = self.past.missing(provider.fingerprint(model, prompt) for prompt in prompts)
            return sum((provider.bound(model, prompts[index]) for index in left), more)

        amount = await offload(sum(prompt.length for prompt in prompts), bound)
        await self._while_ours(lambda: self._services.ledger.reserve(self.request.id, model, amount))

    async def complete(self, prompt: Prompt) -> str:
        """Call the model without showing what it writes.

        Raises:
            Unanswerable: it could not.
            LimitReached: the call would pass a limit.
        """
        return await self._call(prompt, Stage.SILENT, lambda _: None, lambda: None)

    async def stream(self, prompt: Prompt, *, last: bool = True) -> str:
        """Call the model and let the reply grow by what it writes; raises what ``complete`` does.

        ``last`` says that the answer is whole with it: only then the reply hurries.
        """
        stage = Stage.LAST if last else Stage.PART
        return self._whole(await self._call(prompt, stage, self._growing(), self._completing(stage)))

    async def resume(self, call: PredictionRow) -> str:
        """Let the reply grow by a call that a process which is gone has made; raises what ``complete`` does.

        Raises:
            Restarted: the prediction is gone with it.
        """
        self.past.take(call)
        return self._whole(
            await self._follow(
                call.id,
                lambda: self._again(call),
                longest_of(call),
                self._growing(),
                self._completing(call.stage),
            )
        )

    async def abandon(self, call: PredictionRow) -> None:
        """End a call that a process which is gone has made, and record what it used by then."""
        self.past.take(call)
        if call.ended_at is not None:
            self.count(call.tokens, call.cost)
            return
        if call.provider_id is None:
            # It was not found yet. If it runs, its deadline ends it.
            state, tokens = PredictionState.CANCELED, bound_of(call)
        else:
            provider = self._services.providers[call.provider]
            state, tokens = await cancelled(provider, call.provider_id, bound_of(call))
        # A model that is not known any more has no price either.
        is_priced = self.model.price is not None or not tokens.total
        cost = self.model.cost(tokens) if is_priced else call.reserved_cost
        self.count(tokens, cost)
        await self._services.ledger.ended(call.id, state, tokens, cost)

    def count(self, tokens: Tokens, cost: int) -> None:
        """Add what a call used (nano-dollars) to what the footer tells."""
        self.tokens += tokens
        self.cost += cost

    def write(self, text: str) -> None:
        """Let the reply grow by text of the plan's own, such as what stands between two translated parts."""
        self._text += text
        self.reply.append(text)

    def note(self, **facts: int | str) -> None:
        """Keep small facts for Details: counts and kinds, never names or text."""
        self.facts |= facts

    def interrupt(self, ending: Ending) -> None:
        """End the plan from outside; the first to say so decides how the request ended."""
        if not self.interrupted.done():
            self.interrupted.set_result(ending)

    def pass_on(self) -> None:
        """Show, call for and settle no more: another process goes on with it, and with its predictions."""
        if self.is_passed_on:
            return
        log.warning("another process goes on with the answer of request %s", short(self.request.id))
        self.is_passed_on = True
        for prediction in self._predictions:
            prediction.pass_on()
        self.reply.pass_on()
        self._services.ledger.pass_on(self.request.id)
        self.interrupt(Ending.SHUTDOWN)

    @property
    def voice(self) -> Voice:
        """How the model is to write here."""
        return voice_of(self.policy, self.language)

    @property
    def seconds(self) -> float:
        """Since the request came."""
        return self._services.clock() - self._started

    @property
    def first_text_seconds(self) -> float | None:
        """From the request to its first visible text."""
        seen = self.reply.first_text_at
        return None if seen is None else seen - self._started

    @property
    def _provider(self) -> Provider:
        return self._services.providers[self.model.provider]

    async def _call(
        self, prompt: Prompt, stage: Stage, show: Callable[[str], None], streamed: Callable[[], None]
    ) -> str:
        """One prediction: reserved and recorded before it is made, and after it ended, however it did; or the
        one that was made of the same prompt by a process that is gone.
        """
        ledger, provider = self._services.ledger, self._provider
        fingerprint = await offload(prompt.length, lambda: provider.fingerprint(self.model, prompt))
        made = self.past.like(fingerprint)
        if made is not None:
            self.past.take(made)
            with suppress(Restarted):
                return await self._follow(
                    made.id, lambda: self._again(made), prompt.max_tokens, show, streamed
                )
        bound = await offload(prompt.length, lambda: provider.bound(self.model, prompt))
        call = await self._while_ours(
            lambda: ledger.call(
                self.request.id,
                self.model,
                bound,
                {LONGEST: prompt.max_tokens, "temperature": prompt.temperature},
                stage=stage,
                fingerprint=fingerprint,
                read=self.facts,
            )
        )
        making = Making(self._services, call, self.model, prompt, bound, fingerprint)
        return await self._follow(
            call, lambda: making.prediction(self._left), prompt.max_tokens, show, streamed, making
        )

    async def _while_ours(self, account: Callable[[], Awaitable[T]]) -> T:
        """Do something for it in the ledger, where its answer is.

        Raises:
            PassedOn: another process goes on with it.
        """
        if self.is_passed_on:
            raise PassedOn
        try:
            return await account()
        except PassedOn:
            self.pass_on()
            raise

    async def _follow(
        self,
        call_id: int,
        begin: Callable[[], AbstractAsyncContextManager[Prediction]],
        longest: int,
        show: Callable[[str], None],
        streamed: Callable[[], None],
        making: Making | None = None,
    ) -> str:
        """Show a prediction to its end, and record how it ended."""
        state, tokens = PredictionState.ABORTED, Tokens()
        try:
            async with begin() as prediction:
                self._predictions.add(prediction)
                state = PredictionState.CANCELED
                try:
                    async for piece in prediction.pieces():
                        show(piece)
                    streamed()
                    outcome = await prediction.outcome()
                except BaseException:
                    tokens = prediction.used()
                    if prediction.state.is_final:
                        state = prediction.state
                    raise
                finally:
                    self._predictions.discard(prediction)
                state, tokens = outcome.state, outcome.tokens
                self._reached_longest = tokens.output >= longest
        finally:
            if making is not None and making.is_in_doubt:
                # Whoever goes on with the answer looks for it as well, and shows it.
                passed_on = PredictionState.CANCELED, making.bound
                state, tokens = passed_on if self.is_passed_on else await making.given_up()
            cost = self.model.cost(tokens)
            self.count(tokens, cost)
            await self._services.ledger.ended(call_id, state, tokens, cost)
        text = without_thinking(outcome.text)
        if not text.strip():
            raise ModelFailed(N_("The model ended without a word. Please ask again, perhaps in other words."))
        return text

    def _again(self, call: PredictionRow) -> AbstractAsyncContextManager[Prediction]:
        """What the provider has of a call that a process which is gone has made."""
        provider = self._services.providers[call.provider]
        return provider.resume(call.provider_id or "", bound=bound_of(call), deadline=self._left)

    def _growing(self) -> Callable[[str], None]:
        """What lets the reply grow by the pieces of one call."""
        thinking = Thinking()

        def grow(piece: str) -> None:
            self.reply.append(thinking.feed(piece))
            if thinking.active and not self.reply.has_text:
                self.reply.status(self.language.say(N_("The model is thinking…")))

        return grow

    def _completing(self, stage: Stage) -> Callable[[], None]:
        """What is called when all pieces of a call have come: the reply hurries when the answer is whole."""
        return self.reply.complete if stage is Stage.LAST else lambda: None

    def _whole(self, text: str) -> str:
        """Take in the text of a call that was shown as it came."""
        self.is_cut = self.is_cut or self._reached_longest
        self._text += text
        self.reply.replace(self._text)
        return text

    @property
    def _left(self) -> float:
        """Seconds that a call may take which begins now."""
        return min(CALL_SECONDS, max(1.0, REQUEST_SECONDS - self.seconds))

    def _words(self) -> ReplyWords:
        say = self.language.say
        return ReplyWords(
            rest_in_file=say(N_("The answer goes on; it comes whole as a file when it ends.")),
            whole_in_file=say(N_("The whole answer is in the file.")),
            no_file=say(N_("The rest does not fit here, and I may not attach files in this channel.")),
            moved=say(N_("It goes on in your direct messages.")),
            stuck=say(N_("Discord lets me write here no longer, so the answer ends here.")),
            broken=self.language.error(ParlanceError()),
        )


class Plan(Protocol):
    """What a command does with the model."""

    def check(self, request: Request) -> None:
        """Say what is wrong with the request before anything is done for it.

        Raises:
            BadRequest: it cannot be answered; the sentence says what to give instead.
        """

    async def run(self, run: Run) -> None:
        """Read what there is to read and call the model."""
