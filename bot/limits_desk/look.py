"""What admins see of limits: the lines of an overview, and how full each limit is as a bar."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.domain import Command, Limit, Metric, Place, Subject, Window
from bot.errors import ParlanceError
from bot.i18n import N_, Language
from bot.i18n.limits import rule, used, where, whose
from bot.limits.entries import Level
from bot.limits.standing import Overview, Standing
from bot.limits_desk.directory import Directory
from bot.replies.split import MESSAGE_UNITS
from bot.replies.units import units
from bot.store.settings import Reaching

BLOCKS: Final = 10
FULL, EMPTY = "▰", "▱"

HEADING: Final = N_("**Limits in {place}**")
PAUSED: Final = N_("I am paused in this server and answer nobody. /limits resume ends that.")
PAUSED_HERE: Final = N_("I am paused in this channel and answer nobody here. /settings panel ends that.")
NONE_HERE: Final = N_("The admins set none here.")
OPERATORS: Final = N_("**The operator's ceilings**, on top of all others")
LEFT_OVER: Final = N_("**Of deleted channels and roles:** they do no harm; /limits clear takes them away")


@dataclass(frozen=True, slots=True)
class Names:
    """How limits are called for one reader, with the names of one server."""

    language: Language
    directory: Directory

    def title(self, limit: Limit) -> str:
        """Whose use a limit counts, what it allows, and where it was set."""
        place = self.where(limit.place, limit.place_id)
        return f"**{self.whose(limit)}** · {rule(self.language, limit)} · *{place}*"

    def choice(self, limit: Limit) -> str:
        """The same where nothing but plain text is shown."""
        role = self.directory.role(self.language, limit.role_id, mention=False)
        place = self.directory.place(self.language, limit.place, limit.place_id, mention=False)
        parts = (
            whose(self.language, limit, role),
            rule(self.language, limit),
            where(self.language, limit.place, place),
        )
        return " · ".join(parts)

    def whose(self, limit: Limit) -> str:
        """Whose use a limit counts."""
        return whose(self.language, limit, self.directory.role(self.language, limit.role_id))

    def where(self, place: Place, place_id: int) -> str:
        """Where something was set."""
        return where(self.language, place, self.directory.place(self.language, place, place_id))


def board(names: Names, overview: Overview, called: str, reaching: Reaching) -> list[str]:
    """Return the messages that show how the limits of a place stand; ``called`` is what it is called."""
    say = names.language.say
    lines = [say(HEADING, place=called)]
    if reaching.guild.paused:
        lines.append(f"> {say(PAUSED)}")
    elif reaching.channel.paused:
        lines.append(f"> {say(PAUSED_HERE)}")
    here = sorted(overview.here, key=lambda standing: _order(standing.limit))
    set_here = [_entry(names, standing) for standing in here if standing.limit.place is not Place.BOT]
    lines += set_here or [say(NONE_HERE)]
    operators = [_entry(names, standing) for standing in here if standing.limit.place is Place.BOT]
    if operators:
        lines += ["", say(OPERATORS), *operators]
    left_over = [names.title(limit) for limit in overview.everywhere if not names.directory.has(limit)]
    if left_over:
        lines += ["", say(LEFT_OVER), *left_over]
    return list(messages(lines))


def verdicts(
    language: Language, member: str, called: str, found: Mapping[Command, ParlanceError | None]
) -> str:
    """Return what would become of a member's request now, command by command."""
    told: dict[str, list[str]] = {}
    for command, error in found.items():
        becomes = language.say(N_("would be answered")) if error is None else language.error(error)
        told.setdefault(becomes, []).append(f"/{language.name(command.value)}")
    heading = language.say(N_("If {member} asked in {place} now:"), member=member, place=called)
    return "\n".join([heading, *(f"- {', '.join(names)}: {becomes}" for becomes, names in told.items())])


def bar(level: Level) -> str:
    """Return how full a limit is as ten blocks; one is full as soon as anything is used, all when all is.

    >>> from bot.domain import Metric, Subject, Window
    >>> from bot.store.rows import Hold
    >>> limit = Limit(1, Place.GUILD, 7, Subject.USER, Metric.REQUESTS, Window.DAY, 30)
    >>> [bar(Level(limit, Hold(1, 1, 0, 0, Metric.REQUESTS), 0, used)) for used in (0, 1, 15, 29, 30, 99)]
    ['▱▱▱▱▱▱▱▱▱▱', '▰▱▱▱▱▱▱▱▱▱', '▰▰▰▰▰▱▱▱▱▱', '▰▰▰▰▰▰▰▰▰▱', '▰▰▰▰▰▰▰▰▰▰', '▰▰▰▰▰▰▰▰▰▰']
    """
    share = 1.0 if level.limit.amount <= 0 else level.used / level.limit.amount
    full = min(BLOCKS, max(int(share * BLOCKS), 1 if level.used > 0 else 0))
    return FULL * full + EMPTY * (BLOCKS - full)


def messages(lines: Iterable[str]) -> Iterator[str]:
    """Yield messages that hold these lines, as many as fit in each."""
    message = ""
    for line in lines:
        longer = f"{message}\n{line}" if message else line
        if units(longer) > MESSAGE_UNITS:
            yield message
            longer = line
        message = longer
    yield message


def _order(limit: Limit) -> tuple[int, ...]:
    """Where a limit stands among others: by what it counts, in which window, whose use."""
    return (
        [*Metric].index(limit.metric),
        [*Window].index(limit.window),
        [*Subject].index(limit.subject),
        limit.id,
    )


def _entry(names: Names, standing: Standing) -> str:
    """A limit, and below it how full it is."""
    language, level = names.language, standing.level
    told = []
    if level is not None:
        told.append(f"{bar(level)} {used(language, level.limit, level.used)}")
        if level.resets_at is not None:
            told.append(language.say(N_("anew {when}"), when=level.resets_at))
    if standing.refused:
        told.append(language.plural(N_("refused {n} time"), N_("refused {n} times"), standing.refused))
    title = names.title(standing.limit)
    return f"{title}\n-# {' · '.join(told)}" if told else title
