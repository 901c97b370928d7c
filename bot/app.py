"""The bot itself: everything is opened here, in one place, and handed to what needs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.answer import Answers, Spawn
from bot.config import Settings
from bot.domain import Command, ProviderName, Request
from bot.errors import ConfigError, ParlanceError, Refused
from bot.health import Health, Lag, serving
from bot.i18n import N_, language
from bot.ids import Ids
from bot.limits import Ledger
from bot.limits.gate import Entry, Gate, burst_of
from bot.metrics import Metrics, Moment
from bot.models.breaker import State
from bot.models.guarded import GuardedProvider
from bot.models.provider import Provider
from bot.models.registry import Registry
from bot.models.replicate import ReplicateProvider
from bot.policies import Policies
from bot.replies.interaction import found_again
from bot.replies.lanes import Lanes
from bot.replies.once import is_made_once
from bot.replies.transport import Transport
from bot.retention import Retention
from bot.run import Plan
from bot.seal import Seal
from bot.services import Services
from bot.store import Store, StoreUnavailable
from bot.store.inflight import InflightRow
from bot.sync import sync
from bot.translator import CatalogueTranslator

log = logging.getLogger(__name__)

COGS = (
    "cogs.ask",
    "cogs.summarize",
    "cogs.story",
    "cogs.translate",
    "cogs.help",
    "cogs.settings",
    "cogs.usage",
    "cogs.privacy",
    "cogs.servers",
    "cogs.limits",
    "cogs.notices",
    "cogs.chat",
    "cogs.buttons",
)

TOO_MANY = N_("That was a lot at once. Please wait a few seconds, then go on.")
TIMED_OUT = N_("You are timed out in this server, so I do nothing for you here until that is over.")
SEES_NOT = N_("You cannot see this channel, so I do nothing for you here.")

Asked = discord.Interaction["Parlance"]


class Tree(app_commands.CommandTree["Parlance"]):
    """The command tree, with the bot's one door and one error handler."""

    async def interaction_check(self, interaction: Asked, /) -> bool:
        """See who gets in with a command, or with what they type into an option."""
        return await interaction.client.lets_in(interaction)

    async def on_error(self, interaction: Asked, error: app_commands.AppCommandError) -> None:
        """Say one sentence for any error that a command let through."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await interaction.client.say_error(interaction, cause)


class Parlance(commands.AutoShardedBot):
    """The Discord client, with the services that cogs use."""

    def __init__(
        self,
        answers: Answers,
        store: Store,
        retention: Retention,
        ids: Ids,
        *,
        message_content: bool = True,
        force_sync: bool = False,
    ) -> None:
        settings = answers.services.settings
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=intents(message_content=message_content),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=rate_limit_trace(answers.services.lanes),
            shard_count=settings.shard_count,
            shard_ids=sorted(settings.shard_ids) or None,  # type: ignore[arg-type] # None is for all of them
        )
        self.answers = answers
        self.store = store
        self.retention = retention
        self.ids = ids
        self.plans: dict[Command, Plan] = {}
        """What each command does with the model, from its cog."""
        self.gate = Gate(answers.services.clock, burst_of(settings.user_requests_per_minute))
        self._force_sync = force_sync
        self._cut_off: set[int] = set()

    async def setup_hook(self) -> None:
        """Load the cogs and let Discord know the commands, if they changed."""
        await self.tree.set_translator(CatalogueTranslator())
        for name in COGS:
            await self.load_extension(name)
        if self.application_id is None:
            return
        try:
            await sync(self.tree, self.store, self.application_id, force=self._force_sync)
        except (
            *(discord.HTTPException, app_commands.CommandSyncFailure),
            *(OSError, aiohttp.ClientConnectionError, StoreUnavailable),
        ):
            log.exception("Discord did not take the commands; those it has go on working")

    async def close(self) -> None:
        """End what is under way, as long as it can be said, and then the connection; discord.py does so too,
        where Discord turns the bot away.
        """
        await self.answers.close()
        await super().close()

    async def on_ready(self) -> None:
        """Say in the log that the bot is online; it may come again after a reconnect."""
        log.info("online as %s in %d servers", self.user, len(self.guilds))

    async def on_shard_ready(self, shard_id: int) -> None:
        """Know that a shard has begun a session."""
        self._cut_off.discard(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """Know that a shard goes on with its session."""
        self._cut_off.discard(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """Know that a shard has lost its connection."""
        self._cut_off.add(shard_id)

    @property
    def is_online(self) -> bool:
        """Whether every shard hears of what happens."""
        return self.is_ready() and not self._cut_off

    async def on_message(self, _message: discord.Message, /) -> None:
        """Look for no text commands: cogs/chat.py listens to messages."""

    async def lets_in(self, interaction: Asked) -> bool:
        """Whether what a person did is looked at; where it is not, they are told, except in a flood.

        Discord keeps those away who are timed out or do not see the channel; here nothing relies on it.
        """
        entry = self.gate.enter(interaction.user.id)
        why_not = _bar(interaction) if entry is Entry.OPEN else TOO_MANY
        if why_not is None:
            return True
        if entry is not Entry.SHUT and interaction.type is not discord.InteractionType.autocomplete:
            await self.say_error(interaction, Refused(why_not))
        return False

    def found_again(self, request: Request, row: InflightRow) -> Transport:
        """Return the transport of a reply that a process which is gone began."""
        clock = self.answers.services.clock
        return found_again(self, row.anchor, request, clock, len(row.messages))

    async def say_error(self, interaction: Asked, error: Exception) -> None:
        """Tell the person privately, whether or not the interaction was acknowledged."""
        if isinstance(error, ParlanceError):
            known = error
        else:
            known = ParlanceError()
            log.error("an interaction failed", exc_info=error)
        sentence = language(str(interaction.locale)).error(known)
        try:
            if interaction.response.is_done():
                await interaction.followup.send(sentence, ephemeral=True)
            else:
                await interaction.response.send_message(sentence, ephemeral=True)
        except discord.HTTPException as refused:
            log.info("a sentence could not be said: %s", refused)


def _bar(interaction: Asked) -> str | None:
    """What keeps a person from doing anything here, or None. Nobody can time out an administrator."""
    held = interaction.permissions
    if interaction.guild_id is None or held.administrator:
        return None
    if isinstance(interaction.user, discord.Member) and interaction.user.is_timed_out():
        return TIMED_OUT
    return None if held.view_channel else SEES_NOT


def intents(*, message_content: bool) -> discord.Intents:
    """What the bot hears of: servers and messages; no presences, no members."""
    chosen = discord.Intents.none()
    chosen.guilds = True
    chosen.guild_messages = True
    chosen.dm_messages = True
    chosen.message_content = message_content
    return chosen


def rate_limit_trace(lanes: Lanes) -> aiohttp.TraceConfig:
    """A trace that lets every request wait its turn, and teaches the lanes from its response's headers.

    One that is to be made once fails here where Discord answers 5xx, before discord.py makes it again.
    """

    async def begins(
        _session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        context.path = params.url.path
        await lanes.begin(context.path)
        context.under_way = True

    async def ended(
        _session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        over(context)
        response = params.response
        if response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            lanes.learn(params.method, params.url.path, response.headers)
        elif is_made_once():
            response.close()
            raise discord.DiscordServerError(response, None)

    async def broke(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        _params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        over(context)

    def over(context: SimpleNamespace) -> None:
        """Count a request's end once: raising where it ended lets it break as well."""
        if context.under_way:
            context.under_way = False
            lanes.ended(context.path)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begins)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(broke)
    return trace


@asynccontextmanager
async def opened(
    settings: Settings,
    providers: Mapping[ProviderName, Provider] | None = None,
    spawn: Spawn = asyncio.create_task,
    *,
    message_content: bool = True,
    force_sync: bool = False,
) -> AsyncIterator[Parlance]:
    """Open all that the bot stands on, and the bot; close it in the other order.

    ``providers`` replaces those that the settings name; ``spawn`` starts the task of each answer.
    """
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        registry = Registry.load(settings.models_file)
        store = await stack.enter_async_context(Store.open(settings.database_url))
        ledger = await stack.enter_async_context(
            Ledger.open(store, Seal(settings.discord_token.get_secret_value()))
        )
        await ledger.set_operator_limits(settings.operator_limits())
        if providers is None:
            providers = on_replicate(settings)
        for provider in providers.values():
            stack.push_async_callback(provider.close)
        if faults := registry.faults(settings.default_model, settings.fallback_model, providers):
            raise ConfigError(faults)
        policies = Policies(store, settings, registry.reached_by(providers))
        metrics = Metrics()
        lanes = Lanes(clock, metrics.waited)
        guarded = {name: GuardedProvider(provider, clock) for name, provider in providers.items()}
        services = Services(settings, registry, guarded, ledger, policies, lanes, metrics, clock)
        answers = Answers(services, spawn)
        retention = Retention(store, settings.records_days, settings.erase_guilds_after_days)
        await stack.enter_async_context(retention.running())
        bot = Parlance(
            answers, store, retention, Ids(), message_content=message_content, force_sync=force_sync
        )
        await stack.enter_async_context(bot)
        if settings.health_port is not None:
            await stack.enter_async_context(_seen(bot, settings.health_host, settings.health_port))
        yield bot


@asynccontextmanager
async def _seen(bot: Parlance, host: str, port: int) -> AsyncIterator[None]:
    """Serve the health address."""
    services = bot.answers.services
    lag = Lag()

    def look() -> Moment:
        states = [each for provider in services.providers.values() for each in provider.states.items()]
        return Moment(
            open_answers=bot.answers.under_way,
            waiting_changes=services.lanes.waiting,
            waiting_calls=sum(provider.waiting for provider in services.providers.values()),
            kept_records=services.ledger.kept,
            lag=lag.worst,
            paused={model: state is not State.CLOSED for model, state in states},
        )

    services.metrics.look = look
    health = Health(bot.store, lambda: bot.is_online, lambda: not services.ledger.kept, lag)
    measuring = asyncio.create_task(lag.measure(), name="lag")
    try:
        async with serving(health, services.metrics, host, port):
            yield
    finally:
        measuring.cancel()


def on_replicate(settings: Settings) -> dict[ProviderName, Provider]:
    """What runs models with these settings: Replicate, where there is a token for it."""
    token = settings.replicate_api_token
    if token is None:
        return {}
    base_url = settings.replicate_base_url
    return {ProviderName.REPLICATE: ReplicateProvider(token.get_secret_value(), base_url=base_url)}
