"""The changes that admins made, page by page, and what is said of a single one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from discord import ui

from bot.config import LARGEST_ID
from bot.domain import Limit, Setting
from bot.i18n import N_, Language
from bot.i18n.limits import rule
from bot.i18n.settings import label, stored_value
from bot.limits_desk.look import Names
from bot.replies.inert import inert
from bot.replies.split import MESSAGE_UNITS
from bot.replies.units import units
from bot.store.audit import AuditRow, ChangedMeanwhile, ChangeKind, Json
from bot.store.limits import limit_of
from bot.store.usage import NOBODY

HISTORY_ID: Final = r"history:(?P<number>\d{1,19})"
NEWEST: Final = LARGEST_ID
"""Every change was made before it."""
MOST_ROWS: Final = 10

HEADING: Final = N_("**What admins changed**, newest first")
NOTHING: Final = N_("No admin has changed a setting or a limit yet.")
SET: Final = N_("Set: {limit}")
BEFORE: Final = N_("Before, it was {before}: {who} chose that {when}.")
AS_BEFORE: Final = N_("It was so before: {who} chose that {when}.")
CLEARED: Final = N_("Cleared: {limit}")
GONE: Final = N_("This limit is not there any more.")
GONE_BY: Final = N_("This limit is not there any more: {who} cleared it {when}.")
CHANGED: Final = N_(
    "This limit has changed since it was offered to you: it is now {now}. It was not cleared. Choose it "
    "again if you still want that."
)
CHANGED_BY: Final = N_(
    "{who} has changed this limit since it was offered to you: it is now {now}. It was not cleared. Choose "
    "it again if you still want that."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes, newest first."""

    text: str
    older: int | None
    """The change that those of the next page were made before; None on the last page."""
    is_newest: bool


def page(names: Names, rows: Sequence[AuditRow], before_id: int) -> Page:
    """Return as many changes as fit a message; ``rows`` has one more than a page may hold, where there is."""
    say = names.language.say
    if not rows:
        return Page(say(NOTHING), None, is_newest=True)
    lines = [say(HEADING)]
    for row in rows[:MOST_ROWS]:
        line = _told(names, row)
        if units("\n".join([*lines, line])) > MESSAGE_UNITS:
            break
        lines.append(line)
    shown = len(lines) - 1
    older = rows[shown - 1].id if shown < len(rows) else None
    return Page("\n".join(lines), older, is_newest=before_id == NEWEST)


def page_view(shown: Page, language: Language) -> ui.View | None:
    """Return the buttons below a page, which know by their ids where to go; None where there is no other.

    The view is stopped at once: presses are dispatched by their ids, so none has to be kept.
    """
    turns = []
    if not shown.is_newest:
        turns.append((language.say(N_("Newest")), NEWEST))
    if shown.older is not None:
        turns.append((language.say(N_("Older")), shown.older))
    if not turns:
        return None
    view = ui.View(timeout=None)
    for text, before_id in turns:
        view.add_item(ui.Button(label=text, custom_id=f"history:{before_id}"))
    view.stop()
    return view


def said_set(names: Names, limit: Limit, last: AuditRow | None) -> str:
    """Return what is said of a limit that was set, and of what it was before."""
    said = [names.language.say(SET, limit=names.title(limit))]
    if last is not None and last.after is not None:
        before = limit_of(last, last.after)
        message = AS_BEFORE if before.amount == limit.amount else BEFORE
        said.append(names.language.say(message, before=rule(names.language, before), **_by(names, last)))
    return "\n".join(said)


def said_cleared(names: Names, last: AuditRow | None, *, was_there: bool) -> str:
    """Return what is said of a limit that was to be cleared; ``last`` is who did."""
    say = names.language.say
    if last is None:
        return say(GONE)
    if was_there:
        return say(CLEARED, limit=names.title(limit_of(last, last.before)))
    return say(GONE_BY, **_by(names, last))


def said_changed(names: Names, meanwhile: ChangedMeanwhile) -> str:
    """Return what is said of a limit that another admin changed after it was offered."""
    now = rule(names.language, limit_of(meanwhile.change, meanwhile.now))
    if meanwhile.last is None or meanwhile.last.user_id == NOBODY:
        return names.language.say(CHANGED, now=now)
    return names.language.say(CHANGED_BY, now=now, **_by(names, meanwhile.last))


def _by(names: Names, row: AuditRow) -> dict[str, object]:
    return {"who": _who(names, row), "when": row.at}


def _who(names: Names, row: AuditRow) -> str:
    """Who made a change; one whose data was erased has no name."""
    return f"<@{row.user_id}>" if row.user_id != NOBODY else names.language.say(N_("somebody"))


def _told(names: Names, row: AuditRow) -> str:
    """One change on one line."""
    at = f"<t:{int(row.at.timestamp())}:f>"
    before, after = _value(names, row, row.before), _value(names, row, row.after)
    place = names.where(row.place, row.place_id)
    return f"- {at} {_who(names, row)} · **{_thing(names, row)}** · *{place}*: {before} → {after}"


def _thing(names: Names, row: AuditRow) -> str:
    """What was changed: a setting, or the limit of whom."""
    if row.kind is ChangeKind.SETTING:
        return label(names.language, Setting(row.name))
    return names.whose(limit_of(row, row.before if row.after is None else row.after))


def _value(names: Names, row: AuditRow, value: Json) -> str:
    """What it was, or became."""
    if row.kind is ChangeKind.SETTING:
        said = stored_value(names.language, Setting(row.name), value)
        return inert(said)
    if value is None:
        return names.language.say(N_("no limit"))
    return rule(names.language, limit_of(row, value))
