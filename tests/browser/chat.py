"""The demo's page as a person uses it: type, choose, press, read."""

import re
from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

ANSWER_MS = 60_000
"""How long an answer may take: the embedded model shares its processor with the browser here."""

FOOTER = re.compile(r"smollm2-135m-instruct · .*tokens.* · .*s\b")
"""The last line of every answer: model, tokens, cost, seconds."""

_WATCH = """() => {
  window.steps = {};
  const look = () => {
    for (const message of document.querySelectorAll(".channel-message")) {
      const text = message.innerText;
      const steps = window.steps[message.dataset.messageId] ??= [];
      if (steps.at(-1) !== text) steps.push(text);
    }
  };
  new MutationObserver(look).observe(document.getElementById("channel-message-list"),
    { childList: true, subtree: true, characterData: true });
  look();
}"""


class Chat:
    """One open page. From the start it notes every text that each message has shown."""

    def __init__(self, page: Page) -> None:
        self.page = page
        expect(page.locator(".channel-message").last).to_be_visible()
        page.wait_for_function("() => window.simcordPreview.ready")
        page.evaluate(_WATCH)

    @property
    def last(self) -> Locator:
        """The newest message."""
        return self.page.locator(".channel-message").last

    def steps(self) -> list[str]:
        """Every text that the newest message has shown, oldest first."""
        number = self.last.get_attribute("data-message-id")
        found: Sequence[str] = self.page.evaluate("number => window.steps[number]", number)
        return list(found)

    def use(self, command: str, **options: str) -> None:
        """Use a slash command: type it, choose it, fill in its options one by one, and submit."""
        before = self.last.get_attribute("data-message-id")
        composer = self.page.locator("#channel-composer")
        composer.locator("textarea").click()
        self.page.keyboard.type(f"/{command}")
        expect(self.page.get_by_role("option").filter(has_text=f"/{command}").first).to_be_visible()
        self.page.keyboard.press("Enter")
        for name, value in options.items():
            self._fill(name, value)
        composer.get_by_role("button", name="Send").click()
        expect(
            self.page.locator(f'.channel-message[data-message-id="{before}"] ~ .channel-message')
        ).not_to_have_count(0, timeout=ANSWER_MS)

    def option(self, name: str) -> Locator:
        """The field of one option of the command that is being used."""
        return self.page.locator(f'.command-option-input[data-option="{name}"]')

    def say(self, text: str) -> None:
        """Send a plain message."""
        self.page.locator("#channel-composer textarea").fill(text)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".channel-message").filter(has_text=text).last).to_be_visible()

    def look_as(self, name: str) -> None:
        """Look at the channel as the other member."""
        self.page.get_by_label("Viewing as").select_option(label=name)
        expect(self.last).to_be_visible()

    def wait_for_answer(self) -> str:
        """Wait until the newest message ends with the footer, and return its whole text."""
        expect(self.last).to_contain_text(FOOTER, timeout=ANSWER_MS)
        return self.last.inner_text()

    def _fill(self, name: str, value: str) -> None:
        field = self.option(name)
        if not field.count():
            self.page.locator(".command-ghost").click()
            self.page.get_by_role("option").filter(has_text=name).first.click()
        field.fill(value)
