"""What would become of a request, were it made now: nothing is reserved, recorded or counted."""

from bot.domain import Model, Policy, Request
from bot.errors import BadRequest, Refused
from bot.limits.standing import refusal
from bot.services import Services


async def trial(services: Services, request: Request) -> BadRequest | Refused | None:
    """Return what a request would be refused with by its place and its limits; None where it is admitted.

    Raises:
        StoreUnavailable: the database cannot be read.
    """
    try:
        policy = await services.policies.of(request.scope)
        model = services.model_for(policy, request)
    except (BadRequest, Refused) as error:
        return error
    return await verdict(services, policy, model, request)


async def verdict(services: Services, policy: Policy, model: Model, request: Request) -> Refused | None:
    """Return what the limits would refuse a request with under a policy and with a model, or None.

    Raises:
        StoreUnavailable: the database cannot be read.
    """
    [levels] = await services.ledger.lookup.standing((request.scope,), request.command, request.asked_at)
    return refusal(levels, model, services.bound(policy, model, request))
