"""/story: a story from a premise."""

from bot import prompts
from bot.domain import Request, StoryOptions
from bot.i18n import N_
from bot.plans.words import fitted, longest_answer, options_of, require_words, thoughtful
from bot.run import Run

NO_PREMISE = N_("Please write what the story is about.")


class Story:
    """Tells a story."""

    def check(self, request: Request) -> None:
        """See that there is a premise.

        Raises:
            BadRequest: there is none, or it is too long.
        """
        require_words(request.words, NO_PREMISE)

    async def run(self, run: Run) -> None:
        """Tell it."""
        options = options_of(run.request, StoryOptions)
        prompt = prompts.story(run.request.words, options, run.voice, longest_answer(run))
        await run.stream(fitted(run, thoughtful(run, prompt)))
