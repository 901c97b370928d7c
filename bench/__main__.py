"""`python -m bench [NAME ...]`: run the benches, print one table and keep it in results.json; exit with 1 if
a row does not hold.
"""

import argparse
import asyncio
import importlib
import pkgutil
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from bench.results import keep
from bench.table import Row, print_table
from bot.sockets import allow_many

Rows = Callable[[], list[Row] | Coroutine[object, object, list[Row]]]


def benches() -> dict[str, Rows]:
    """Return the ``rows`` of each module of this package that measures something, by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    modules = {name: importlib.import_module(f"bench.{name}") for name in names if name != "__main__"}
    return {name: module.rows for name, module in modules.items() if hasattr(module, "rows")}


def measure(rows: Rows) -> list[Row]:
    """Run one bench, whether it is a coroutine function or a plain one."""
    result = rows()
    return result if isinstance(result, list) else asyncio.run(result)


def main(arguments: Sequence[str]) -> int:
    """Run the benches named, or all; return the exit code."""
    known = benches()
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and print one table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join(known)}")
    wanted = parser.parse_args(arguments).names
    unknown = [name for name in wanted if name not in known]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}")
    # The stand-ins have the other end of every connection.
    allow_many()
    measured: dict[str, list[Row]] = {}
    for name in wanted or known:
        started = time.perf_counter()
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        measured[name] = measure(known[name])
        # At once: a later bench that breaks loses only its own.
        keep({name: measured[name]})
        print(f"{time.perf_counter() - started:.0f} s", flush=True, file=sys.stderr)
    table = [row for rows in measured.values() for row in rows]
    print_table(table)
    return 0 if all(row.holds for row in table) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
