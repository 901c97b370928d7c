"""How a plan ended, and what the person is told of that."""

import asyncio

from bot.domain import Ending
from bot.errors import BadRequest, LimitReached, ModelTimedOut, ParlanceError, Refused, Restarted
from bot.i18n import N_
from bot.ids import short
from bot.replies.footer import short_name
from bot.run import Run


def ended(
    work: "asyncio.Task[None]", interrupted: "asyncio.Future[Ending]"
) -> tuple[Ending, BaseException | None]:
    """How a plan ended, and why if it was not of itself."""
    if work.cancelled():
        return (interrupted.result() if interrupted.done() else Ending.TIMED_OUT), None
    error = work.exception()
    if error is None:
        return Ending.DONE, None
    if isinstance(error, Restarted):
        return Ending.SHUTDOWN, error
    if isinstance(error, ModelTimedOut):
        return Ending.TIMED_OUT, error
    if isinstance(error, BadRequest | Refused):
        return Ending.REFUSED, error
    return Ending.FAILED, error


def last_words(run: Run, ending: Ending, error: BaseException | None) -> str:
    """Why an answer is not whole, in one sentence; empty for one that is."""
    if error is not None:
        return sentence_of(run, error)
    match ending:
        case Ending.STOPPED:
            return run.language.say(N_("Stopped."))
        case Ending.SHUTDOWN:
            return run.language.say(Restarted.message)
        case Ending.TIMED_OUT:
            return run.language.say(ModelTimedOut.message)
        case _ if run.is_cut:
            return run.language.say(N_("The answer may have reached its longest length."))
        case _ if run.instead_of is not None:
            return run.language.say(
                N_("{model} cannot be reached right now, so another model answered."),
                model=short_name(run.instead_of),
            )
        case _:
            return ""


def sentence_of(run: Run, error: BaseException) -> str:
    """What a person is told of an error, with the request's short id to find it by, where it is on record."""
    known = error if isinstance(error, ParlanceError) else ParlanceError()
    if isinstance(known, LimitReached) and known.again:
        return run.language.error(known)
    return f"{run.language.error(known)} ({short(run.request.id)})"
