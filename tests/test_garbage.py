"""Garbage is looked for rarely while the bot runs, and as ever after."""

import gc

from bot.garbage import MORE_OBJECTS, seldom_collected


def looks(objects: int) -> int:
    """How often Python looks while so many objects come to life."""
    before = gc.get_stats()[0]["collections"]
    kept: list[list[int]] = [[] for _ in range(objects)]
    assert len(kept) == objects
    return int(gc.get_stats()[0]["collections"] - before)


def test_garbage_is_looked_for_rarely_and_then_as_ever() -> None:
    usual = looks(5 * MORE_OBJECTS)
    with seldom_collected():
        assert looks(5 * MORE_OBJECTS) <= 6 < usual / 5
        assert gc.get_freeze_count() > 0
    assert looks(5 * MORE_OBJECTS) > usual / 2
    assert gc.get_freeze_count() == 0


def test_what_is_left_in_circles_goes_all_the_same() -> None:
    class Circle:
        """Refers to itself."""

        alive = 0

        def __init__(self) -> None:
            self.me = self
            Circle.alive += 1

        def __del__(self) -> None:
            Circle.alive -= 1

    with seldom_collected():
        for _ in range(3 * MORE_OBJECTS):
            Circle()
        assert Circle.alive <= MORE_OBJECTS
