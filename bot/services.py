"""What the answer path stands on, opened once and handed to whoever needs it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.config import Settings
from bot.domain import Model, Policy, Prompt, ProviderName, Request, Role, Tokens, Turn
from bot.errors import Refused
from bot.i18n import N_
from bot.limits import Ledger
from bot.metrics import Metrics
from bot.models.guarded import GuardedProvider
from bot.models.registry import Registry
from bot.policies import Policies
from bot.policy import require_model, require_open
from bot.replies.lanes import Clock, Lanes


@dataclass(frozen=True, slots=True)
class Services:
    """The bundle. ``clock`` gives seconds of the event loop's clock."""

    settings: Settings
    registry: Registry
    providers: Mapping[ProviderName, GuardedProvider]
    ledger: Ledger
    policies: Policies
    lanes: Lanes
    metrics: Metrics
    clock: Clock

    def model_for(self, policy: Policy, request: Request) -> Model:
        """Return the model that is to answer a request in its place.

        Raises:
            BadRequest: the person chose a model that there is not.
            Refused: the place does not take the request, or not with this model.
        """
        require_open(policy, request)
        model = self.registry.get(request.model or policy.model)
        if model.provider not in self.providers:
            raise Refused(
                N_("The model {model} cannot be reached from here. Choose another one."), model=model.name
            )
        require_model(policy, request)
        return model

    def bound(self, policy: Policy, model: Model, request: Request) -> Tokens:
        """Return the upper bound that a request is admitted with: its words, and the longest answer."""
        longest = min(policy.longest_answer, model.max_output)
        return self.providers[model.provider].bound(
            model, Prompt("", (Turn(Role.USER, request.words),), longest)
        )

    def answering(self, policy: Policy, model: Model) -> Model:
        """Return the model that answers for this one.

        It is the operator's second one while this one is left alone, where the place allows that one and it
        can be tried.
        """
        name = self.settings.fallback_model
        if self.providers[model.provider].answers(model) or name is None or name not in policy.models:
            return model
        second = self.registry.get(name)
        provider = self.providers.get(second.provider)
        return second if provider is not None and provider.answers(second) else model
