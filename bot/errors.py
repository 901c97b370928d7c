"""Everything that can go wrong in words a person can use.

    ParlanceError
    ├── BadRequest            what the person gave cannot be used; says what to give
    ├── Refused               not allowed or not now
    │   ├── LimitReached      a limit is used up; says which, how much, when it resets
    │   └── PassedOn          another process goes on with the answer; nobody is told
    ├── Unanswerable          the request was fine, the answer could not be made
    │   ├── ModelFailed       the model itself failed or gave nothing
    │   ├── ModelRejected     the provider rejects the input (422)
    │   ├── ModelBusy         too many requests at the provider (429), after waiting as told
    │   ├── ModelUnreachable  5xx, connection errors
    │   │   └── ModelPaused   so often that it is left alone for a while; says until when
    │   ├── ModelTimedOut     longer than the request's deadline
    │   ├── Restarted         the process that answered is gone, and what it knew with it
    │   ├── CredentialsRefused  401 or 403: the operator's token is wrong
    │   └── CreditExhausted   402: the operator's account has no credit
    └── ConfigError           the operator's settings are wrong; holds every fault

Each error carries a message id (an English sentence with ``{fields}``, a key of the catalogues) and the
fields that fill it. It is translated where it is said, in the language of the person who reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Limit
from bot.i18n import N_


class ParlanceError(Exception):
    """An error that can be said to a person: ``message`` is a catalogue's message id, ``fields`` fill it."""

    message: str = N_("Something went wrong on my side. What was written so far is kept; please try again.")

    def __init__(self, message: str | None = None, **fields: object) -> None:
        if message is not None:
            self.message = message
        self.fields: Mapping[str, object] = fields
        super().__init__(self.message)


class BadRequest(ParlanceError):
    """What the person gave cannot be used; the sentence says what to give instead."""


class Refused(ParlanceError):
    """The request is not allowed here, or not now."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What is still possible for a person whom a limit refuses.

    ``model`` is the name of one that is cheap enough, ``channel_id`` a channel where the same request would
    be admitted; None where there is none.
    """

    model: str | None = None
    channel_id: int | None = None


class LimitReached(Refused):
    """A limit leaves too little.

    ``used`` is in the limit's own unit; ``resets_at`` is None when nothing but an ending request frees it.
    """

    def __init__(self, limit: Limit, used: int, resets_at: datetime | None) -> None:
        super().__init__()
        self.limit = limit
        self.used = used
        self.resets_at = resets_at
        self.again = False
        """Whether the person was refused by this limit before, in the same window."""
        self.remains = Remains()
        """What they can do instead."""


class PassedOn(Refused):
    """Another process answers, or goes on with the answer, so nothing is called for it here."""


class Unanswerable(ParlanceError):
    """The request was fine; no answer, or only part of one, could be made."""


class ModelFailed(Unanswerable):
    """The prediction failed, or ended without a word."""

    message = N_("The model failed while answering. What it wrote so far is kept; please ask again.")


class ModelRejected(Unanswerable):
    """The provider rejects the input (422)."""

    message = N_("The model does not accept this request. Try other words, a shorter text or another model.")


class ModelBusy(Unanswerable):
    """The provider has too many requests (429), also after waiting as told."""

    message = N_("The model has too many requests right now. Please try again in a minute.")


class ModelUnreachable(Unanswerable):
    """The provider is down or cannot be reached."""

    message = N_("The model cannot be reached right now. Please try again in a few minutes.")


class ModelPaused(ModelUnreachable):
    """The model was unreachable too often, and is left alone for a while: nothing was sent to it."""

    message = N_(
        "The model {model} cannot be reached right now. I try it again {when}; please ask again then."
    )


class ModelTimedOut(Unanswerable):
    """The answer took longer than a request may."""

    message = N_("The model took too long. What it wrote so far is kept; please try again or ask for less.")


class Restarted(Unanswerable):
    """The process that answered ended before the answer was whole, and the rest cannot be had."""

    message = N_("I was restarted before the answer was whole. Please ask again in a minute.")


class CredentialsRefused(Unanswerable):
    """401 or 403: the operator's token is missing or wrong."""

    message = N_("The bot's access to the models is not valid. Please tell the person who runs this bot.")


class CreditExhausted(Unanswerable):
    """402: the operator's account has no credit left."""

    message = N_(
        "The bot's account for the models has no credit left. Please tell the person who runs this bot."
    )


class ConfigError(ParlanceError):
    """The operator's settings are wrong.

    ``faults`` holds one sentence for each, with the variable's name and what it wants.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
