"""The highest number that holds, found with few tries: each try of a bench takes seconds."""

from collections.abc import Awaitable, Callable


async def highest(holds: Callable[[int], Awaitable[bool]], first: int, ceiling: int, steps: int) -> int:
    """Try ``first`` and twice as many until one does not hold, then halve what lies between so many times.

    Nothing above ``ceiling`` is tried; 0 where nothing that was tried holds.
    """
    held, number = 0, first
    while await holds(number):
        if number == ceiling:
            return ceiling
        held, number = number, min(2 * number, ceiling)
    failed = number
    for _ in range(steps):
        between = (held + failed) // 2
        if between == held:
            break
        if await holds(between):
            held = between
        else:
            failed = between
    return held
