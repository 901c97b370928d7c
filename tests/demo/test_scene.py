from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from bot.demo.options import Place
from bot.demo.pictures import SIDE, bot_png, heron_png, otter_png
from tests.demo.conftest import Stage


async def test_two_members_have_been_talking(stage: Stage) -> None:
    visitor = await stage.visitor()
    assert visitor.seen["channel"]["name"] == "open-day"
    assert [viewer["name"] for viewer in visitor.seen["viewers"]] == ["Heron", "Otter"]
    assert len([text for text in visitor.texts() if text]) == 9


async def test_the_welcome_says_who_answers_and_what_to_type(stage: Stage) -> None:
    visitor = await stage.visitor()
    welcome = visitor.seen["messages"][visitor.seen["timeline"][-1]]
    assert welcome["author"]["name"] == "Parlance"
    said = str(welcome["embeds"])
    for words in ("A streamer answers.", "/ask", "/summarize", "/story", "/translate", "Stop"):
        assert words in said


async def test_everyone_has_a_picture(stage: Stage) -> None:
    visitor = await stage.visitor()
    authors = [message["author"] for message in visitor.seen["messages"].values()]
    assert {author["name"] for author in authors if author["avatar_available"]} == {
        "Heron",
        "Otter",
        "Parlance",
    }


async def test_the_bot_knows_itself_by_its_name(stage: Stage) -> None:
    assert stage.bot.user is not None
    assert stage.bot.user.name == "Parlance"
    [guild] = stage.bot.guilds
    assert guild.me.display_name == "Parlance"
    last = [message.author.display_name async for message in guild.text_channels[0].history(limit=1)]
    assert last == ["Parlance"]


@pytest.mark.parametrize("place", [Place.DM])
async def test_a_direct_message_page_shows_one_person_and_the_bot(stage: Stage) -> None:
    visitor = await stage.visitor()
    assert visitor.seen["channel"]["recipient"]["name"] == "Parlance"
    assert [viewer["name"] for viewer in visitor.seen["viewers"]] == ["Otter"]
    assert "Just write" in str(visitor.seen["messages"])


@pytest.mark.parametrize("draw", [bot_png, heron_png, otter_png])
def test_a_picture_is_a_square_png(draw: Callable[[], bytes]) -> None:
    image = Image.open(BytesIO(draw()))
    assert (image.format, image.size) == ("PNG", (SIDE, SIDE))
