"""What it takes to find a reply's messages again after the process that showed them is gone."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a reply stands.

    ``token`` is the interaction's, or None where the messages are the bot's own in a channel; it serves until
    ``expires_at``, and is shown in no log. ``reply_to`` is the message that a channel's answer replies to;
    ``quoted`` says that the question stands above the answer.
    """

    application_id: int
    channel_id: int
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    reply_to: int | None = None
    quoted: bool = False
