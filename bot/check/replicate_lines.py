"""What Replicate says of the token and of the models."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from bot.check.lines import Line, right, unasked, wrong
from bot.check.service import Service, Unanswered
from bot.domain import Model

TOKEN: Final = "Replicate token"  # noqa: S105 - what a line is about
TOKENS: Final = "https://replicate.com/account/api-tokens"


async def token_line(service: Service) -> Line:
    """Say whether the token is accepted."""
    try:
        account = await service.get("/account")
    except Unanswered as error:
        return unasked(TOKEN, f"Replicate could not be asked: {error}.")
    if account.status == HTTPStatus.UNAUTHORIZED:
        return wrong(TOKEN, f"Replicate does not accept REPLICATE_API_TOKEN. Make a new one: {TOKENS}")
    if account.status != HTTPStatus.OK:
        return wrong(TOKEN, f"Replicate answered {account.status}. Try again in a few minutes.")
    return right(TOKEN, f"accepted; the account is {account.get('username')}.")


async def model_lines(service: Service, models: list[Model]) -> AsyncIterator[Line]:
    """Yield, for each model, whether it is there and takes the fields that are sent to it."""
    for model in models:
        yield await _model_line(service, model)


async def _model_line(service: Service, model: Model) -> Line:
    subject = f"Model {model.name}"
    try:
        answer = await service.get(f"/models/{model.name}")
    except Unanswered as error:
        return unasked(subject, f"Replicate could not be asked: {error}.")
    if answer.status == HTTPStatus.NOT_FOUND:
        return wrong(subject, "Replicate does not have it.")
    fields = answer.get("latest_version", "openapi_schema", "components", "schemas", "Input", "properties")
    if answer.status != HTTPStatus.OK or not isinstance(fields, dict):
        return wrong(subject, f"Replicate answered {answer.status} and did not say what it takes.")
    unknown = sorted(fields_of(model) - set(fields))
    if unknown:
        return wrong(subject, f"it takes no {', '.join(unknown)}; it takes {', '.join(sorted(fields))}.")
    return right(subject, "it takes what is sent to it.")


def fields_of(model: Model) -> frozenset[str]:
    """The input fields that calls of a model may fill."""
    named = (
        model.messages_field or "prompt",
        model.length_field,
        model.system_field,
        model.template_field,
        model.temperature_field,
    )
    return frozenset(name for name in named if name is not None) | frozenset(model.extra)
