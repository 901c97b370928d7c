"""One run of the demo: the real bot opened as in production, put on its stage, until Ctrl-C."""

import asyncio
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from bot.app import on_replicate, opened
from bot.config import Settings, load_for_demo
from bot.demo.live import Outside
from bot.demo.options import DemoOptions
from bot.demo.stage import staged
from bot.domain import ProviderName
from bot.models.embedded import EmbeddedProvider
from bot.models.provider import Provider

EMBEDDED_MODEL = "smollm2-135m-instruct"
"""The registry's name of the model that comes with the demo."""

GRACE_SECONDS = 1.0
"""What running answers get at the end: whoever ends the demo does not wait for its answers."""

KEPT = Path(".cache") / "demo.db"
"""Where ``--keep`` leaves the database, in the checkout."""

_BY_EMBEDDED = (
    "A small language model on this computer answers, and nothing leaves it. It is there for trying the bot, "
    "not for its wisdom: it knows only English and makes things up."
)
_BY_REPLICATE = (
    "**{model}** answers, on Replicate: what you ask is sent there with your token, and costs what it costs."
)


async def session(options: DemoOptions) -> int:
    """Serve the demo until SIGINT or SIGTERM; returns the exit code.

    Raises:
        ConfigError: a setting is wrong, or a package of the demo is missing.
    """
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    print("Starting the bot in a simulated Discord…", flush=True)
    with stored_in(options) as database:
        settings = demo_settings(load_for_demo(), database)
        embedded = EmbeddedProvider()
        outside = Outside()
        async with AsyncExitStack() as stack:
            bot = await stack.enter_async_context(
                opened(settings, _providers(settings, embedded), outside.spawn)
            )
            loading = asyncio.create_task(embedded.load())
            lanes = bot.answers.services.lanes
            page = await stack.enter_async_context(
                staged(
                    bot,
                    outside,
                    options.place,
                    answered_by(settings),
                    options.port,
                    # The simulation has no rate limits; in production, responses' headers tell of them.
                    lambda method, path: lanes.learn(method, path, {}),
                )
            )
            stack.push_async_callback(outside.drain, GRACE_SECONDS)
            stack.push_async_callback(bot.answers.close, GRACE_SECONDS)
            await loading
            _announce(page.url, options)
            await over.wait()
            print("\nEnding the demo.", flush=True)
    return 0


def demo_settings(settings: Settings, database: Path) -> Settings:
    """The operator's settings as far as they make sense here: nobody else uses up the bot, so no ceilings;
    and the simulation has one shard.
    """
    changes: dict[str, object] = {
        "database_url": f"sqlite:///{database}",
        "user_requests_per_minute": None,
        "server_requests_per_minute": None,
        "bot_requests_per_minute": None,
        "allowed_guilds": frozenset(),
        "direct_messages": True,
        "shard_count": None,
        "shard_ids": frozenset(),
    }
    if settings.replicate_api_token is None:
        changes["default_model"] = EMBEDDED_MODEL
    return settings.model_copy(update=changes)


def answered_by(settings: Settings) -> str:
    """What the welcome says of whoever answers."""
    if settings.default_model == EMBEDDED_MODEL:
        return _BY_EMBEDDED
    return _BY_REPLICATE.format(model=settings.default_model)


def has_display(env: Mapping[str, str], platform: str) -> bool:
    """Whether a browser could be opened for the person to see."""
    if platform == "darwin":
        return True
    return bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def _providers(settings: Settings, embedded: EmbeddedProvider) -> dict[ProviderName, Provider]:
    return {ProviderName.EMBEDDED: embedded, **on_replicate(settings)}


@contextmanager
def stored_in(options: DemoOptions) -> Iterator[Path]:
    """Where the demo's database is: in a folder that goes with it, or in one that stays."""
    if options.keep:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        yield KEPT.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="parlance-demo-") as folder:
        yield Path(folder) / "demo.db"


def _announce(url: str, options: DemoOptions) -> None:
    print(f"\nThe demo is ready. Open this address in a browser on this computer:\n\n    {url}\n", flush=True)
    if options.keep:
        print(f"What is stored stays in {KEPT}.", flush=True)
    print("Ctrl-C ends it.", flush=True)
    if options.browser and has_display(os.environ, sys.platform):
        webbrowser.open(url)
