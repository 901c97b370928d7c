import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.chat import ANSWER_MS, FOOTER, Chat
from tests.browser.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(180)]

BEYOND = """width => [...document.querySelectorAll("#channel-composer, #channel-composer *")]
  .filter(piece => piece.getBoundingClientRect().right > width).map(piece => piece.outerHTML)"""
"""What reaches beyond the screen."""


@pytest.mark.parametrize("longest_answer", [400])
def test_an_answer_grows_and_ends_with_the_footer(chat: Chat) -> None:
    # Long enough to take several seconds, and with them several changes, on a quick machine too.
    chat.use("story", premise="A garden forgets what spring is", length="long")
    answer = chat.wait_for_answer()
    # Below who writes, and when.
    written = [step.partition("\n\n")[2] for step in chat.steps()]
    whole = written[-1].partition("smollm2")[0].strip()
    grown = {
        text for step in written if (text := step.removesuffix("Stop").strip()) and whole.startswith(text)
    }
    assert len(grown) >= 3, written
    assert FOOTER.search(answer.removesuffix("Details").rstrip().splitlines()[-1])


@pytest.mark.parametrize("longest_answer", [1024])
def test_stop_ends_a_long_story_with_a_note(chat: Chat) -> None:
    chat.use("story", premise="A lighthouse keeper finds a letter in a bottle", length="long")
    stop = chat.last.get_by_role("button", name="Stop")
    expect(stop).to_be_visible(timeout=ANSWER_MS)
    chat.page.wait_for_function(
        "number => window.steps[number].length > 3", arg=_number(chat), timeout=ANSWER_MS
    )
    stop.click()
    assert "Stopped." in chat.wait_for_answer()
    expect(stop).to_have_count(0)


def test_every_command_is_answered(chat: Chat) -> None:
    chat.use("ask", question="Name three colours.")
    assert "Name three colours." in chat.wait_for_answer()
    chat.use("summarize", messages="9")
    chat.wait_for_answer()
    chat.use("story", premise="A cat learns to swim", length="short")
    chat.wait_for_answer()
    chat.use("translate", text="Good morning", to="French")
    chat.wait_for_answer()


def test_a_private_answer_is_hidden_from_the_other_member(chat: Chat) -> None:
    chat.use("ask", question="What is a secret?", private="True")
    chat.wait_for_answer()
    number = _number(chat)
    chat.look_as("Otter")
    expect(chat.page.locator(f'[data-message-id="{number}"]')).to_have_count(0)
    expect(chat.page.get_by_text("What is a secret?")).to_have_count(0)
    chat.look_as("Heron")
    expect(chat.page.locator(f'.channel-message[data-message-id="{number}"]')).to_be_visible()


@pytest.mark.parametrize("arguments", [("--dm",)])
def test_a_plain_direct_message_is_answered(chat: Chat) -> None:
    chat.say("What is water made of?")
    chat.wait_for_answer()


def test_a_mention_is_answered(chat: Chat) -> None:
    chat.say("@Parlance What is water made of?")
    chat.wait_for_answer()


def test_a_command_that_is_typed_in_one_go_takes_what_follows(chat: Chat) -> None:
    chat.page.locator("#channel-composer textarea").click()
    chat.page.keyboard.type("/ask what is a hedge?")
    expect(chat.option("question")).to_have_value("what is a hedge?")
    chat.page.keyboard.press("Enter")
    expect(chat.last).to_contain_text("what is a hedge?")
    chat.wait_for_answer()
    chat.page.locator("#channel-composer textarea").fill("/translate good morning")
    expect(chat.option("text")).to_have_value("good morning")
    chat.page.reload()
    chat.page.wait_for_function("() => window.simcordPreview.ready")
    # Which of its options that is meant for is not said, so it stays as it was written.
    line = chat.page.locator("#channel-composer textarea")
    line.fill("/summarize messages 9")
    expect(line).to_have_value("/summarize messages 9")


def test_enter_sends_what_was_chosen_and_all_that_is_typed_is_in_sight(chat: Chat) -> None:
    keyboard = chat.page.keyboard
    chat.page.locator("#channel-composer textarea").click()
    keyboard.type("/limits set")
    expect(chat.page.get_by_role("option").filter(has_text="/limits set").first).to_be_visible()
    keyboard.press("Enter")
    for name, typed in (("metric", "requests"), ("amount", "30"), ("window", "hour")):
        chat.option(name).click()
        keyboard.type(typed)
        if name != "amount":
            expect(chat.page.locator(".command-suggestion.is-active")).to_contain_text(typed)
            keyboard.press("Enter")
        assert chat.option(name).evaluate("field => field.scrollWidth <= field.clientWidth"), name
    keyboard.press("Enter")
    expect(chat.last).to_contain_text("30 requests an hour")


def test_on_a_phone_whatever_is_asked_for_fits_the_screen(chat: Chat) -> None:
    width = 390
    chat.page.set_viewport_size({"width": width, "height": 760})
    send = chat.page.get_by_role("button", name="Send")
    for command in ("summarize", "limits set"):
        chat.page.locator("#channel-composer textarea").fill(f"/{command} ")
        send.click()
        expect(chat.page.locator(".command-row")).to_be_visible()
        assert chat.page.evaluate(BEYOND, width) == []
        chat.page.reload()
        expect(chat.last).to_be_visible()
        chat.page.wait_for_function("() => window.simcordPreview.ready")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_ends_cleanly_and_leaves_nothing(demo: Demo, number: signal.Signals) -> None:
    assert demo.end(number) == 0
    assert list(demo.tmp.iterdir()) == []
    assert list(demo.home.iterdir()) == []


@pytest.mark.parametrize("longest_answer", [1024])
def test_the_demo_ends_cleanly_in_the_middle_of_an_answer(chat: Chat, demo: Demo) -> None:
    chat.use("story", premise="A long way home", length="long")
    expect(chat.last.get_by_role("button", name="Stop")).to_be_visible(timeout=ANSWER_MS)
    assert demo.end(signal.SIGINT) == 0
    assert list(demo.tmp.iterdir()) == []
    expect(chat.page.locator("#action-status")).to_have_text(re.compile("interrupted"))
    expect(chat.page.locator("#action-status")).to_be_visible()


def _number(chat: Chat) -> str | None:
    return chat.last.get_attribute("data-message-id")
