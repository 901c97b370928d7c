"""How often Python looks for garbage.

Most of what an answer leaves is freed at once, without being looked for. By default Python looks whenever 700
more objects are alive than before, which is a few times for each answer that begins; every hundredth look is
at all that the process has, and nothing else happens meanwhile. With 300 answers at once that was an eighth
of the processor time, and everything stood still for 0.17 s at a time. Looked for this rarely, garbage takes
a thirtieth, and some 3 MB more.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MORE_OBJECTS = 10_000
"""How many more objects than before are alive when Python looks at those."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Meanwhile look for garbage rarely, and never among what was there before: modules and the like."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(MORE_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
