"""What holds in a scope, after inheritance: operator, then server, then channel. Pure."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final, TypeVar

from bot.choices import GUILD_ONLY, Choices
from bot.config import Settings
from bot.domain import Command, Place, Policy, Request, Scope, Setting, Surroundings, Visibility
from bot.errors import Refused
from bot.i18n import N_

PAUSED: Final = N_("The admins of this server have paused me here. Please ask again later.")
COMMAND_OFF: Final = N_(
    "/{command} is switched off in this channel. /help shows what you can use here instead."
)
MODEL_NOT_HERE: Final = N_(
    "The model {model} may not be chosen in this channel. Leave the model out, or choose one from the list."
)

TIME_ZONE: Final = "UTC"
"""What holds where a server's admins chose nothing."""

T = TypeVar("T")


def require_served(settings: Settings, scope: Scope) -> None:
    """See that the operator serves this person, this server or direct messages.

    Raises:
        Refused: not so.
    """
    if scope.user_id in settings.blocked_users or scope.guild_id in settings.blocked_guilds:
        raise Refused(N_("The person who runs this bot has switched it off for you or for this server."))
    if not governed(scope):
        if not settings.direct_messages:
            raise Refused(N_("This bot answers only in servers. Please ask in a server that has it."))
    elif settings.allowed_guilds and scope.guild_id not in settings.allowed_guilds:
        raise Refused(N_("This bot does not serve this server. The person who runs it can allow it."))


def governed(scope: Scope) -> bool:
    """Whether a server's admins decide about a scope: not in direct messages and user-installed use."""
    return scope.guild_id is not None and scope.surroundings is not Surroundings.USER_INSTALL


def resolve_policy(
    settings: Settings, offered: Collection[str], guild: Choices | None = None, channel: Choices | None = None
) -> Policy:
    """Return what holds in a channel, from what the operator set and what admins chose.

    - The closest place that chose something decides: the channel, then its server, then the operator. A
      thread has the choices of its parent.
    - Nothing widens what the operator allows: an answer is never longer than the operator's longest, and a
      model that the operator does not offer (``offered``) is as not chosen.
    - A pause of the server holds in every channel.
    - Where notices go, the time zone and the retention are the server's alone.
    - ``origins`` tells the place that each value comes from; the operator's is ``Place.BOT``.

    >>> from types import SimpleNamespace
    >>> operator = SimpleNamespace(default_model="small", max_answer_tokens=1000, records_days=365)
    >>> def example(setting, guild=None, channel=None):
    ...     places = [Choices(**{setting: value}) for value in (guild, channel)]
    ...     policy = resolve_policy(operator, {"small", "large"}, *places)
    ...     value = getattr(policy, setting)
    ...     print(sorted(value) if isinstance(value, frozenset) else value, policy.origins[Setting(setting)])
    >>> example("model")                                       # nothing chosen: the operator's
    small bot
    >>> example("model", "large")                              # the server's
    large guild
    >>> example("model", "large", "small")                     # the channel's
    small channel
    >>> example("model", "large", "removed")                   # one that is not offered any more
    large guild
    >>> example("longest_answer", 500, 800)                    # a channel may have more than its server
    800 channel
    >>> example("longest_answer", 500, 4000)                   # never more than the operator allows
    1000 bot
    >>> example("commands", frozenset({Command.ASK}), frozenset({Command.STORY}))
    [<Command.STORY: 'story'>] channel
    >>> example("commands", frozenset())                       # none is a choice, too
    [] guild
    >>> example("models")                                      # all that are offered
    ['large', 'small'] bot
    >>> example("models", frozenset({"large", "removed"}))     # and the model that answers by itself
    ['large', 'small'] guild
    >>> example("private", True, False)
    False channel
    >>> example("persona", "a pirate")
    a pirate guild
    >>> example("paused", True, False)                         # a channel cannot end the server's pause
    True guild
    >>> example("paused", None, True)
    True channel
    >>> example("time_zone")
    UTC bot
    >>> example("time_zone", "Europe/Berlin", "Asia/Tokyo")    # the server's alone
    Europe/Berlin guild
    """
    guild, channel = guild or Choices(), channel or Choices()
    origins: dict[Setting, Place] = {}

    def closest(setting: Setting, operators: T) -> T:
        places = [(Place.CHANNEL, channel), (Place.GUILD, guild)]
        for place, choices in places[1:] if setting in GUILD_ONLY else places:
            chosen: T | None = getattr(choices, setting.value)
            if chosen is not None and (setting is not Setting.MODEL or chosen in offered):
                origins[setting] = place
                return chosen
        origins[setting] = Place.BOT
        return operators

    model = closest(Setting.MODEL, settings.default_model)
    models = closest(Setting.MODELS, frozenset(offered)) & frozenset(offered)
    longest_answer = closest(Setting.LONGEST_ANSWER, settings.max_answer_tokens)
    if longest_answer > settings.max_answer_tokens:
        longest_answer = settings.max_answer_tokens
        origins[Setting.LONGEST_ANSWER] = Place.BOT
    paused = closest(Setting.PAUSED, False)  # noqa: FBT003 - the operator's value
    if guild.paused:
        paused = True
        origins[Setting.PAUSED] = Place.GUILD
    return Policy(
        model=model,
        models=models | {model},
        longest_answer=longest_answer,
        commands=closest(Setting.COMMANDS, frozenset(Command)),
        private=closest(Setting.PRIVATE, False),  # noqa: FBT003 - the operator's value
        persona=closest(Setting.PERSONA, ""),
        language=closest(Setting.LANGUAGE, None),
        paused=paused,
        notices=closest(Setting.NOTICES, None),
        time_zone=closest(Setting.TIME_ZONE, TIME_ZONE),
        retention_days=closest(Setting.RETENTION_DAYS, settings.records_days),
        origins=origins,
    )


def under(policy: Policy, request: Request) -> Request:
    """Return the request with what the place decides where the person did not: who sees the answer, and in
    which language the bot speaks.
    """
    visibility = request.visibility
    if visibility is Visibility.INHERITED:
        visibility = Visibility.PRIVATE if policy.private else Visibility.PUBLIC
    return replace(request, visibility=visibility, locale=policy.language or request.locale)


def require_open(policy: Policy, request: Request) -> None:
    """See that the place takes requests for this command.

    Raises:
        Refused: it is paused, or the command is off.
    """
    if policy.paused:
        raise Refused(PAUSED)
    if request.command not in policy.commands:
        raise Refused(COMMAND_OFF, command=request.command.value)


def require_model(policy: Policy, request: Request) -> None:
    """See that the place allows the model that the person chose.

    Raises:
        Refused: not so.
    """
    if request.model is not None and request.model not in policy.models:
        raise Refused(MODEL_NOT_HERE, model=request.model)
