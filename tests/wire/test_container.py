"""The container: without root, on a file system that it cannot write; and the bot itself, run like that."""

import asyncio
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.wire.discord import DiscordStandIn
from tests.wire.launch import REPOSITORY
from tests.wire.process import clean
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Script

IN_CONTAINER = 10001
"""The Dockerfile's user."""
READ_ONLY = """
set -e
for folder in "$DATA" "$SCRATCH"; do mount --bind "$folder" "$folder"; done
while read -r _ point kind _; do
    case "$point" in "$DATA" | "$SCRATCH" | /proc* | /sys* | /dev*) continue ;; esac
    mount -o remount,bind,ro "$point" 2>/dev/null || [ "$point" != / ]
done </proc/self/mounts
exec "$@"
"""
"""Makes everything read-only but two folders, in a mount namespace of its own; then runs a command."""


def dockerfile() -> list[str]:
    """Its instructions, the last stage's alone."""
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[last:]


def services() -> dict[str, str]:
    """The services of docker-compose.yml with what stands below each."""
    text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
    below = re.search(r"^services:\n(.*?)^volumes:", text, re.MULTILINE | re.DOTALL)
    assert below is not None
    found = re.split(r"^  (\w+):\n", below[1], flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_the_image_runs_as_somebody_without_rights() -> None:
    instructions = dockerfile()
    users = [number for number, line in enumerate(instructions) if line.startswith("USER ")]
    assert [instructions[number] for number in users] == [f"USER {IN_CONTAINER}"]
    after = {line.split()[0] for line in instructions[users[0] + 1 :]}
    # Nothing is copied or run after it, and the user owns none of what is.
    assert after <= {"VOLUME", "STOPSIGNAL", "CMD", "HEALTHCHECK", "EXPOSE"}
    assert not [line for line in instructions if "--chown" in line or "chmod" in line]


def test_the_image_installs_by_hash_alone() -> None:
    text = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("pip install") == text.count("--require-hashes") == 1


@pytest.mark.parametrize("name", services())
def test_every_service_is_confined(name: str) -> None:
    service = services()[name]
    user = re.search(r'^    user: "(\d+)', service, re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert "    read_only: true\n" in service
    assert "    cap_drop:\n      - ALL\n" in service
    assert "    security_opt:\n      - no-new-privileges:true\n" in service
    assert not re.search(r"privileged: true|cap_add|network_mode: host|docker\.sock|ports:", service)


@pytest.mark.parametrize("name", ["README.md", "Dockerfile"])
def test_every_command_that_runs_the_image_confines_it(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8").replace("\\\n#", "")
    runs = re.findall(r"docker run [^`\n]*", text)
    assert len(runs) == 1
    for word in ("--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "-v parlance:/data"):
        assert word in runs[0]


BEGETS = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
"""Whether Python can be started, and start itself again as it does for charts."""


@dataclass(frozen=True)
class Confined:
    """Two folders that can be written, and the words before a command that is to write nowhere else."""

    data: Path
    scratch: Path
    words: list[str]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DATA": str(self.data),
            "SCRATCH": str(self.scratch),
            "HOME": str(self.data),
            "TMPDIR": str(self.scratch),
            "DATABASE_URL": f"sqlite:///{self.data / 'parlance.sqlite3'}",
        }

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.words, *command],
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )


@functools.cache
def namespaces() -> list[str] | None:
    """How this user gets a mount namespace, or None."""
    if shutil.which("unshare") is None:
        return None
    for words in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return None


@pytest.fixture
def confined() -> Iterator[Confined]:
    words = namespaces()
    if words is None:
        pytest.skip("this machine lets nobody here make a mount namespace, so nothing can be made read-only")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        data, scratch = Path(folder, "data"), Path(folder, "scratch")
        for each in (data, scratch):
            each.mkdir(mode=0o777)
            each.chmod(0o777)
        words = [*words, "sh", "-c", READ_ONLY, "sh"]
        dropped = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        other = [*dropped, f"--reuid={IN_CONTAINER}", f"--regid={IN_CONTAINER}", "--clear-groups"]
        found = Confined(data, scratch, words)
        # Where Python lies in somebody's home, only they can run it: then with no rights beside their own.
        for prefix in (other, dropped):
            if found.run(*prefix, sys.executable, "-c", BEGETS).returncode == 0:
                found = Confined(data, scratch, [*words, *prefix])
                break
        yield found


@pytest.mark.slow
async def test_the_bot_writes_only_where_its_database_is(
    standin: DiscordStandIn, replicate: ReplicateStandIn, confined: Confined
) -> None:
    for place in (REPOSITORY, Path(sys.prefix), Path(tempfile.gettempdir())):
        touched = await asyncio.to_thread(confined.run, "touch", str(place / "written"))
        assert touched.returncode != 0, f"{place} can be written"
    replicate.respond = lambda _: Script(tokens=["Because."])
    environment = {
        **confined.environment,
        **standin.environment(),
        "REPLICATE_API_TOKEN": replicate.token,
        "REPLICATE_BASE_URL": replicate.base_url,
    }
    process = await asyncio.create_subprocess_exec(
        *confined.words,
        sys.executable,
        *("-m", "tests.wire.launch", "run"),
        cwd=REPOSITORY,
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        written = await used(standin, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, written
    assert "Traceback" not in written
    assert "Read-only" not in written
    assert {path.name for path in confined.data.iterdir()} == {"parlance.sqlite3"}
    assert not [*confined.scratch.iterdir()]


async def used(standin: DiscordStandIn, process: asyncio.subprocess.Process) -> str:
    """Use all that writes files somewhere, then ask the bot to stop; what it wrote into its log."""
    assert process.stderr is not None
    await standin.online()
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.wait_for(lambda: "-# meta" in asked.text)
    exported = standin.slash(standin.owner, standin.channel, "usage export")
    await standin.wait_for(lambda: exported.messages and exported.messages[0].attachments)
    drawn = standin.slash(standin.owner, standin.channel, "usage server")
    await standin.wait_for(lambda: drawn.messages and drawn.messages[0].attachments)
    process.terminate()
    written = clean((await process.stderr.read()).decode())
    await process.wait()
    return written
