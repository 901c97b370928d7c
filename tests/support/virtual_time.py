"""An event loop whose time passes as fast as nothing happens, for tests of what waits and does no I/O."""

import asyncio
import selectors


class _Skipping(selectors.DefaultSelector):
    """A selector that lets the loop's time pass instead of waiting."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once; the time that would have been waited is added to the clock."""
        if timeout is not None and timeout > 0:
            self.skipped += timeout
        return super().select(None if timeout is None else 0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that never waits for a timer: it moves its clock to it."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds: only those that were skipped."""
        return self._skipping.skipped
