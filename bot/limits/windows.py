"""When a limit's window began and when it ends."""

from datetime import UTC, datetime, timedelta, tzinfo

from bot.domain import Window
from bot.store.rows import EPOCH

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of the one window that ``Window.NOW`` has."""


def window_start(window: Window, now: datetime, tz: tzinfo = UTC) -> datetime:
    """Return the start, in UTC, of the window that ``now`` is in.

    Minutes and hours are those of UTC, so that none is counted twice when clocks go back; days and months
    begin at midnight in ``tz``.

    >>> now = datetime(2026, 3, 15, 10, 20, 30, tzinfo=UTC)
    >>> windows = (Window.MINUTE, Window.HOUR, Window.DAY, Window.MONTH)
    >>> [f"{window_start(window, now):%m-%d %H:%M}" for window in windows]
    ['03-15 10:20', '03-15 10:00', '03-15 00:00', '03-01 00:00']
    """
    match window:
        case Window.NOW:
            return EPOCH
        case Window.MINUTE:
            return now.astimezone(UTC).replace(second=0, microsecond=0)
        case Window.HOUR:
            return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        case Window.DAY:
            return _midnight(now.astimezone(tz)).astimezone(UTC)
        case Window.MONTH:
            return _midnight(now.astimezone(tz).replace(day=1)).astimezone(UTC)


def resets_at(window: Window, now: datetime, tz: tzinfo = UTC) -> datetime | None:
    """Return when the window that ``now`` is in ends, in UTC; None for requests at the same time.

    >>> f"{resets_at(Window.MONTH, datetime(2026, 12, 31, 23, 59, tzinfo=UTC)):%Y-%m-%d}"
    '2027-01-01'
    """
    start = window_start(window, now, tz)
    match window:
        case Window.NOW:
            return None
        case Window.MINUTE:
            return start + timedelta(minutes=1)
        case Window.HOUR:
            return start + timedelta(hours=1)
        case Window.DAY:
            # Thirty-six hours reach the middle of the next day, also where a day has 23 or 25.
            return window_start(window, start + timedelta(hours=36), tz)
        case Window.MONTH:
            return window_start(window, start + timedelta(days=31, hours=12), tz)


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
