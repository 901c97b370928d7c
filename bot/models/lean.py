"""Imports that leave out what a library would load only because it happens to be installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """Let libraries that are imported meanwhile find the module missing, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    # Python's own way to say that a module cannot be imported (reference, "The module cache").
    sys.modules.update({module: None})  # type: ignore[dict-item]  # typeshed leaves None out
    try:
        yield
    finally:
        del sys.modules[module]
