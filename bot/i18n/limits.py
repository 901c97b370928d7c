"""How limits are said: what each allows, to whom and where, how full it is, and what it refuses."""

from datetime import datetime
from typing import Final

from bot.domain import Limit, Metric, Place, Subject, Window
from bot.errors import LimitReached, Remains
from bot.i18n.speech import N_, Language

SPANS: Final = {
    Window.NOW: N_("at once"),
    Window.MINUTE: N_("this minute"),
    Window.HOUR: N_("this hour"),
    Window.DAY: N_("today"),
    Window.MONTH: N_("this month"),
}
PER: Final = {
    Window.NOW: N_("at once"),
    Window.MINUTE: N_("a minute"),
    Window.HOUR: N_("an hour"),
    Window.DAY: N_("a day"),
    Window.MONTH: N_("a month"),
}
METRICS: Final = {
    Metric.REQUESTS: N_("requests"),
    Metric.TOKENS: N_("tokens"),
    Metric.COST: N_("dollars"),
    Metric.CONCURRENT: N_("answers"),
}
WHOSE: Final = {
    Subject.USER: N_("Each member"),
    Subject.ROLE: N_("Each member with {role}"),
    Subject.GUILD: N_("Each server"),
    Subject.EVERYONE: N_("Everyone together"),
}
WHERE: Final = {
    Place.BOT: N_("set by the operator"),
    Place.GUILD: N_("in the whole server"),
    Place.CATEGORY: N_("in {place}"),
    Place.CHANNEL: N_("in {place}"),
}
SET_FOR: Final = {
    Place.BOT: N_("The operator of this bot set this limit."),
    Place.GUILD: N_("This limit is set for the whole server."),
    Place.CATEGORY: N_("This limit is set for this category."),
    Place.CHANNEL: N_("This limit is set for this channel."),
}
STILL_REACHED: Final = N_("The limit of {rule} is still reached. It starts anew {when}.")
STILL_BUSY: Final = N_("The limit of {rule} is still reached. Please wait until a running answer ends.")
NEARLY_USED: Final = N_(
    "**{percent}% of a budget is used:** {used} of {amount} {span}, {where}. It starts anew {when}."
)
USED_UP: Final = N_(
    "**A budget is used up:** {used} of {amount} {span}, {where}. What it cannot pay for is refused until it "
    "starts anew {when}."
)
ALONE: Final = N_("This limit is for /{command} alone.")


def rule(language: Language, limit: Limit) -> str:
    """Return how much a limit allows in which time, such as "20 requests a day"."""
    per = language.say(PER[limit.window])
    if limit.amount < 0:
        what = language.say(METRICS[limit.metric])
        said = language.say(N_("exempt from the limit of {what} {per}"), what=what, per=per)
    else:
        said = language.say(N_("{amount} {per}"), amount=_amount(language, limit), per=per)
    if limit.command is None:
        return said
    return language.say(N_("{rule} for /{command}"), rule=said, command=language.name(limit.command.value))


def whose(language: Language, limit: Limit, role: str) -> str:
    """Return whose use a limit counts; ``role`` is what its role is called."""
    return language.say(WHOSE[limit.subject], role=role)


def where(language: Language, place: Place, called: str) -> str:
    """Return where something was set; ``called`` is what its channel or category is called."""
    return language.say(WHERE[place], place=called)


def used(language: Language, limit: Limit, amount: int) -> str:
    """Return how much of a limit is used, with the person's own use said to be theirs."""
    shown = _short(language, limit, amount)
    if limit.subject in {Subject.USER, Subject.ROLE}:
        return language.say(N_("{used} used by you"), used=shown)
    return language.say(N_("{used} used"), used=shown)


def budget_notice(
    language: Language, limit: Limit, amount: int, percent: int, called: str, resets_at: datetime
) -> str:
    """Return what admins are told of a budget of which ``amount`` nano-dollars are used; ``called`` is what
    its channel or category is called.
    """
    fields = {
        "used": language.money(amount),
        "amount": language.money(limit.amount),
        "span": language.say(SPANS[limit.window]),
        "where": where(language, limit.place, called),
        "when": resets_at,
    }
    if percent < 100:  # noqa: PLR2004 - percent
        said = [language.say(NEARLY_USED, percent=max(percent, 100 * amount // limit.amount), **fields)]
    else:
        said = [language.say(USED_UP, **fields)]
    return language.joined(said + _alone(language, limit))


def limit_reached(language: Language, error: LimitReached) -> str:
    """Say it in a few short sentences; only which limit it is, and until when, where the person was told
    before, perhaps elsewhere.
    """
    limit = error.limit
    if error.again:
        if error.resets_at is None:
            return language.say(STILL_BUSY, rule=rule(language, limit))
        return language.say(STILL_REACHED, rule=rule(language, limit), when=error.resets_at)
    said = [_used(language, limit, error.used), language.say(SET_FOR[limit.place])]
    if limit.subject is Subject.ROLE:
        said.append(language.say(N_("It is for members with {role}."), role=f"<@&{limit.role_id}>"))
    said += _alone(language, limit)
    if error.resets_at is not None:
        said.append(language.say(N_("It starts anew {when}."), when=error.resets_at))
    elif limit.metric is Metric.CONCURRENT:
        said.append(language.say(N_("Please wait until one of them ends, or stop it.")))
    if left := _left(language, limit, limit.amount - error.used):
        said.append(left)
    return language.joined(said + _remains(language, error.remains))


def _used(language: Language, limit: Limit, used: int) -> str:
    """Whose limit it is, and how much of it is used."""
    fields = {"used": _short(language, limit, used), "amount": _amount(language, limit)}
    span = language.say(SPANS[limit.window])
    if limit.subject in {Subject.USER, Subject.ROLE}:
        return language.say(N_("You have used {used} of your {amount} {span}."), **fields, span=span)
    if limit.subject is Subject.GUILD or limit.place is Place.GUILD:
        return language.say(N_("This server has used {used} of its {amount} {span}."), **fields, span=span)
    if limit.place is Place.BOT:
        return language.say(
            N_("Everyone together has used {used} of this bot's {amount} {span}."), **fields, span=span
        )
    if limit.place is Place.CATEGORY:
        return language.say(N_("This category has used {used} of its {amount} {span}."), **fields, span=span)
    return language.say(N_("This channel has used {used} of its {amount} {span}."), **fields, span=span)


def _alone(language: Language, limit: Limit) -> list[str]:
    if limit.command is None:
        return []
    return [language.say(ALONE, command=language.name(limit.command.value))]


def _amount(language: Language, limit: Limit) -> str:
    match limit.metric:
        case Metric.REQUESTS:
            return language.plural(N_("{n} request"), N_("{n} requests"), limit.amount)
        case Metric.TOKENS:
            return language.plural(N_("{n} token"), N_("{n} tokens"), limit.amount)
        case Metric.CONCURRENT:
            return language.plural(N_("{n} answer"), N_("{n} answers"), limit.amount)
        case Metric.COST:
            return language.money(limit.amount)


def _short(language: Language, limit: Limit, used: int) -> str:
    return language.money(used) if limit.metric is Metric.COST else language.number(used)


def _left(language: Language, limit: Limit, left: int) -> str:
    """What still fits, where a smaller request would."""
    if left <= 0 or limit.metric not in {Metric.COST, Metric.TOKENS}:
        return ""
    if limit.metric is Metric.COST:
        return language.say(N_("{left} is left: a shorter request may still fit."), left=language.money(left))
    return language.plural(
        N_("{n} token is left: a shorter request may still fit."),
        N_("{n} tokens are left: a shorter request may still fit."),
        left,
    )


def _remains(language: Language, remains: Remains) -> list[str]:
    """What the person can do instead."""
    said = []
    if remains.model is not None:
        said.append(
            language.say(
                N_("The model {model} is cheap enough: choose it as “{option}”."),
                model=remains.model,
                option=language.name("model"),
            )
        )
    if remains.channel_id is not None:
        said.append(language.say(N_("You can still ask in {channel}."), channel=f"<#{remains.channel_id}>"))
    return said
