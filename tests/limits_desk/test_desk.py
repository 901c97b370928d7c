"""What the desk says in Chinese, where SimCord's people read English."""

import pytest

from bot.domain import Metric, Place, Scope, Surroundings, Window
from bot.errors import BadRequest
from bot.i18n import language
from bot.limits_desk import NEWEST, Directory, LimitsDesk, Names, Visit, Wanted
from tests.support.simulated import World


@pytest.fixture
def desk(world: World) -> LimitsDesk:
    return LimitsDesk(world.bot.answers.services, world.bot.store, world.bot.ids)


@pytest.fixture
def visit(world: World) -> Visit:
    directory = Directory({world.channel.id: "general"}, {70: "会员"})
    return Visit(world.guild.id, 7, world.env.now(), Names(language("zh-CN"), directory))


async def test_every_answer_is_chinese(world: World, desk: LimitsDesk, visit: Visit) -> None:
    here = world.channel.id
    daily = Wanted(Metric.REQUESTS, "20", Window.DAY, Place.CHANNEL, here)
    assert await desk.set(visit, daily) == f"已设定：**每位成员** · 每天 20 次请求 · *<#{here}>*"
    exempt = Wanted(Metric.COST, "豁免", Window.MONTH, Place.GUILD, visit.guild_id, role_id=70)
    assert await desk.set(visit, exempt) == (
        "已设定：**每位 <@&70> 成员** · 不受每月费用（美元）上限约束 · *整个服务器*"
    )
    [(label, value), _] = await desk.offers(visit, "")
    assert label == "每位 @会员 成员 · 不受每月费用（美元）上限约束 · 整个服务器"
    scope = Scope(Surroundings.GUILD, world.ana.id, here, visit.guild_id)
    [shown] = await desk.show(visit, scope, f"<#{here}>")
    assert shown.splitlines()[:3] == [
        f"**<#{here}>的上限**",
        f"**每位成员** · 每天 20 次请求 · *<#{here}>*",
        "-# ▱▱▱▱▱▱▱▱▱▱ 你已用 0 · <t:1767312000:R>重新计算",
    ]
    tested = await desk.test(visit, scope, f"<#{here}>")
    assert tested.splitlines()[1] == "- /提问, /总结, /故事, /翻译: 会得到回答"
    assert (await desk.clear(visit, value)).startswith("已清除：**每位 <@&70> 成员**")
    assert (await desk.pause(visit)).startswith("我已暂停")
    assert await desk.resume(visit) == "我重新在本服务器回答问题。"
    page = await desk.history(visit, NEWEST)
    assert page.text.startswith("**管理员的改动**，最新的在前\n")
    assert "不受每月费用（美元）上限约束 → 无上限" in page.text


@pytest.mark.parametrize(
    ("metric", "amount", "sentence"),
    [
        (Metric.TOKENS, "-1", "数量应为 1 到 1,000,000,000,000 的整数，例如 20。"),
        (Metric.COST, "0", "数量应为大于零、不超过 US$1,000,000.00 的美元金额，例如 US$2.50。"),
        (Metric.COST, "豁免", "只有身份组可以豁免。请在“身份组”里选一个。"),
    ],
)
def test_what_cannot_be_set_is_said_in_chinese(
    visit: Visit, metric: Metric, amount: str, sentence: str
) -> None:
    wanted = Wanted(metric, amount, Window.DAY, Place.GUILD, visit.guild_id)
    with pytest.raises(BadRequest) as caught:
        wanted.limit(visit.guild_id, visit.language)
    assert visit.language.error(caught.value) == sentence
