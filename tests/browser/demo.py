"""`python -m bot demo` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/#\S+")
END_SECONDS = 20


@dataclass
class Demo:
    """A demo that runs. ``home`` and ``tmp`` are its own folders for what it might leave."""

    process: subprocess.Popen[str]
    url: str
    home: Path
    tmp: Path

    @classmethod
    @contextmanager
    def running(cls, folder: Path, arguments: Sequence[str] = (), **settings: str) -> Iterator["Demo"]:
        """Start it, with settings as an operator would give them, and end it."""
        home, tmp = folder / "home", folder / "tmp"
        home.mkdir()
        tmp.mkdir()
        places = {"HOME": str(home), "TMPDIR": str(tmp), "REPLICATE_API_TOKEN": ""}
        with subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--no-browser", *arguments],
            cwd=ROOT,
            env={**os.environ, **places, **settings},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield cls(process, _address(process), home, tmp)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                try:
                    process.communicate(timeout=END_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()

    def end(self, number: signal.Signals) -> int:
        """Ask the process to end and return its exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=END_SECONDS)
        return self.process.returncode


def _address(process: subprocess.Popen[str]) -> str:
    said = ""
    for line in process.stdout or ():
        said += line
        if found := ADDRESS.search(line):
            return found[0]
    raise AssertionError(f"the demo ended before it was ready:\n{said}")
