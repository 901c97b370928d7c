"""The bot seen from outside, as a process: ready, not ready, and what it counts."""

import asyncio
import json
import os
import signal
import sys

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.health import MOST_LAG
from tests.support.databases import SqliteDatabase
from tests.support.patience import PATIENCE
from tests.support.postgres import free_port
from tests.wire.discord import DiscordStandIn
from tests.wire.launch import REPOSITORY
from tests.wire.process import Start
from tests.wire.replicate import ReplicateStandIn

pytestmark = pytest.mark.slow


async def probe(port: str) -> tuple[int | None, str]:
    """Run the image's health check; its exit code and what it says."""
    [line] = [
        line
        for line in (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("HEALTHCHECK")
    ]
    python, *arguments = json.loads(line.partition(" CMD ")[2])
    assert python == "python"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=REPOSITORY,
        env={**os.environ, "HEALTH_PORT": port},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def is_not_connected(port: str) -> bool:
    code, told = await probe(port)
    return code == 1 and "Discord's gateway is not connected.\n" in told


async def becomes_ready(port: str) -> None:
    """Wait until it is: on a busy machine its event loop may be late."""
    async with asyncio.timeout(PATIENCE):
        while (told := await probe(port))[0]:
            assert "The event loop was" in told[1]
    assert told == (0, "")


async def test_it_is_ready_while_the_gateway_is_connected_and_the_image_asks_it(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    port = str(free_port())
    async with standin.hold("GET /users/@me") as login:
        bot = await start(online=False, HEALTH_PORT=port)
        await login.arrived()
        assert await is_not_connected(port)
    await standin.online()
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
    await standin.shown(asked, "-# meta")
    await bot.says("online as")
    await becomes_ready(port)
    standin.refuse_resume()
    await standin.drop_gateway()
    assert await is_not_connected(port)
    await bot.says("online as")
    await becomes_ready(port)
    metrics = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(metrics) as response:
        text = await response.text()
    counted = {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert counted["parlance_requests_total ask done"] == 1
    assert counted["parlance_tokens_total output meta/meta-llama-3-70b-instruct"] == 5
    assert counted["parlance_first_text_seconds_count ask"] == 1
    assert counted["parlance_rate_limit_wait_seconds_count"] >= 1
    assert counted["parlance_model_paused meta/meta-llama-3-70b-instruct"] == 0
    assert counted["parlance_open_answers"] == 0
    assert "stand-in" not in text
    assert await bot.end() == 0


async def test_it_is_not_ready_while_the_database_takes_nothing_or_its_loop_stands_still(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    port = str(free_port())
    bot = await start(HEALTH_PORT=port)
    await bot.says("online as")
    await becomes_ready(port)
    async with SqliteDatabase(bot.database).locked():
        asked = standin.slash(standin.member, standin.channel, "ask", {"question": "why?"})
        await standin.shown(asked, "-# meta")
        code, told = await probe(port)
        assert (code, "The database cannot be written." in told) == (1, True)
    await bot.says("the database can be written again")
    await becomes_ready(port)
    bot.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(2 * MOST_LAG)
    bot.process.send_signal(signal.SIGCONT)
    # Whoever is asked while it is late hears of it, for ten seconds.
    code, told = await probe(port)
    assert (code, "The event loop was" in told) == (1, True)
    assert await bot.end() == 0


async def test_a_probe_without_a_port_finds_nothing_wrong_and_without_a_bot_says_so() -> None:
    assert await probe("") == (0, "")
    code, told = await probe(str(free_port()))
    assert code == 1
    assert told.startswith("The health address does not answer: ")


async def test_a_port_that_is_taken_ends_the_start_with_a_sentence(
    standin: DiscordStandIn, start: Start
) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    bot = await start(online=False, HEALTH_PORT=port)
    assert await bot.process.wait() == 1
    log = await bot.log()
    assert f"HEALTH_PORT: 127.0.0.1, port {port}, cannot be listened on" in log
    assert "Traceback" not in log
    server.close()
