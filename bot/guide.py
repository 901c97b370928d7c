"""What /help says: what the bot can do in a place, and which model answers there. Pure."""

from bot.config import Settings
from bot.domain import Command, Policy, Scope, Surroundings
from bot.i18n import N_, Language
from bot.policy import PAUSED

WHO_ANSWERS = N_(
    "I pass what you ask on to a language model and write its answer here. Here it is **{model}**."
)
HEADING = N_("What you can do here:")
COMMANDS = {
    Command.ASK: N_("`/ask`: ask anything, also about a text file"),
    Command.SUMMARIZE: N_("`/summarize`: sum up a text or a text file"),
    Command.STORY: N_("`/story`: have a story told from your idea"),
    Command.TRANSLATE: N_("`/translate`: translate a text into any language"),
}
MESSAGES = N_("`/summarize messages`: sum up the last messages of this channel, if you may read them")
MESSAGES_DIRECT = N_("`/summarize messages`: sum up the last messages between us")
MENTION = N_("Mention me in a message, or answer one of mine, to ask without a command")
DIRECT = N_("Just write to me here, without a command")
WRITE_TO_ME = N_("Write me a direct message to ask where nobody else reads along")
PRIVATE = N_("With `private`, only you see the answer.")
BUTTONS = N_("Stop ends an answer early; Details tells how it was made.")
ADMINS = N_(
    "You may manage this server: `/limits` decides what may be used here, `/settings panel` what I do, and "
    "`/usage server` shows what was used."
)
CAUTION = N_("Models make mistakes. Check what matters before you rely on it.")


def guide(language: Language, settings: Settings, policy: Policy, scope: Scope, *, manages: bool) -> str:
    """The whole text, for a place that the operator serves; ``manages`` tells of a server's admin there."""
    for_admins = (language.say(ADMINS),) if manages and scope.surroundings is Surroundings.GUILD else ()
    if policy.paused or not policy.commands:
        return "\n\n".join((language.say(PAUSED), *for_admins))
    is_direct = scope.surroundings is Surroundings.BOT_DM
    can = []
    for command, line in COMMANDS.items():
        if command in policy.commands:
            can.append(line)
            if command is Command.SUMMARIZE and scope.surroundings is not Surroundings.USER_INSTALL:
                can.append(MESSAGES_DIRECT if is_direct else MESSAGES)
    match scope.surroundings:
        case Surroundings.GUILD:
            if Command.ASK in policy.commands:
                can.append(MENTION)
            if settings.direct_messages:
                can.append(WRITE_TO_ME)
        case Surroundings.BOT_DM:
            can.append(DIRECT)
        case Surroundings.USER_INSTALL:
            pass
    say = language.say
    # Between the two of them, nobody else sees any answer.
    about = (BUTTONS, CAUTION) if is_direct else (PRIVATE, BUTTONS, CAUTION)
    listed = "\n".join(f"- {say(line)}" for line in can)
    return "\n\n".join(
        (
            say(WHO_ANSWERS, model=policy.model),
            f"{say(HEADING)}\n{listed}",
            "\n".join(say(line) for line in about),
            *for_admins,
        )
    )
