"""The README's table of figures: `python -m tools.figures` writes it from bench/results.json, `--check` tells
if the two agree.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.results import Results, read
from bench.table import table

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- figures: written by make figures -->", "<!-- /figures -->"


def written(readme: str, results: Results) -> str:
    """Return the README with every row that was measured between its markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md wants the markers {BEGIN} and {END}")
    rows = [row for bench in results.values() for row in bench]
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write or check the table; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.figures", description="Write the README's figures."
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if it would")
    check = parser.parse_args(arguments).check
    readme = README.read_text(encoding="utf-8")
    wanted = written(readme, read())
    if readme == wanted:
        return 0
    if check:
        print("README.md and bench/results.json disagree: run make figures", file=sys.stderr)
        return 1
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
