"""What was last measured, kept in results.json: a bench that runs again replaces its own rows only."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from bench.table import Row

RESULTS = Path(__file__).parent / "results.json"

Results = Mapping[str, list[Row]]
"""The rows of each bench, by its name."""


def read(path: Path = RESULTS) -> Results:
    """Return what was last measured; nothing where nothing was kept yet."""
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {bench: [Row(**row) for row in rows] for bench, rows in kept.items()}


def keep(measured: Results, path: Path = RESULTS) -> None:
    """Put the rows in the place of those that their benches wrote before."""
    merged = {**read(path), **measured}
    kept = {bench: [dataclasses.asdict(row) for row in merged[bench]] for bench in sorted(merged)}
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
