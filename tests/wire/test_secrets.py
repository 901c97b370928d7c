"""What a running bot leaves behind: its log at its most talkative, its process, its database, its answers."""

import asyncio
from pathlib import Path

import pytest

from tests.support.canaries import spilled
from tests.wire.discord import DiscordStandIn
from tests.wire.process import Running, Start
from tests.wire.replicate import ReplicateStandIn
from tests.wire.replicate_script import Operation, Refusal, Script

pytestmark = pytest.mark.slow

ASKED, ANSWERED = "a question that is nobody's business", "an answer that is nobody's business"


async def test_no_secret_and_no_word_of_people_is_left_anywhere(
    standin: DiscordStandIn, replicate: ReplicateStandIn, start: Start
) -> None:
    bot = await start(LOG_LEVEL="DEBUG")
    seen = command_line_of(bot)
    rest = asyncio.Event()
    replicate.respond = lambda _: Script(tokens=[ANSWERED, "."], gates={1: rest})
    standin.fault("POST /interactions/*", status=404, times=1)
    standin.slash(standin.other, standin.channel, "ask", {"question": ASKED})
    asked = standin.slash(standin.member, standin.channel, "ask", {"question": ASKED})
    await standin.shown(asked, ANSWERED)
    ((is_kept, _),) = bot.select("SELECT request IS NOT NULL, 1 FROM inflight")
    assert is_kept
    meanwhile = kept(bot)
    rest.set()
    await standin.shown(asked, "-# meta")
    replicate.refuse(Operation.CREATE, Refusal(401))
    refused = standin.slash(standin.member, standin.channel, "ask", {"question": ASKED})
    await standin.wait_for(lambda: "not valid" in refused.text)
    details = standin.press(standin.member, asked.messages[0], asked.messages[0].button("Details"))
    await standin.wait_for(lambda: "Prediction" in details.text)
    exported = standin.slash(standin.owner, standin.channel, "usage export")
    await standin.wait_for(lambda: exported.messages and exported.messages[0].attachments)
    standin.say(standin.member, standin.channel, ASKED)
    await standin.drop_gateway()
    await standin.wait_for(lambda: standin.gateway.resumed)
    ending = asyncio.ensure_future(bot.end())
    log = await bot.log()
    assert await ending == 0
    files = [attachment.upload.data for message in exported.messages for attachment in message.attachments]
    everything = f"{log} {seen} {details.text} {refused.text} {files} {meanwhile} {kept(bot)}"
    assert "DEBUG" in log
    for library in ("discord", "httpx", "httpcore", "aiosqlite"):
        assert library in log
    assert not spilled(everything)
    assert ASKED not in everything
    assert ANSWERED not in everything
    assert not [token for token in standin.world.interactions if token in everything.replace(meanwhile, "")]


def kept(bot: Running) -> str:
    """What a bot's database holds by now, with what it has not written into its main file yet."""
    files = sorted(bot.database.parent.glob("parlance.db*"))
    return b"".join(path.read_bytes() for path in files).decode(errors="replace")


def command_line_of(bot: Running) -> str:
    """What everybody on the machine sees of the process; nothing where there is no /proc."""
    command_line = Path(f"/proc/{bot.process.pid}/cmdline")
    return command_line.read_bytes().decode() if command_line.exists() else ""
