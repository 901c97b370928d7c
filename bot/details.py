"""What the Details button shows: how an answer was made. Pure."""

from collections.abc import Sequence

from bot.domain import Ending, Scope, Visibility
from bot.i18n import N_, Language
from bot.ids import short
from bot.store import PredictionRow, UsageRow

CALLS_SHOWN = 8
"""Model calls listed one by one; the others are counted."""

ENDINGS: dict[Ending | None, str] = {
    None: N_("still running"),
    Ending.DONE: N_("complete"),
    Ending.STOPPED: N_("stopped by a person"),
    Ending.FAILED: N_("failed"),
    Ending.REFUSED: N_("refused"),
    Ending.TIMED_OUT: N_("took too long"),
    Ending.SHUTDOWN: N_("ended by a restart of the bot"),
    Ending.LOST: N_("could not be shown to its end"),
    Ending.UNSEEN: N_("Discord did not accept the first response"),
}

FACTS: dict[str, tuple[str, str]] = {
    "messages": (N_("{n} message"), N_("{n} messages")),
    "file_characters": (N_("a file of {n} character"), N_("a file of {n} characters")),
    "parts": (N_("in {n} part"), N_("in {n} parts")),
}
"""How the counts that a plan notes are said."""


def details(language: Language, usage: UsageRow, predictions: Sequence[PredictionRow]) -> str:
    """A few lines on one request, at most 2,000 UTF-16 units: names and texts are not on record."""
    say = language.say
    lines = [
        say(N_("**Request {id}** · {command}"), id=short(usage.id), command=f"/{usage.command.value}"),
        say(N_("Asked: {when}"), when=f"<t:{int(usage.asked_at.timestamp())}:F>"),
        say(N_("Model: {model}"), model=f"`{usage.model}`"),
        say(
            N_("Ended: {ending}"),
            ending=say(ENDINGS[usage.ending]) + (f" ({usage.error})" if usage.error else ""),
        ),
        say(
            N_("Used: {input} tokens in, {output} out, {cost}"),
            input=language.number(usage.tokens.input),
            output=language.number(usage.tokens.output),
            cost=language.money(usage.cost),
        ),
    ]
    if read := _read(language, usage):
        lines.append(say(N_("Read: {what}"), what=read))
    if usage.first_text_ms is not None and usage.total_ms is not None:
        lines.append(
            say(
                N_("Time: {first} to the first text, {total} in all"),
                first=language.seconds(usage.first_text_ms / 1000),
                total=language.seconds(usage.total_ms / 1000),
            )
        )
    lines += [_prediction(language, row) for row in predictions[:CALLS_SHOWN]]
    if len(predictions) > CALLS_SHOWN:
        more = len(predictions) - CALLS_SHOWN
        lines.append(language.plural(N_("and {n} more model call"), N_("and {n} more model calls"), more))
    return "\n".join(lines)


def may_look(usage: UsageRow, looker: Scope) -> bool:
    """Whether somebody sees an answer: who asked for it, and for a public one all who are where it stands."""
    if looker.user_id == usage.user_id:
        return True
    stands = (usage.guild_id, usage.channel_id, usage.thread_id)
    return usage.visibility is not Visibility.PRIVATE and stands == (
        looker.guild_id,
        looker.channel_id,
        looker.thread_id,
    )


def _read(language: Language, usage: UsageRow) -> str:
    """The facts that are counts, in the reader's words."""
    return " · ".join(
        language.plural(*FACTS[name], count)
        for name, count in usage.read.items()
        if name in FACTS and isinstance(count, int)
    )


def _prediction(language: Language, row: PredictionRow) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in row.settings.items() if value is not None)
    return language.say(
        N_("Prediction {id}: {state}; {settings}"),
        id=f"`{row.provider_id or '?'}`",
        state=row.state.value,
        settings=settings,
    )
