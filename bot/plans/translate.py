"""/translate: a text into another language, in parts where it is long."""

from bot import prompts
from bot.domain import Prompt, Request, TranslateOptions
from bot.errors import BadRequest
from bot.i18n import N_, language_name
from bot.offloading import offload
from bot.plans.words import longest_answer, options_of, require_words
from bot.reading.parts import LOOKS, cut
from bot.run import Run

GROWTH = 2
"""A translation is given this many times the most tokens that its text can be: scripts that a model knows
less take several tokens a letter.
"""

NO_TEXT = N_("Please give me a text to translate.")
UNKNOWN_LANGUAGE = N_(
    "I do not know a language called “{name}”. "
    "Choose one from the list, or write its name or code, such as French or fr."
)
NO_ROOM = N_("{model} reads too little at once for a translation. Please tell the person who runs this bot.")


class Translate:
    """Translates a text."""

    def check(self, request: Request) -> None:
        """See that there is a text, and that the languages are known.

        Raises:
            BadRequest: there is none, it is too long, or a language is not known.
        """
        require_words(request.words, NO_TEXT)
        options = options_of(request, TranslateOptions)
        for code in (options.target, options.source):
            if code is not None and language_name(code) is None:
                raise BadRequest(UNKNOWN_LANGUAGE, name=code[:100])

    async def run(self, run: Run) -> None:
        """Translate part by part; most texts have one."""
        text = run.request.words
        tokens = longest_answer(run)
        options = options_of(run.request, TranslateOptions)

        def prompt(part: str) -> Prompt:
            return prompts.translate(part, options, tokens)

        empty = run.room(prompt(""))

        def fits(part: str) -> bool:
            room = run.room(prompt(part))
            return room >= 0 and GROWTH * (empty - room) <= tokens

        try:
            parts = await offload(LOOKS * len(text), lambda: cut(text, fits))
        except ValueError as error:
            raise BadRequest(NO_ROOM, model=run.model.name) from error
        run.note(parts=len(parts))
        parts = [part for part in parts if part.strip()]
        for number, part in enumerate(parts, start=1):
            await run.stream(prompt(part.strip()), last=number == len(parts))
            if number < len(parts):
                run.write(part[len(part.rstrip()) :] or " ")
