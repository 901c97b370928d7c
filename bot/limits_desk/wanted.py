"""The limits that admins want, as they write them."""

from dataclasses import dataclass
from typing import Final

from bot.config import MOST_DOLLARS, MOST_REQUESTS
from bot.domain import NANO, Command, Limit, Metric, Place, Subject, Window
from bot.errors import BadRequest
from bot.i18n import N_, Language
from bot.i18n.numbers import nano_dollars, whole_number
from bot.limits import EXEMPT
from bot.limits.resolve import identified

LONGEST_AMOUNT: Final = 30
"""Characters."""
MOST: Final = {
    Metric.REQUESTS: MOST_REQUESTS,
    Metric.TOKENS: 1_000_000_000_000,
    Metric.CONCURRENT: 1_000,
}

EXEMPT_WORD: Final = N_("exempt")
"""What is written in place of an amount."""
NO_AMOUNT: Final = N_("The amount wants to be a whole number from 1 to {most}, such as {example}.")
NO_DOLLARS: Final = N_(
    "The amount wants to be in dollars, more than nothing and at most {most}, such as {example}."
)
NO_ROLE: Final = N_("Only a role can be exempt. Say which one as “{option}”.")
NOT_BOTH: Final = N_("A limit is for everyone together or for a role, not for both. Leave one of them out.")
EVERYBODYS_ROLE: Final = N_("Everyone has this role. Leave it out: then the limit is for each member.")
NO_WINDOW: Final = N_("Only answers are counted at once. Choose a minute, an hour, a day or a month instead.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A limit as an admin writes it. ``role_id`` is None where it is for no role.

    What is counted at the same time has no other window, and the other way round.
    """

    metric: Metric
    amount: str
    window: Window
    place: Place
    place_id: int
    subject: Subject = Subject.USER
    role_id: int | None = None
    command: Command | None = None

    def limit(self, guild_id: int, language: Language) -> Limit:
        """Return the limit that is meant in a server.

        Raises:
            BadRequest: there can be none.
        """
        subject = self.subject
        if self.role_id is not None:
            if subject is Subject.EVERYONE:
                raise BadRequest(NOT_BOTH)
            if self.role_id == guild_id:
                raise BadRequest(EVERYBODYS_ROLE)
            subject = Subject.ROLE
        metric, window = self.metric, self.window
        if metric is Metric.REQUESTS and window is Window.NOW:
            metric = Metric.CONCURRENT
        elif metric is Metric.CONCURRENT:
            window = Window.NOW
        elif window is Window.NOW:
            raise BadRequest(NO_WINDOW)
        return identified(
            Limit(
                id=0,
                place=self.place,
                place_id=self.place_id,
                subject=subject,
                metric=metric,
                window=window,
                amount=_amount(language, metric, self.amount, for_role=subject is Subject.ROLE),
                role_id=self.role_id or 0,
                command=self.command,
                guild_id=guild_id,
            )
        )


def _amount(language: Language, metric: Metric, text: str, *, for_role: bool) -> int:
    """The amount in its metric's own unit, or ``EXEMPT``."""
    if text.strip().casefold() in {EXEMPT_WORD, language.say(EXEMPT_WORD)}:
        if not for_role:
            raise BadRequest(NO_ROLE, option=language.name("role"))
        return EXEMPT
    if metric is Metric.COST:
        most = MOST_DOLLARS * NANO
        nano = nano_dollars(text, language.locale)
        if nano is None or not 1 <= nano <= most:
            raise BadRequest(NO_DOLLARS, most=language.money(most), example=language.money(5 * NANO // 2))
        return nano
    amount = whole_number(text)
    if amount is None or not 1 <= amount <= MOST[metric]:
        raise BadRequest(NO_AMOUNT, most=MOST[metric], example=20)
    return amount
