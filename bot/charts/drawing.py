"""Has charts drawn by ``python -m bot.charts.draw``: a process that gets a chart and gives back a picture."""

import asyncio
import atexit
import builtins
import logging
import os
import re
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from bot.charts.chart import Chart

log = logging.getLogger(__name__)

DRAWER = "bot.charts.draw"
SECONDS = 20.0
"""Longest that one may take; usually it is one."""
AT_ONCE = 2
"""Charts drawn at the same time; more wait."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a picture."""
ROOT = Path(__file__).parents[2]
RAISED = re.compile(r"^(\w+)(?=:|$)", re.MULTILINE)
KINDS = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
)


class NotDrawn(Exception):
    """There is no picture; the log says how its process ended."""


class Charts:
    """Draws charts, a few at a time."""

    def __init__(self, drawer: str = DRAWER, seconds: float = SECONDS) -> None:
        self._command = (sys.executable, "-m", drawer)
        self._seconds = seconds
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def draw(self, chart: Chart) -> bytes:
        """Return the chart as a PNG.

        Raises:
            NotDrawn: it could not be drawn, or not in time.
        """
        async with self._gate:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env=_environment(),
            )
            try:
                async with asyncio.timeout(self._seconds):
                    png, said = await process.communicate(chart.dump())
            except TimeoutError:
                log.warning("a chart was not drawn within %g seconds", self._seconds)
                raise NotDrawn from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode != 0 or not 0 < len(png) <= LARGEST:
            log.warning(
                "a chart was not drawn: exit code %s, %d bytes, %s", process.returncode, len(png), _kind(said)
            )
            raise NotDrawn
        return png


def _kind(said: bytes) -> str:
    """The kind of exception that a process ended with, of Python's own kinds: the rest of what it said may
    hold names that people gave themselves.
    """
    raised = [name for name in RAISED.findall(said.decode(errors="replace")) if name in KINDS]
    return raised[-1] if raised else "no known exception"


@cache
def _fonts() -> str:
    """The folder in which the fonts of this machine are remembered while this process runs."""
    folder = tempfile.mkdtemp(prefix="parlance-charts-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _environment() -> dict[str, str]:
    """What the process needs of ours: no token, and a folder to remember fonts in."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TMPDIR", "HOME"}}
    return {"MPLCONFIGDIR": _fonts(), **kept}
