"""A further message of a reply, on its way: Discord may have taken it though nobody heard of it."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.replies.transport import Screen, Transport


@dataclass(slots=True)
class Shown:
    """A message as it stands on the screen; ``screen`` is None where that is not known exactly, and while the
    message only says "thinking".
    """

    message_id: int
    screen: Screen | None


class Posting:
    """Adds messages to a reply, one after the other, and none twice where that can be known.

    Args:
        by_another: whether a process that is gone may have posted a message that this one does not know.
    """

    def __init__(self, *, by_another: bool = False) -> None:
        self._screen: Screen | None = None
        self._by_another = by_another

    @property
    def in_doubt(self) -> bool:
        """Whether there is a message that may have been taken."""
        return self._screen is not None

    async def find(self, transport: Transport) -> Shown | None:
        """Return the message in doubt if it stands there; then, and where it does not, it is in doubt no
        longer.

        One that Discord would know again is not looked for: it is posted again.
        """
        if self._screen is None or transport.knows_again:
            return None
        found = await transport.strays()
        screen, self._screen = self._screen, None
        return Shown(found[0], screen) if found else None

    async def post(self, transport: Transport, wanted: Callable[[], Screen]) -> Shown:
        """Add a message with what is wanted.

        One in doubt is sent again as it was, wanted or not: so Discord knows it again.
        """
        screen = self._screen = self._screen or wanted()
        message_id = await transport.post(screen)
        # Discord gives one that it knows again as it was, whatever is said this time.
        shown = Shown(message_id, None if self._by_another else screen)
        self._screen, self._by_another = None, False
        return shown
