from tests.conftest import Worlds
from tests.support.simulated import World


async def test_help_names_the_model_and_what_can_be_done_here(world: World) -> None:
    result = await world.ana.slash(world.channel, "help")
    assert result.response is not None
    assert result.response.ephemeral
    for words in (
        "meta/meta-llama-3-70b-instruct",
        "/ask",
        "/summarize messages",
        "Mention me",
        "direct message",
    ):
        assert words in result.response.content


async def test_help_in_direct_messages_speaks_of_writing(world: World) -> None:
    result = await world.ana.user.slash("help")
    assert "Just write to me here" in result.response.content
    assert "the last messages between us" in result.response.content
    for elsewhere in ("Mention me", "channel", "server", "private"):
        assert elsewhere not in result.response.content


async def test_help_does_not_offer_direct_messages_that_are_off(world_with: Worlds) -> None:
    async with world_with(direct_messages=False) as world:
        result = await world.ana.slash(world.channel, "help")
        assert result.response is not None
        assert "Write me a direct message" not in result.response.content
        refused = await world.ana.user.slash("help")
        assert "answers only in servers" in refused.response.content


async def test_help_says_when_a_server_is_not_served(world_with: Worlds) -> None:
    async with world_with(allowed_guilds=frozenset({1})) as world:
        result = await world.ana.slash(world.channel, "help")
        assert result.response is not None
        assert result.response.ephemeral
        assert "does not serve this server" in result.response.content


async def test_help_tells_admins_alone_what_is_theirs(world: World) -> None:
    mia = world.manager()
    told = [(await who.slash(world.channel, "help")).response for who in (mia, world.ana)]
    assert ["/limits" in each.content for each in told if each is not None] == [True, False]
    await mia.slash(world.channel, "limits pause")
    paused = [(await who.slash(world.channel, "help")).response for who in (mia, world.ana)]
    assert [each.content.count("\n\n") for each in paused if each is not None] == [1, 0]
    direct = await mia.user.slash("help")
    assert "/limits" not in direct.response.content
