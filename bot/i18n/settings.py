"""How settings are said: what each is called, what it is set to, where that comes from, and what it takes."""

from typing import Final, cast

from babel import Locale

from bot.choices import LONGEST_PERSONA, checked
from bot.config import FEWEST_RECORDS_DAYS, FEWEST_TOKENS, MOST_RECORDS_DAYS, MOST_TOKENS
from bot.domain import Command, Place, Policy, Setting
from bot.i18n.speech import N_, Language

LONGEST_SHOWN: Final = 300
"""Characters of a persona or of a list that are shown."""

LABELS: Final = {
    Setting.COMMANDS: N_("Commands"),
    Setting.MODEL: N_("Model"),
    Setting.MODELS: N_("Models to choose from"),
    Setting.LONGEST_ANSWER: N_("Longest answer"),
    Setting.PRIVATE: N_("Answers"),
    Setting.PERSONA: N_("Persona"),
    Setting.LANGUAGE: N_("Language of replies"),
    Setting.PAUSED: N_("Pause"),
    Setting.NOTICES: N_("Notices"),
    Setting.TIME_ZONE: N_("Time zone"),
    Setting.RETENTION_DAYS: N_("Retention of records"),
}
WANTS: Final = {
    Setting.COMMANDS: N_("wants a list of ask, summarize, story and translate"),
    Setting.MODEL: N_("wants the name of a model that can be chosen here"),
    Setting.MODELS: N_("wants a list of names of models that can be chosen here"),
    Setting.LONGEST_ANSWER: N_("wants a whole number from {fewest} to {most}"),
    Setting.PRIVATE: N_("wants true or false"),
    Setting.PERSONA: N_("wants a text of at most {longest} characters"),
    Setting.LANGUAGE: N_("wants a language such as en-US or zh-CN"),
    Setting.PAUSED: N_("wants true or false"),
    Setting.NOTICES: N_("wants the id of a text channel of this server"),
    Setting.TIME_ZONE: N_("wants a time zone such as Europe/Berlin"),
    Setting.RETENTION_DAYS: N_("wants a whole number of days from {fewest_days} to {most_days}"),
}
"""What follows the name of a setting that is wrong."""


def label(language: Language, setting: Setting) -> str:
    """Return what a setting is called."""
    return language.say(LABELS[setting])


def wants(language: Language, setting: Setting, most_tokens: int = MOST_TOKENS) -> str:
    """Return what a setting takes, in words that follow its name."""
    bounds = {"fewest": FEWEST_TOKENS, "most": most_tokens, "longest": LONGEST_PERSONA}
    return language.say(
        WANTS[setting], **bounds, fewest_days=FEWEST_RECORDS_DAYS, most_days=MOST_RECORDS_DAYS
    )


def origin(language: Language, policy: Policy, setting: Setting, here: Place) -> str:
    """Return where a value comes from, for people who look at the settings of a place of kind ``here``; empty
    for what the operator set.
    """
    match policy.origins[setting]:
        case Place.BOT:
            return ""
        case place if place is here:
            return language.say(N_("chosen here"))
        case _:
            return language.say(N_("as in the whole server"))


def value(language: Language, policy: Policy, setting: Setting) -> str:
    """Return what a setting is, in the reader's words."""
    return said(language, setting, getattr(policy, setting.value))


def stored_value(language: Language, setting: Setting, stored: object) -> str:
    """Return what a stored choice is; None is none."""
    if stored is None:
        return language.say(N_("as inherited"))
    try:
        choices = checked(setting, stored)
    except ValueError:
        return str(stored)[:LONGEST_SHOWN]
    return said(language, setting, getattr(choices, setting.value))


def language_called(language: Language, code: str) -> str:
    """Return what readers call a language that replies can be set to."""
    called = Locale.parse(code, sep="-").get_display_name(language.locale)
    return called or code


def said(language: Language, setting: Setting, found: object) -> str:  # noqa: C901, PLR0911 - one each
    """Return a setting's value in the reader's words; ``found`` is of the setting's own type."""
    say = language.say
    match setting:
        case Setting.COMMANDS:
            on = cast("frozenset[Command]", found)
            names = [f"/{language.name(command.value)}" for command in Command if command in on]
            return ", ".join(names) or say(N_("none"))
        case Setting.MODELS:
            return _short(", ".join(sorted(cast("frozenset[str]", found)))) or say(N_("none"))
        case Setting.LONGEST_ANSWER:
            return language.plural(N_("{n} token"), N_("{n} tokens"), cast("int", found))
        case Setting.PRIVATE:
            return say(N_("private unless asked otherwise")) if found else say(N_("for everybody to see"))
        case Setting.LANGUAGE:
            return say(N_("each reader's own")) if found is None else language_called(language, str(found))
        case Setting.PAUSED:
            return say(N_("I answer nobody")) if found else say(N_("I answer"))
        case Setting.NOTICES:
            return say(N_("nowhere")) if found is None else f"<#{found}>"
        case Setting.RETENTION_DAYS:
            return language.plural(N_("{n} day"), N_("{n} days"), cast("int", found))
        case Setting.PERSONA:
            return _short(" ".join(str(found).split())) or say(N_("none"))
        case Setting.MODEL | Setting.TIME_ZONE:
            return str(found)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
