"""How a report of what was used is said, in lines that read well on a phone."""

from collections.abc import Sequence
from typing import Final

from babel.dates import format_date

from bot.i18n import N_, Language
from bot.store.usage_days import Figures
from bot.usage.report import By, Report, Share

LISTED: Final = 10
"""Shares listed one by one where a report is told apart by them."""
MENTIONED: Final = 3
"""Shares of every other kind, on one line."""

HEADINGS: Final = {
    By.CHANNEL: N_("Channels"),
    By.MEMBER: N_("Members"),
    By.COMMAND: N_("Commands"),
    By.MODEL: N_("Models"),
    By.SERVER: N_("Servers"),
}
NOTHING: Final = N_("Nothing was used in these days. Try a longer period, or come back later.")
FORGOTTEN: Final = N_("no longer known")
"""Who used what, where the person had their data erased."""


def report_text(language: Language, report: Report, title: str, by: By) -> str:
    """Return a report in words, at most 2,000 characters: figures, pace, and who used most."""
    lines = [f"**{title}** · {_days(language, report)}"]
    total = report.total
    if not total.requests and not total.refused:
        return "\n".join([*lines, language.say(NOTHING)])
    lines.append(_total(language, total))
    if report.pace:
        pace = language.say(N_("A month at this pace: about {cost}"), cost=language.money(report.pace))
        lines.append(f"-# {pace}")
    for kind, shares in report.shares.items():
        if not shares:
            continue
        heading = f"**{language.say(HEADINGS[kind])}**"
        if kind is by:
            lines += ["", heading, *_list(language, kind, shares)]
        else:
            # One more is told instead of counted: that takes no more room.
            shown = shares if len(shares) == MENTIONED + 1 else shares[:MENTIONED]
            told = [_share(language, kind, share) for share in shown]
            if len(shares) > len(shown):
                told.append(language.say(N_("{n} more"), n=len(shares) - len(shown)))
            lines.append(f"{heading} {' · '.join(told)}")
    return "\n".join(lines)


def chart_text(language: Language, report: Report, by: By) -> str:
    """Return what the picture below a report shows."""
    if by is not By.DAY:
        return ""
    if report.total.cost:
        return language.say(N_("Dollars, day by day:"))
    return language.say(N_("Requests, day by day:"))


def called(language: Language, kind: By, name: str) -> str:
    """Return how the owner of a share is shown in Discord, where ids become names only at the reader's."""
    match kind:
        case By.MEMBER:
            return f"<@{name}>" if name != "0" else language.say(FORGOTTEN)
        case By.CHANNEL:
            return f"<#{name}>"
        case By.COMMAND:
            return f"/{language.name(name)}"
        case _:
            return f"`{name}`"


def _total(language: Language, total: Figures) -> str:
    told = [
        language.money(total.cost),
        language.plural(N_("{n} request"), N_("{n} requests"), total.requests),
        language.say(
            N_("{input} tokens in, {output} out"), input=total.input_tokens, output=total.output_tokens
        ),
    ]
    if total.refused:
        told.append(language.say(N_("{n} refused"), n=total.refused))
    return " · ".join(told)


def _list(language: Language, kind: By, shares: Sequence[Share]) -> list[str]:
    lines = [
        f"{number}. {_share(language, kind, share, with_requests=True)}"
        for number, share in enumerate(shares[:LISTED], 1)
    ]
    if others := shares[LISTED:]:
        rest = sum((share.figures for share in others), Figures())
        lines.append(language.say(N_("and others: {figures}"), figures=_figures(language, rest)))
    return lines


def _share(language: Language, kind: By, share: Share, *, with_requests: bool = False) -> str:
    figures = share.figures
    if with_requests or not figures.cost:
        return f"{called(language, kind, share.name)} {_figures(language, figures)}"
    return f"{called(language, kind, share.name)} {language.money(figures.cost)}"


def _figures(language: Language, figures: Figures) -> str:
    requests = language.plural(N_("{n} request"), N_("{n} requests"), figures.requests)
    return f"{language.money(figures.cost)} · {requests}" if figures.cost else requests


def _days(language: Language, report: Report) -> str:
    first, last = report.stretch.first, report.stretch.last
    dates = [format_date(day, "medium", locale=language.locale) for day in dict.fromkeys((first, last))]
    return " – ".join(dates)
