"""The bare bot answers, so that what is measured beside it means something."""

from bench.bare import MODEL
from tests.wire import launch
from tests.wire.discord import DiscordStandIn
from tests.wire.replicate import standing_in
from tests.wire.replicate_script import Script


async def test_the_bare_bot_streams_and_slices(standin: DiscordStandIn) -> None:
    words = [f"{number} " for number in range(600)]
    async with standing_in() as replicate:
        replicate.script(Script(tokens=words))
        environment = standin.environment() | {
            "REPLICATE_BASE_URL": replicate.base_url,
            "REPLICATE_API_TOKEN": replicate.token,
        }
        process = await launch.start(environment, module="bench.bare")
        try:
            await standin.online()
            interaction = standin.slash(standin.member, standin.channel, "ask", {"question": "count"})
            await standin.wait_for(lambda: interaction.followups)
        finally:
            process.kill()
            await process.wait()
    assert "".join(message.content for message in interaction.messages).split() == "".join(words).split()
    assert replicate.creations[0].model == "/".join(MODEL)
    assert replicate.creations[0].input == {"prompt": "count"}
