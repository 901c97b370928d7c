import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.demo.live import Outside
from tests.demo.conftest import Stage
from tests.demo.visitor import State, Visitor


async def test_an_answer_grows_in_the_page_while_nobody_acts(stage: Stage) -> None:
    visitor = await stage.visitor()
    receipt = await visitor.run("ask", question="Why?")
    assert receipt["settlement"] == "settled"
    for word in ("because", "it", "grows"):
        stage.bot.steps.put_nowait(word)
        await visitor.until(partial(_last_text_ends_with, visitor, word))
    stage.bot.steps.put_nowait(None)
    await visitor.until(lambda _: visitor.texts()[-1] == "Why? because it grows (end)")


def _last_text_ends_with(visitor: Visitor, word: str, state: State) -> bool:
    return visitor.texts()[-1].endswith(word)


async def test_stop_is_heard_while_an_answer_grows(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.run("ask", question="Why?")
    stage.bot.steps.put_nowait("because")
    await visitor.until(lambda _: visitor.texts()[-1] == "Why? because")
    receipt = await visitor.press("Stop")
    assert receipt["settlement"] == "settled"
    assert stage.bot.stopped.is_set()


async def test_a_second_question_is_answered_while_the_first_grows(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.run("ask", question="One?")
    await visitor.look()
    assert (await visitor.run("ask", question="Two?"))["settlement"] == "settled"
    stage.bot.steps.put_nowait("first")
    await visitor.until(lambda _: visitor.texts()[-2:] == ["One? first", "Two?"])
    stage.bot.steps.put_nowait("second")
    await visitor.until(lambda _: visitor.texts()[-2:] == ["One? first", "Two? second"])


async def test_every_request_of_the_bot_is_told(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.run("ask", question="Why?")
    stage.bot.steps.put_nowait("because")
    await visitor.until(lambda _: visitor.texts()[-1] == "Why? because")
    # The next edit begins only after the one before it was told of.
    stage.bot.steps.put_nowait("it")
    await visitor.until(lambda _: visitor.texts()[-1] == "Why? because it")
    methods = [method for method, path in stage.heard if path.endswith("/messages/@original")]
    assert methods[:1] == ["PATCH"]


async def test_messages_are_of_today(stage: Stage) -> None:
    visitor = await stage.visitor()
    await visitor.run("ask", question="Why?")
    await visitor.look()
    asked = visitor.seen["messages"][visitor.seen["timeline"][-1]]["timestamp"]
    assert datetime.now(UTC) - datetime.fromisoformat(asked) < timedelta(minutes=1)


async def test_what_still_runs_at_the_end_is_cancelled() -> None:
    outside = Outside()
    ended = asyncio.Event()

    async def wait_forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = outside.spawn(wait_forever())
    await asyncio.sleep(0)
    await outside.drain(0)
    assert task.cancelled()
    assert ended.is_set()


async def test_what_ends_in_time_is_not_cancelled() -> None:
    outside = Outside()
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()

    task = outside.spawn(work())
    go.set()
    await outside.drain(5)
    assert task.done()
    assert not task.cancelled()
    await outside.drain(0)
