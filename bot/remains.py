"""What a person can do whom a limit refuses: a cheaper model, another channel."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from bot.domain import Command, Metric, Model, Place
from bot.errors import LimitReached, Remains
from bot.run import Run
from bot.services import Services
from bot.trial import trial, verdict

MOST_CHANNELS = 200
"""How many other channels are considered."""
MOST_LOOKS = 8
"""How many of those that are free of the limit are looked at closely."""


async def remains(services: Services, run: Run, reached: LimitReached) -> Remains:
    """Return what would be admitted instead of a request that a limit refused.

    Raises:
        StoreUnavailable: the database cannot be read.
    """
    return Remains(await _model(services, run, reached), await _channel(services, run, reached))


async def _model(services: Services, run: Run, reached: LimitReached) -> str | None:
    """The dearest of the models that still fit, for the one command that takes a model."""
    request = run.request
    if reached.limit.metric is not Metric.COST or request.command is not Command.ASK:
        return None
    fitting = [
        (model.cost(services.bound(run.policy, model, request)), model.name)
        for model in _priced(services, run)
        if await verdict(services, run.policy, model, request) is None
    ]
    return max(fitting)[1] if fitting else None


def _priced(services: Services, run: Run) -> Iterator[Model]:
    """The other models that may be chosen here, can be reached and have a price."""
    for name in sorted(run.policy.models):
        model = services.registry.get(name)
        if model.provider in services.providers and model.price is not None and model != run.model:
            yield model


async def _channel(services: Services, run: Run, reached: LimitReached) -> int | None:
    """The first other channel that the person may use and that admits the same request."""
    if reached.limit.place is Place.BOT:
        return None
    request = run.request
    scopes = [
        replace(request.scope, channel_id=other.id, category_id=other.category_id, thread_id=None)
        for other in islice(run.others(), MOST_CHANNELS)
        if other.id != request.scope.channel_id
    ]
    for scope in (await services.ledger.lookup.free_of(reached.limit, scopes, request.command))[:MOST_LOOKS]:
        if await trial(services, replace(request, scope=scope)) is None:
            return scope.channel_id
    return None
