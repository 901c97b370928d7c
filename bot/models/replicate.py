"""Replicate, through its own client.

A stream is only the preview of an answer; the prediction's record is the truth. So a stream may break, stall,
stay silent or say nonsense: the record is asked afterwards, pieces go on from it, and the outcome is made of
it alone.

What must not happen is a prediction that runs on, and is billed, with nobody waiting for it:

- A create is sent again only where it surely made nothing: after a 429, or when the connection was never
  made. A 5xx or a time-out may have created a prediction that nobody could name, so neither is tried again.
- A create that is under way when its caller is cancelled is waited for, and what it made is cancelled.
- Leaving the context before the end cancels upstream, whatever the reason, also if the task is cancelled
  again meanwhile.
- Every create carries a deadline after which Replicate itself ends the prediction.

The token goes to the configured API alone, and to stream addresses on Replicate's hosts.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import aiohttp
import httpx
from httpx_sse import ServerSentEvent

from bot.domain import Model, Prompt, Tokens
from bot.errors import (
    CredentialsRefused,
    CreditExhausted,
    ModelBusy,
    ModelRejected,
    ModelTimedOut,
    ModelUnreachable,
    Unanswerable,
)
from bot.i18n import N_
from bot.models.events import Looks, StreamBroken, is_trusted, reading
from bot.models.inputs import InputValue, build_input, fingerprint
from bot.models.lean import without
from bot.models.prediction import ReplicatePrediction, Timing
from bot.models.provider import MADE_WITHIN, Created, Prediction
from bot.models.records import Record, read_record, told_wait, unread
from bot.models.tokens import prompt_bound
from bot.models.turns import TurnsClient
from bot.offloading import offload

# replicate loads numpy where it is installed, for file inputs that the bot never sends: 15 MB and 0.3 s.
with without("numpy"):
    from replicate import (
        APIConnectionError,
        APIError,
        APIStatusError,
        APITimeoutError,
        AsyncReplicate,
        NotFoundError,
        RateLimitError,
    )

BASE_URL = "https://api.replicate.com/v1"
SHORTEST_DEADLINE, LONGEST_DEADLINE = 5, 14 * 60
"""Seconds of a Cancel-After header: Replicate takes no less, and interaction tokens live 15 minutes."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""How much later than ours Replicate's clock may be, when predictions are looked for."""
MOST_LISTED = 5_000
"""Predictions that are looked through for one: more than the 600 a minute that an account may make."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""A request that met these was not sent."""

log = logging.getLogger(__name__)


class _Response(Protocol):
    """What the client gives back of a call, before it makes objects of it."""

    async def json(self) -> object: ...


_R = TypeVar("_R", bound=_Response)


class ReplicateProvider:
    """Runs models on Replicate. ``base_url`` is another server that speaks the same API, such as a proxy."""

    def __init__(self, token: str, *, base_url: str | None = None, timing: Timing | None = None) -> None:
        self._token = token
        self._base_url = base_url or BASE_URL
        self._timing = timing or Timing()
        self._turns = TurnsClient(
            self._timing.request,
            follow_redirects=False,
            timeout=httpx.Timeout(self._timing.request, connect=self._timing.connect),
        )
        self._client = AsyncReplicate(
            bearer_token=token, base_url=self._base_url, max_retries=0, http_client=self._turns
        )
        self._session: aiohttp.ClientSession | None = None
        self._looks = Looks()
        self._cleaning: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many requests wait for a connection."""
        return self._turns.waiting

    def bound(self, model: Model, prompt: Prompt) -> Tokens:
        """Upper bound of the tokens a call with this prompt can use."""
        return prompt_bound(model, prompt)

    def predict(
        self, model: Model, prompt: Prompt, *, deadline: float, created: Created
    ) -> AbstractAsyncContextManager[Prediction]:
        """Start a prediction; see ``Provider.predict``."""
        return self._predict(model, prompt, min(max(deadline, SHORTEST_DEADLINE), LONGEST_DEADLINE), created)

    def resume(
        self, prediction: str, *, bound: Tokens, deadline: float
    ) -> AbstractAsyncContextManager[Prediction]:
        """Go on with a prediction; see ``Provider.resume``.

        Its stream is not read: whether one begins anew or in the middle is not said anywhere.
        """
        return self._under_way(unread(prediction), bound, deadline)

    def fingerprint(self, model: Model, prompt: Prompt) -> str:
        """Return a hash of the input fields; see ``Provider.fingerprint``."""
        return fingerprint(build_input(model, prompt))

    async def find(self, fingerprint: str, since: datetime, known: AbstractSet[str]) -> str | None:
        """Look through what was made around then; see ``Provider.find``.

        The oldest comes first: where somebody has asked the same again meanwhile, the newer one is theirs.
        Where the list does not show inputs, each record is asked for.
        """
        earliest, latest = since - CLOCKS_DIFFER, since + MADE_WITHIN + CLOCKS_DIFFER
        try:
            newest = []
            async for listed in self._client.predictions.list(created_after=earliest, created_before=latest):
                newest.append(listed)
                if len(newest) > MOST_LISTED:
                    log.warning("more than %d predictions were made around %s", MOST_LISTED, since)
                    raise ModelUnreachable
            for listed in reversed(newest):
                if listed.id not in known and await self._is_of(listed.id, listed.input, fingerprint):
                    return listed.id
        except APIError as error:
            raise translate(error) from error
        return None

    async def close(self) -> None:
        """End what is still being cleaned up, for a bounded time, and release the connections."""
        if self._cleaning:
            _, late = await asyncio.wait(self._cleaning, timeout=self._timing.cancel_within)
            for task in late:
                task.cancel()
        if self._session is not None:
            await self._session.close()
        await self._client.close()

    @asynccontextmanager
    async def _predict(
        self, model: Model, prompt: Prompt, deadline: float, created: Created
    ) -> AsyncIterator[Prediction]:
        record = await self._create(model, prompt, deadline, created)
        async with self._under_way(record, prompt_bound(model, prompt), deadline) as prediction:
            await created(record.id)
            yield prediction

    @asynccontextmanager
    async def _under_way(self, record: Record, bound: Tokens, deadline: float) -> AsyncIterator[Prediction]:
        prediction = ReplicatePrediction(
            record, get=self._get, stream=self._stream, bound=bound, deadline=deadline, timing=self._timing
        )
        try:
            yield prediction
        finally:
            await prediction.leave()
            if not (prediction.state.is_final or prediction.is_passed_on):
                await self._see_through(self._cancel(record.id, prediction.hear))

    # What a prediction asks for.

    async def _get(self, prediction: str) -> Record:
        """Ask for a prediction's record, once. A 429 is waited for as told before it is raised.

        Raises:
            Unanswerable: it was not given.
        """
        try:
            response = await self._client.predictions.with_raw_response.get(prediction_id=prediction)
        except NotFoundError as error:
            # A record may appear a little after its prediction.
            raise ModelUnreachable from error
        except RateLimitError as error:
            told = told_wait(error.body, error.response.headers) or 0.0
            await asyncio.sleep(min(told, self._timing.longest_busy))
            raise ModelBusy from error
        except APIError as error:
            raise translate(error) from error
        return await _record(response)

    @asynccontextmanager
    async def _stream(self, url: str) -> AsyncIterator[AsyncIterator[list[ServerSentEvent]]]:
        """Open a stream if its address may be followed.

        Raises:
            StreamBroken: it may not, or cannot be opened.
        """
        if not is_trusted(url, self._base_url):
            raise StreamBroken("its address is not Replicate's")
        if self._session is None:
            self._session = _session(self._timing)
        async with reading(self._session, url, self._token, self._timing.idle, self._looks) as events:
            yield events

    async def _is_of(self, prediction: str, shown: object, wanted: str) -> bool:
        if not shown:
            shown = (await self._client.predictions.get(prediction_id=prediction)).input
        return fingerprint(shown) == wanted

    # Create.

    async def _create(self, model: Model, prompt: Prompt, deadline: float, created: Created) -> Record:
        """Create the prediction, waiting as told where there are too many."""
        fields = await offload(prompt.length, lambda: build_input(model, prompt))
        waited, tries = 0.0, 0
        while True:
            try:
                return await self._post(model, fields, deadline, created)
            except Unanswerable:
                # It answered that there is one, and not which.
                await created(None)
                raise
            except APIError as error:
                tries += 1
                wait = self._wait_before_retry(error, tries)
                if wait is None or waited + wait > min(self._timing.create_waits, deadline):
                    if _may_have_made(error):
                        await created(None)
                    raise translate(error) from error
                log.info("create refused (%s), again in %.1f s", type(error).__name__, wait)
                waited += wait
                await asyncio.sleep(wait)

    def _wait_before_retry(self, error: APIError, tries: int) -> float | None:
        """Seconds until a create may be sent again; None if it must not be."""
        match error:
            case RateLimitError():
                told = told_wait(error.body, error.response.headers)
                return min(2.0 ** (tries - 1), 16.0) if told is None else told
            case APIConnectionError() if isinstance(error.__cause__, NEVER_SENT):
                return self._timing.reconnect if tries < self._timing.connect_tries else None
            case _:
                return None

    async def _post(
        self, model: Model, fields: Mapping[str, InputValue], deadline: float, created: Created
    ) -> Record:
        """Send one create. Cancelled meanwhile, it is seen through and what it made is cancelled."""
        owner, _, name = model.name.partition("/")
        create = self._client.models.predictions.with_raw_response.create
        posting = asyncio.ensure_future(
            create(model_owner=owner, model_name=name, input=fields, cancel_after=f"{math.ceil(deadline)}s")
        )
        try:
            return await _record(await asyncio.shield(posting))
        except asyncio.CancelledError:
            if not await self._see_through(self._abandon(posting, created)):
                await created(None)
            raise

    async def _abandon(self, posting: "asyncio.Future[_R]", created: Created) -> None:
        try:
            record = await _record(await posting)
        except APIError as error:
            if _may_have_made(error):
                await created(None)
        except Unanswerable:
            await created(None)
        else:
            await self._cancel(record.id)
            await created(record.id)

    # Cancel.

    async def _cancel(self, prediction: str, hear: Callable[[Record], None] = lambda _: None) -> None:
        """Cancel upstream, trying again for a bounded time; ``hear`` is told what it was then."""
        pause = self._timing.first_poll
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.cancel_within):
                while True:
                    try:
                        cancel = self._client.predictions.with_raw_response.cancel
                        response = await cancel(prediction_id=prediction)
                    except APIError as error:
                        if not isinstance(translate(error), ModelBusy | ModelUnreachable | ModelTimedOut):
                            log.warning("prediction %s could not be cancelled: %s", prediction, _brief(error))
                            return
                    else:
                        with suppress(ModelUnreachable):
                            hear(await _record(response))
                        return
                    await asyncio.sleep(pause)
                    pause *= 2
        log.warning("prediction %s could not be cancelled in time; its deadline will end it", prediction)

    async def _see_through(self, work: Coroutine[None, None, None]) -> bool:
        """Wait a bounded time for work that goes on whatever happens to the caller; return whether it is
        done.
        """
        task = asyncio.create_task(work)
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)
        await asyncio.wait({task}, timeout=self._timing.cancel_within)
        return task.done()


def _may_have_made(error: APIError) -> bool:
    """Whether a create that met this may have made a prediction all the same."""
    if isinstance(error, APIStatusError):
        return isinstance(translate(error), ModelUnreachable | ModelTimedOut)
    return not isinstance(error.__cause__, NEVER_SENT)


def translate(error: APIError) -> Unanswerable:
    """The error that says to a person what the API answered."""
    match error:
        case APITimeoutError() if not isinstance(error.__cause__, httpx.ConnectTimeout | httpx.PoolTimeout):
            return ModelTimedOut()
        case APIStatusError():
            log.warning("replicate answered %s", _brief(error))
            return _unanswerable(error.status_code)
        case _:
            return ModelUnreachable()


def _unanswerable(status: int) -> Unanswerable:
    match status:
        case 400 | 413 | 422:
            return ModelRejected()
        case 401 | 403:
            return CredentialsRefused()
        case 402:
            return CreditExhausted()
        case 404:
            return ModelRejected(
                N_("This model is not there at its provider any more. Please choose another one.")
            )
        case 429:
            return ModelBusy()
        case 408 | 504:
            return ModelTimedOut()
        case _:
            return ModelUnreachable()


def _brief(error: APIError) -> str:
    """What the log may say of an error: status and rejected fields, never texts, which may be people's."""
    if not isinstance(error, APIStatusError):
        return type(error).__name__
    body = error.body if isinstance(error.body, Mapping) else {}
    invalid = body.get("invalid_fields")
    fields = (
        [entry.get("field") for entry in invalid if isinstance(entry, Mapping)]
        if isinstance(invalid, list)
        else []
    )
    return f"{error.status_code} {fields}" if fields else str(error.status_code)


async def _record(response: _Response) -> Record:
    """The record in a response.

    Raises:
        ModelUnreachable: it holds none.
    """
    try:
        return read_record(await response.json())
    except ValueError as error:
        log.warning("replicate answered something that is no prediction (%s)", error)
        raise ModelUnreachable from error


def _session(timing: Timing) -> aiohttp.ClientSession:
    """Connections that streams are read from.

    Without ``trust_env``: with it aiohttp looks into ~/.netrc for every stream, and refuses one whose host
    has an entry there, since it has a token already.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=timing.connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
    )
