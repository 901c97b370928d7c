"""/limits, used in a simulated Discord by people who may and people who may not."""

from typing import Any

import discord
import pytest
import simcord
from simcord.backend.models import Overwrite
from simcord.enums import ChannelType, OverwriteType

from bot.domain import NANO, Ending, Limit, Metric, Place, Setting, Subject, Tokens, Window
from bot.errors import BadRequest
from bot.ids import utc_now
from bot.limits import EXEMPT
from bot.limits.resolve import identified
from bot.store import Transaction
from bot.store.audit import AuditRow, Change, ChangeKind, audit_page
from bot.store.counters import limits_in
from bot.store.limits import MOST_LIMITS, change_limit, limit_json
from cogs.limits import member_of
from tests.conftest import Worlds
from tests.support.scripted import Scripted
from tests.support.simulated import World

NOT_ADMIN = "Only people with the permission “Manage Server” can do this."
NO_AMOUNT = "The amount wants to be a whole number from 1 to 1,000,000, such as 20."
NO_DOLLARS = "The amount wants to be in dollars, more than nothing and at most $1,000,000.00, such as $2.50."
NO_WINDOW = "Only answers are counted at once. Choose a minute, an hour, a day or a month instead."
REQUESTS: dict[str, Any] = {"metric": "requests", "window": "day"}
BUDGET: dict[str, Any] = {"metric": "cost", "window": "month", "who": "everyone"}


@pytest.fixture
def mia(world: World) -> simcord.MemberActor:
    """Somebody who may manage the server."""
    return world.manager()


async def told(world: World, who: simcord.MemberActor, command: str, /, **options: Any) -> str:
    """What a command under /limits says, privately."""
    result = await who.slash(world.channel, f"limits {command}", **options)
    messages = [message for message in (result.response, *result.followups) if message is not None]
    assert messages
    assert all(message.ephemeral for message in messages)
    return "\n".join(str(message.content) for message in messages)


async def limits(world: World) -> set[tuple[Any, ...]]:
    """The limits of the server: where, whose, how much of what in which time, for which role and command."""
    stored = await world.bot.store.read(lambda transaction: limits_in(transaction, world.guild.id))
    found = [each.limit for each in stored]
    return {
        (one.place, one.place_id, one.subject, one.amount, one.metric, one.window, one.role_id, one.command)
        for one in found
    }


async def set_on(world: World, shelves: list[int]) -> None:
    """Set the same limit on categories with these ids, as that many commands would."""

    async def work(transaction: Transaction) -> None:
        for number, shelf in enumerate(shelves):
            place = Place.CATEGORY, shelf
            one = identified(
                Limit(0, *place, Subject.USER, Metric.REQUESTS, Window.DAY, 1, guild_id=world.guild.id)
            )
            change = Change(
                number, world.guild.id, 1, utc_now(), ChangeKind.LIMIT, *place, str(one.id), limit_json(one)
            )
            assert await change_limit(transaction, change)

    await world.bot.store.write(work)


async def history(world: World) -> tuple[AuditRow, ...]:
    return await world.bot.store.read(lambda transaction: audit_page(transaction, world.guild.id, 2**62, 500))


async def ask(world: World, who: simcord.MemberActor, channel: Any = None) -> str:
    """The answer that a member gets, or what refuses it."""
    world.model.echo = "Blue."
    result = await who.slash(channel or world.channel, "ask", question="Sea?")
    return str([message for message in (result.response, *result.followups) if message][-1].content)


async def offered(world: World, who: simcord.MemberActor, typed: str = "") -> list[dict[str, Any]]:
    return await who.autocomplete(world.channel, "limits clear", "limit", typed)


class TestSet:
    async def test_sets_what_holds_from_the_next_request_on(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        said = await told(world, mia, "set", **REQUESTS, amount="1")
        assert said == "Set: **Each member** · 1 request a day · *in the whole server*"
        assert "Blue." in await ask(world, world.ana)
        refusal = await ask(world, world.ana)
        assert refusal.startswith(
            "You have used 1 of your 1 request today. This limit is set for the whole server. It starts "
            "anew <t:"
        )
        assert "Blue." in await ask(world, world.ben)

    @pytest.mark.parametrize(
        ("options", "amount", "stored"),
        [
            ({}, "50,000", (Subject.USER, 50_000, Metric.REQUESTS, Window.DAY)),
            (
                {"metric": "tokens", "window": "hour"},
                "50 000",
                (Subject.USER, 50_000, Metric.TOKENS, Window.HOUR),
            ),
            (BUDGET, "$2.50", (Subject.EVERYONE, 5 * NANO // 2, Metric.COST, Window.MONTH)),
            (BUDGET, "2,50", (Subject.EVERYONE, 5 * NANO // 2, Metric.COST, Window.MONTH)),
            (
                {"metric": "concurrent", "window": "day"},
                "2",
                (Subject.USER, 2, Metric.CONCURRENT, Window.NOW),
            ),
            ({"window": "now"}, "2", (Subject.USER, 2, Metric.CONCURRENT, Window.NOW)),
        ],
    )
    async def test_takes_amounts_as_people_write_them(
        self,
        world: World,
        mia: simcord.MemberActor,
        options: dict[str, str],
        amount: str,
        stored: tuple[object, ...],
    ) -> None:
        await told(world, mia, "set", **{**REQUESTS, **options}, amount=amount)
        assert await limits(world) == {(Place.GUILD, world.guild.id, *stored, 0, None)}

    async def test_for_places_roles_and_commands(self, world: World, mia: simcord.MemberActor) -> None:
        category = world.guild.create_category("Books")
        voice = world.guild.create_voice_channel("Voice", category=category)
        forum = world.guild.create_forum_channel("Questions")
        patrons = world.guild.create_role("Patrons")
        for options in (
            {"channel": category, "command": "story"},
            {"channel": voice, "role": patrons},
            {"channel": forum, "who": "everyone"},
            {"role": patrons, "amount": "Exempt"},
        ):
            await told(world, mia, "set", **{**REQUESTS, "amount": "9", **options})
        day = (Metric.REQUESTS, Window.DAY)
        assert await limits(world) == {
            (Place.CATEGORY, category.id, Subject.USER, 9, *day, 0, "story"),
            (Place.CHANNEL, voice.id, Subject.ROLE, 9, *day, patrons.id, None),
            (Place.CHANNEL, forum.id, Subject.EVERYONE, 9, *day, 0, None),
            (Place.GUILD, world.guild.id, Subject.ROLE, EXEMPT, *day, patrons.id, None),
        }

    @pytest.mark.parametrize(
        ("options", "amount", "sentence"),
        [
            ({}, "-1", NO_AMOUNT),
            ({}, "0", NO_AMOUNT),
            ({}, "1.5", NO_AMOUNT),
            ({}, "1000001", NO_AMOUNT),
            ({}, "9" * 30, NO_AMOUNT),
            ({}, "many", NO_AMOUNT),
            ({}, "$5", NO_AMOUNT),
            ({}, " ", NO_AMOUNT),
            (BUDGET, "-2.50", NO_DOLLARS),
            (BUDGET, "0", NO_DOLLARS),
            (BUDGET, "$0.00", NO_DOLLARS),
            (BUDGET, "0.0000000001", NO_DOLLARS),
            (BUDGET, "1000000.01", NO_DOLLARS),
            (BUDGET, "9" * 29, NO_DOLLARS),
            (BUDGET, "€5", NO_DOLLARS),
            (BUDGET, "NaN", NO_DOLLARS),
            (BUDGET, "1e3", NO_DOLLARS),
            ({}, "exempt", "Only a role can be exempt. Say which one as “role”."),
            (
                {"metric": "tokens", "window": "now"},
                "5",
                NO_WINDOW,
            ),
        ],
    )
    async def test_says_in_one_sentence_what_it_wants_instead(
        self, world: World, mia: simcord.MemberActor, options: dict[str, str], amount: str, sentence: str
    ) -> None:
        assert await told(world, mia, "set", **{**REQUESTS, **options}, amount=amount) == sentence
        assert (await limits(world), await history(world)) == (set(), ())

    async def test_is_for_everyone_or_for_a_role(self, world: World, mia: simcord.MemberActor) -> None:
        patrons = world.guild.create_role("Patrons")
        said = await told(world, mia, "set", **BUDGET, amount="2", role=patrons)
        assert "not for both" in said
        said = await told(world, mia, "set", **REQUESTS, amount="2", role=world.guild.default_role)
        assert said == "Everyone has this role. Leave it out: then the limit is for each member."
        assert await limits(world) == set()

    async def test_the_later_of_two_admins_is_told_what_it_was(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        tom = world.manager("tom")
        await told(world, mia, "set", **REQUESTS, amount="10")
        said = await told(world, tom, "set", **REQUESTS, amount="20")
        assert f"Before, it was 10 requests a day: <@{mia.id}> chose that <t:" in said
        said = await told(world, mia, "set", **REQUESTS, amount="20")
        assert f"It was so before: <@{tom.id}> chose that <t:" in said
        assert len(await history(world)) == 2

    async def test_no_more_than_a_server_may_have(self, world: World, mia: simcord.MemberActor) -> None:
        shelves = [world.guild.create_category(f"Shelf {number}") for number in range(MOST_LIMITS)]
        await set_on(world, [shelf.id for shelf in shelves[:-1]])
        await told(world, mia, "set", **REQUESTS, amount="1", channel=shelves[-1])
        said = await told(world, mia, "set", **REQUESTS, amount="1")
        assert said == "This server has 100 limits, and there can be no more. Clear one first: /limits clear."
        assert len(await limits(world)) == MOST_LIMITS
        assert len(await offered(world, mia)) == 25
        # Those that are there still take other amounts.
        assert "Before, it was 1 request" in await told(
            world, mia, "set", **REQUESTS, amount="2", channel=shelves[0]
        )

    async def test_a_threads_requests_count_in_its_parent(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        await told(world, mia, "set", **REQUESTS, amount="1", channel=world.channel)
        await ask(world, world.ana)
        message = world.channel.last_message
        assert message is not None
        thread = await message.create_thread(name="More")
        await world.env.settle()
        [handle] = [each for each in world.channel.threads if each.id == thread.id]
        assert "This limit is set for this channel." in await ask(world, world.ana, handle)


class TestReservation:
    @pytest.mark.parametrize(
        ("command", "options"),
        [
            ("ask", {"question": "Sea?"}),
            ("ask", {"question": "Sea?", "model": "deepseek-ai/deepseek-r1"}),
            ("summarize", {"text": "The sea is blue.", "style": "bullets"}),
            ("story", {"premise": "A heron.", "genre": "saga", "length": "short"}),
            ("translate", {"text": "The sea is blue.", "to": "fr", "from": "en"}),
        ],
    )
    async def test_is_what_the_call_can_use(
        self, world: World, mia: simcord.MemberActor, command: str, options: dict[str, str]
    ) -> None:
        await world.bot.answers.services.policies.change(
            persona(world, mia, "You are a pirate who loves long words. " * 20)
        )
        world.model.answers("Blue.")
        await world.ana.slash(world.channel, command, **options)
        [row] = await world.usage()
        details = await world.bot.answers.services.ledger.lookup.details(row.id)
        assert details is not None
        [call] = details.predictions
        assert (row.reserved_tokens, row.reserved_cost) == (call.reserved_tokens, call.reserved_cost)
        assert call.reserved_tokens > 200

    async def test_is_what_a_refusal_goes_by(self, world: World, mia: simcord.MemberActor) -> None:
        await told(world, mia, "set", metric="tokens", window="day", amount="2,060", who="everyone")
        used = "This server has used 0 of its 2,060 tokens today."
        [_, *lines] = (await told(world, mia, "test", member=world.ana)).splitlines()
        assert any("/ask" in line and used in line for line in lines)
        assert (await ask(world, world.ana)).startswith(used)
        assert world.model.calls == []


class TestRefusals:
    async def test_after_the_first_the_same_short_line(self, world: World, mia: simcord.MemberActor) -> None:
        await told(world, mia, "set", **REQUESTS, amount="1")
        await ask(world, world.ana)
        first, *others = [await ask(world, world.ana) for _ in range(4)]
        assert "You have used 1 of your 1 request today." in first
        assert len(set(others)) == 1
        assert others[0].startswith("The limit of 1 request a day is still reached. It starts anew <t:")
        assert [(row.ending, row.cost) for row in await world.usage()][1:] == [(Ending.REFUSED, 0)]
        assert len(world.model.calls) == 1
        assert "refused 4 times" in await told(world, mia, "show")

    async def test_tell_of_another_channel(self, world: World, mia: simcord.MemberActor) -> None:
        other = world.guild.create_text_channel("other")
        await told(world, mia, "set", **REQUESTS, amount="1", channel=world.channel)
        await ask(world, world.ana)
        assert f"You can still ask in <#{other.id}>." in await ask(world, world.ana)
        assert "Blue." in await ask(world, world.ana, other)

    async def test_tell_of_a_cheaper_model(self, world: World, mia: simcord.MemberActor) -> None:
        await told(world, mia, "set", **BUDGET, amount="$0.001", channel=world.channel)
        refusal = await ask(world, world.ana)
        assert "This channel has used $0.00 of its $0.001 this month." in refusal
        name = refusal.partition("The model ")[2].partition(" ")[0]
        assert f"The model {name} is cheap enough: choose it as “model”." in refusal
        result = await world.ben.slash(world.channel, "ask", question="Sea?", model=name)
        assert result.response is not None
        assert "Blue." in result.response.content

    @pytest.mark.parametrize("private", [False, True])
    async def test_in_the_middle_of_an_answer_are_for_the_person_alone(
        self, world: World, mia: simcord.MemberActor, private: bool
    ) -> None:
        other = world.guild.create_text_channel("other")
        await told(world, mia, "set", metric="tokens", window="day", amount="4,500", channel=world.channel)
        world.model.queue.append(Scripted(["Das Meer."], tokens=Tokens(1_000, 2_000)))
        text = "The sea is blue and wide. " * 200
        result = await world.ana.slash(world.channel, "translate", text=text, to="de", private=private)
        answer, *asides = [message for message in (result.response, *result.followups) if message]
        assert answer.ephemeral is private
        assert answer.content.startswith("Das Meer.")
        exact = asides[0] if asides else answer
        assert exact.ephemeral
        assert "You have used 3,000 of your 4,500 tokens today." in exact.content
        assert f"You can still ask in <#{other.id}>." in exact.content
        assert len(asides) == (not private)
        if not private:
            assert "A limit leaves too little for the rest." in answer.content
            assert "4,500" not in answer.content
        [row] = await world.usage()
        assert (row.ending, row.tokens.total) == (Ending.REFUSED, 3_000)
        assert "refused 1 time" in await told(world, mia, "show")

    async def test_before_the_first_word_leave_a_neutral_line(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        await told(world, mia, "set", metric="tokens", window="day", amount="4,500")
        data = b"The sea is blue and wide. " * 900
        first, second = [
            await world.ana.slash(world.channel, "summarize", file=("sea.txt", data)) for _ in range(2)
        ]
        for result, said in (
            (first, "You have used 0 of your 4,500 tokens today."),
            (second, "The limit of 4,500 tokens a day is still reached. It starts anew <t:"),
        ):
            assert result.response is not None
            assert result.response.content == "-# This request was not answered."
            [alone] = result.followups
            assert alone.ephemeral
            assert alone.content.startswith(said)
        # No part was read and paid for.
        assert world.model.calls == []

    async def test_of_a_role_name_it(self, world: World, mia: simcord.MemberActor) -> None:
        patrons = world.guild.create_role("Patrons")
        cleo = world.guild.add_member(world.env.create_user("cleo"), roles=[patrons])
        await told(world, mia, "set", **REQUESTS, amount="1", role=patrons)
        await ask(world, cleo)
        assert f"It is for members with <@&{patrons.id}>." in await ask(world, cleo)


class TestShow:
    async def test_shows_what_applies_where_it_comes_from_and_how_full_it_is(
        self, world_with: Worlds
    ) -> None:
        async with world_with(user_requests_per_minute=6, server_dollars_per_month=20 * NANO) as world:
            mia = world.manager()
            patrons = world.guild.create_role("Patrons")
            await told(world, mia, "set", **REQUESTS, amount="4")
            await told(world, mia, "set", **REQUESTS, amount="exempt", role=patrons)
            await told(world, mia, "set", **REQUESTS, amount="9", channel=world.channel, who="everyone")
            await ask(world, mia)
            await ask(world, world.ana)
            shown = await told(world, mia, "show")
            lines = shown.splitlines()
            assert lines[:7] == [
                f"**Limits in <#{world.channel.id}>**",
                "**Each member** · 4 requests a day · *in the whole server*",
                "-# ▰▰▱▱▱▱▱▱▱▱ 1 used by you · anew <t:1767312000:R>",
                (
                    f"**Each member with <@&{patrons.id}>** · exempt from the limit of requests a day · *in "
                    "the whole server*"
                ),
                f"**Everyone together** · 9 requests a day · *in <#{world.channel.id}>*",
                "-# ▰▰▱▱▱▱▱▱▱▱ 2 used · anew <t:1767312000:R>",
                "",
            ]
            assert lines[7] == "**The operator's ceilings**, on top of all others"
            assert "**Each member** · 6 requests a minute · *set by the operator*" in lines
            assert "**Each server** · $20.00 a month · *set by the operator*" in lines

    async def test_of_another_channel_and_of_a_category(self, world: World, mia: simcord.MemberActor) -> None:
        category = world.guild.create_category("Books *of* ours")
        inside = world.guild.create_text_channel("inside", category=category)
        await told(world, mia, "set", **REQUESTS, amount="4", channel=category)
        for where, called in ((category, "the category “Books \\*of\\* ours”"), (inside, f"<#{inside.id}>")):
            shown = await told(world, mia, "show", channel=where)
            assert shown.startswith(
                f"**Limits in {called}**\n**Each member** · 4 requests a day · *in the category"
            )
        assert "The admins set none here." in await told(world, mia, "show")

    async def test_what_an_admin_does_not_see_is_called_by_its_id(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        hidden = Overwrite(
            target_id=mia.id, type=OverwriteType.MEMBER, deny=discord.Permissions(view_channel=True).value
        )
        merger, board = [
            world.env.backend.create_channel(world.guild.id, name, type=kind, overwrites=[hidden])
            for name, kind in (("merger", ChannelType.TEXT), ("The board", ChannelType.CATEGORY))
        ]
        await world.env.settle()
        tom = world.manager("tom")
        for place in (merger, board):
            where = simcord.ChannelHandle(world.env, world.guild, place)
            await told(world, tom, "set", **REQUESTS, amount="1", channel=where)
        for admin, channel, category in ((tom, "merger", "The board"), (mia, merger.id, board.id)):
            assert {choice["name"] for choice in await offered(world, admin)} == {
                f"Each member · 1 request a day · in #{channel}",
                f"Each member · 1 request a day · in the category “{category}”",
            }
        assert "board" not in await told(world, mia, "history")

    async def test_what_is_left_over_is_shown_does_no_harm_and_can_be_cleared(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        gone = world.guild.create_text_channel("gone")
        shelf = world.guild.create_category("Shelf")
        patrons = world.guild.create_role("Patrons")
        await told(world, mia, "set", **REQUESTS, amount="1", channel=gone)
        await told(world, mia, "set", **REQUESTS, amount="1", channel=shelf)
        await told(world, mia, "set", **REQUESTS, amount="1", role=patrons)
        await delete(world, patrons, gone, shelf)
        shown = await told(world, mia, "show")
        _, _, left_over = shown.partition("**Of deleted channels and roles:**")
        assert "**Each member** · 1 request a day · *in a deleted channel*" in left_over
        assert "**Each member** · 1 request a day · *in a deleted category*" in left_over
        assert "**Each member with a deleted role** · 1 request a day · *in the whole server*" in left_over
        for _ in range(2):
            assert "Blue." in await ask(world, world.ana)
        for choice in await offered(world, mia, "deleted"):
            assert (await told(world, mia, "clear", limit=choice["value"])).startswith("Cleared: ")
        assert await limits(world) == set()
        assert "a deleted channel" in await told(world, mia, "history")

    async def test_all_limits_of_a_place_in_as_many_messages_as_it_takes(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        roles = [world.guild.create_role(f"Role {number}") for number in range(40)]
        for role in roles:
            await told(world, mia, "set", **REQUESTS, amount="1", role=role)
        result = await mia.slash(world.channel, "limits show")
        assert result.response is not None
        messages = [result.response, *result.followups]
        assert all(message.ephemeral and len(message.content) <= 2_000 for message in messages)
        shown = "\n".join(message.content for message in messages)
        assert all(f"<@&{role.id}>" in shown for role in roles)

    async def test_pings_nobody(self, world: World, mia: simcord.MemberActor) -> None:
        patrons = world.guild.create_role("Patrons")
        for command, options in (("set", {**REQUESTS, "amount": "1", "role": patrons}), ("show", {})):
            await told(world, mia, command, **options)
            sent: Any = world.env.http_requests[-1].json
            assert f"<@&{patrons.id}>" in sent["data"]["content"]
            assert sent["data"]["allowed_mentions"] == {"parse": []}


async def delete(world: World, role: simcord.RoleHandle, *channels: simcord.ChannelHandle) -> None:
    guild = world.bot.get_guild(world.guild.id)
    assert guild is not None
    found = guild.get_role(role.id)
    assert found is not None
    await found.delete()
    for channel in channels:
        there = guild.get_channel(channel.id)
        assert there is not None
        await there.delete()
    await world.env.settle()


class TestClear:
    async def test_offers_what_there_is_by_its_words(self, world: World, mia: simcord.MemberActor) -> None:
        await told(world, mia, "set", **REQUESTS, amount="4")
        await told(world, mia, "set", **BUDGET, amount="5", channel=world.channel)
        labels = [choice["name"] for choice in await offered(world, mia)]
        assert labels == [
            "Each member · 4 requests a day · in the whole server",
            "Everyone together · $5.00 a month · in #general",
        ]
        [choice] = await offered(world, mia, "MONTH general")
        said = await told(world, mia, "clear", limit=choice["value"])
        assert said == f"Cleared: **Everyone together** · $5.00 a month · *in <#{world.channel.id}>*"
        assert len(await limits(world)) == 1

    async def test_the_later_of_two_admins_is_told(self, world: World, mia: simcord.MemberActor) -> None:
        tom = world.manager("tom")
        await told(world, mia, "set", **REQUESTS, amount="4")
        [seen] = await offered(world, tom)
        await told(world, mia, "set", **REQUESTS, amount="6")
        said = await told(world, tom, "clear", limit=seen["value"])
        assert said.startswith(
            f"<@{mia.id}> has changed this limit since it was offered to you: it is now 6 requests"
        )
        assert len(await limits(world)) == 1
        [seen] = await offered(world, tom)
        await told(world, mia, "clear", limit=seen["value"])
        said = await told(world, tom, "clear", limit=seen["value"])
        assert said.startswith(f"This limit is not there any more: <@{mia.id}> cleared it <t:")

    @pytest.mark.parametrize("typed", ["requests", "12:guild:7:00000000x", "'; DROP TABLE limits", "::"])
    async def test_takes_only_what_was_offered(
        self, world: World, mia: simcord.MemberActor, typed: str
    ) -> None:
        said = await told(world, mia, "clear", limit=typed)
        assert said == "Choose one of the limits that are offered while you type."

    async def test_never_touches_another_server(self, world: World, mia: simcord.MemberActor) -> None:
        await told(world, mia, "set", **REQUESTS, amount="4")
        [seen] = await offered(world, mia)
        elsewhere = world.env.create_guild("Elsewhere")
        channel = elsewhere.create_text_channel("general")
        role = elsewhere.create_role("admins", permissions=discord.Permissions(manage_guild=True))
        eve = elsewhere.add_member(world.env.create_user("eve"), roles=[role])
        result = await eve.slash(channel, "limits clear", limit=seen["value"])
        assert result.response is not None
        # Nor who changed it there, and when.
        assert result.response.content == "This limit is not there any more."
        assert len(await limits(world)) == 1


class TestTest:
    async def test_says_what_would_happen_and_counts_nothing(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        await told(world, mia, "set", **REQUESTS, amount="1", command="story")
        world.model.answers("It flew.")
        await world.ana.slash(world.channel, "story", premise="A heron.")
        for _ in range(2):
            said = await told(world, mia, "test", member=world.ana)
            assert said.splitlines()[:2] == [
                f"If <@{world.ana.id}> asked in <#{world.channel.id}> now:",
                "- /ask, /summarize, /translate: would be answered",
            ]
            assert "- /story: You have used 1 of your 1 request today." in said
        assert "would be answered" in await told(world, mia, "test", member=world.ben)
        assert len(await world.usage()) == 1

    async def test_knows_the_settings_of_the_channel(self, world: World, mia: simcord.MemberActor) -> None:
        other = world.guild.create_text_channel("other")
        await told(world, mia, "set", **BUDGET, amount="$0.0001", channel=other)
        assert "would be answered" in await told(world, mia, "test", member=world.ana)
        said = await told(world, mia, "test", member=world.ana, channel=other)
        assert "This channel has used $0.00 of its $0.0001 this month." in said

    async def test_knows_the_roles_of_the_member(self, world: World, mia: simcord.MemberActor) -> None:
        patrons = world.guild.create_role("Patrons")
        cleo = world.guild.add_member(world.env.create_user("cleo"), roles=[patrons])
        for options in ({"amount": "$0.0001"}, {"amount": "exempt", "role": patrons}):
            await told(world, mia, "set", **{**BUDGET, "who": "user", **options})
        assert "You have used $0.00 of your $0.0001" in await told(world, mia, "test", member=world.ana)
        assert "would be answered" in await told(world, mia, "test", member=cleo)

    async def test_says_what_the_operator_does_not_serve(self, world_with: Worlds) -> None:
        async with world_with(allowed_guilds=frozenset({1})) as world:
            said = await told(world, world.manager(), "test", member=world.ana)
            assert "This bot does not serve this server." in said

    async def test_only_of_members(self, world: World) -> None:
        stranger = world.env.create_user("stranger")
        with pytest.raises(BadRequest) as caught:
            member_of(await world.bot.fetch_user(stranger.id))
        assert caught.value.fields == {"who": f"<@{stranger.id}>"}


class TestPause:
    async def test_pauses_the_whole_server_and_ends_that(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        other = world.guild.create_text_channel("other")
        assert (await told(world, mia, "pause")).startswith("I am paused and answer nobody in this server.")
        assert await told(world, mia, "pause") == "I am paused already. /limits resume ends that."
        for channel in (world.channel, other):
            assert "have paused me here" in await ask(world, world.ana, channel)
        assert "> I am paused in this server and answer nobody." in await told(world, mia, "show")
        assert await told(world, mia, "resume") == "I answer in this server again."
        assert await told(world, mia, "resume") == "I am not paused in this server."
        assert "Blue." in await ask(world, world.ana)
        changes = [(row.name, row.before, row.after, row.user_id) for row in await history(world)]
        assert changes == [
            (Setting.PAUSED.value, True, None, mia.id),
            (Setting.PAUSED.value, None, True, mia.id),
        ]


class TestHistory:
    async def test_tells_who_changed_what_and_when_page_by_page(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        tom = world.manager("tom")
        assert await told(world, mia, "history") == "No admin has changed a setting or a limit yet."
        for amount in range(1, 26):
            await told(world, tom if amount == 25 else mia, "set", **REQUESTS, amount=str(amount))
        await told(world, mia, "pause")
        result = await mia.slash(world.channel, "limits history")
        page = result.response
        assert page is not None
        assert page.ephemeral
        first = page.content.splitlines()
        assert first[0] == "**What admins changed**, newest first"
        assert first[1] == (
            f"- <t:1767225600:f> <@{mia.id}> · **Pause** · *in the whole server*: as inherited → I answer "
            "nobody"
        )
        assert first[2] == (
            f"- <t:1767225600:f> <@{tom.id}> · **Each member** · *in the whole server*: 24 requests a day → "
            "25 requests a day"
        )
        seen = first[1:]
        for _ in range(2):
            await mia.click(page, label="Older")
            seen += page.content.splitlines()[1:]
        assert len(seen) == len({*seen}) == 26
        assert seen[-1].endswith("no limit → 1 request a day")
        assert labels(page) == ["Newest"]
        await mia.click(page, label="Newest")
        assert page.content.splitlines() == first
        assert labels(page) == ["Older"]

    async def test_who_had_their_data_erased_has_no_name(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        tom = world.manager("tom")
        await told(world, mia, "set", **REQUESTS, amount="4")
        [seen] = await offered(world, tom)
        await told(world, mia, "set", **REQUESTS, amount="6")
        question = await mia.slash(world.channel, "privacy erase")
        assert question.response is not None
        await mia.click(question.response, label="Erase my data")
        shown = await told(world, tom, "history")
        assert "somebody · **Each member** · *in the whole server*: no limit → 4 requests" in shown
        said = await told(world, tom, "clear", limit=seen["value"])
        assert said.startswith("This limit has changed since it was offered to you: it is now 6 requests")
        said = await told(world, tom, "set", **REQUESTS, amount="7")
        assert "Before, it was 6 requests a day: somebody chose that <t:" in said

    async def test_cuts_a_page_where_the_message_is_full(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        for letter in "*bcdef":
            await world.bot.answers.services.policies.change(persona(world, mia, letter * 2_000))
        result = await mia.slash(world.channel, "limits history")
        page = result.response
        assert page is not None
        seen = page.content.splitlines()[1:]
        while "Older" in labels(page):
            assert len(page.content) <= 2_000
            await mia.click(page, label="Older")
            seen += page.content.splitlines()[1:]
        assert len(seen) == len({*seen}) == 6

    async def test_a_button_of_an_earlier_start_works_for_admins_alone(
        self, world: World, mia: simcord.MemberActor
    ) -> None:
        for amount in range(1, 13):
            await told(world, mia, "set", **REQUESTS, amount=str(amount))
        result = await mia.slash(world.channel, "limits history")
        page = result.response
        assert page is not None
        before = page.content
        await world.lose_roles(mia)
        pressed = await mia.click(page, label="Older")
        said = [message for message in (pressed.response, *pressed.followups) if message and message.content]
        assert [message.content for message in said] == [NOT_ADMIN]
        assert page.content == before


def persona(world: World, admin: simcord.MemberActor, text: str) -> Change:
    """An admin writes a persona for the whole server."""
    return Change(
        id=world.bot.ids.new(),
        guild_id=world.guild.id,
        user_id=admin.id,
        at=world.env.now(),
        kind=ChangeKind.SETTING,
        place=Place.GUILD,
        place_id=world.guild.id,
        name=Setting.PERSONA.value,
        after=text,
    )


def labels(message: Any) -> list[str]:
    return [part["label"] for row in message.components for part in row.get("components", ())]


class TestPermission:
    COMMANDS: dict[str, dict[str, Any]] = {
        "show": {},
        "set": {**REQUESTS, "amount": "1"},
        "clear": {"limit": "1"},
        "test": {},
        "pause": {},
        "resume": {},
        "history": {},
    }

    async def test_is_asked_for_by_discord(self, world: World) -> None:
        command = world.bot.tree.get_command("limits")
        assert isinstance(command, discord.app_commands.Group)
        assert command.default_permissions == discord.Permissions(manage_guild=True)
        assert {each.name for each in command.commands} == {*self.COMMANDS}
        with pytest.raises(simcord.SetupError, match="not visible"):
            await world.ben.slash(world.channel, "limits show")

    async def test_is_checked_in_the_bot_too(self, world: World) -> None:
        [command] = [each for each in await world.bot.tree.fetch_commands() if each.name == "limits"]
        world.guild.set_command_permissions(command, {world.guild.default_role: True})
        for name, options in self.COMMANDS.items():
            members = {"member": world.ana} if name == "test" else {}
            assert await told(world, world.ben, name, **options, **members) == NOT_ADMIN
        assert await offered(world, world.ben) == []
        assert (await limits(world), await history(world)) == (set(), ())

    async def test_is_lost_with_the_role(self, world: World, mia: simcord.MemberActor) -> None:
        await told(world, mia, "set", **REQUESTS, amount="1")
        [command] = [each for each in await world.bot.tree.fetch_commands() if each.name == "limits"]
        world.guild.set_command_permissions(command, {world.guild.default_role: True})
        [seen] = await offered(world, mia)
        await world.lose_roles(mia)
        assert await told(world, mia, "clear", limit=seen["value"]) == NOT_ADMIN
        assert len(await limits(world)) == 1
