"""What the answer path stands on, opened once and handed to whoever needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot import prompts
from bot.config import Settings
from bot.domain import (
    Command,
    Model,
    Policy,
    Prompt,
    ProviderName,
    Request,
    StoryOptions,
    SummarizeOptions,
    SummaryStyle,
    Tokens,
    TranslateOptions,
)
from bot.errors import Refused
from bot.i18n import N_, language
from bot.limits import Ledger
from bot.metrics import Metrics
from bot.models.creates import Creates
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
    creates: Creates = field(default_factory=Creates)

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
        """Return the upper bound that a request is admitted with: that of its first call, before anything is
        read for it. What a file or the channel's messages add is reserved when they are read.
        """
        longest = min(policy.longest_answer, model.max_output)
        prompt = expected(request, prompts.voice_of(policy, language(request.locale)), longest)
        if model.reasons:
            # Thoughts count as output.
            prompt = replace(prompt, max_tokens=longest)
        return self.providers[model.provider].bound(model, prompt)

    def answering(self, policy: Policy, model: Model) -> Model:
        """Return the model that answers for this one.

        It is the operator's second one while this one is left alone, where the place allows that one and it
        can be tried.
        """
        name = self.settings.fallback_model
        if name is None or name not in policy.models or self.providers[model.provider].chooses(model):
            return model
        second = self.registry.get(name)
        provider = self.providers.get(second.provider)
        return second if provider is not None and provider.answers(second) else model


def expected(request: Request, voice: prompts.Voice, max_tokens: int) -> Prompt:
    """What the first call for a request will send, as far as it is known before anything is read for it.

    Where the options are not those of the command, its usual ones are taken.
    """
    words, options = request.words, request.options
    match request.command:
        case Command.ASK:
            return prompts.ask(words, voice, max_tokens)
        case Command.SUMMARIZE:
            style = options.style if isinstance(options, SummarizeOptions) else SummaryStyle.SHORT
            return prompts.summarize(words, style, voice, max_tokens)
        case Command.STORY:
            wanted = options if isinstance(options, StoryOptions) else StoryOptions()
            return prompts.story(words, wanted, voice, max_tokens)
        case Command.TRANSLATE:
            languages = options if isinstance(options, TranslateOptions) else TranslateOptions("")
            return prompts.translate(words, languages, max_tokens)
