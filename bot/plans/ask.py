"""/ask, a mention and a direct message: a question, perhaps about a file."""

from bot import prompts
from bot.domain import Prompt, Request
from bot.errors import BadRequest
from bot.i18n import N_
from bot.offloading import offload
from bot.plans.words import TOO_LONG, fitted, longest_answer, require_words
from bot.reading.files import Download, read_file
from bot.run import Run

NO_QUESTION = N_("Please write what you would like to know.")
ONE_FILE = N_("I read one file at a time. Please attach only the one that your question is about.")
READING_FILE = N_("Reading the file…")
FILE_TOO_LONG = N_(
    "With this file, your question is about {percent} percent longer than {model} can read at once. "
    "Attach a part of it, choose a model that reads more, or use /summarize, which reads long files in parts."
)


class Ask:
    """Answers a question; ``attached`` is how many files came with it."""

    def __init__(self, download: Download, attached: int = 1) -> None:
        self._download = download
        self._attached = attached

    def check(self, request: Request) -> None:
        """See that something is asked.

        Raises:
            BadRequest: nothing is, or too much, or there are more files than one.
        """
        if self._attached > 1:
            raise BadRequest(ONE_FILE)
        require_words(request.words, NO_QUESTION)

    async def run(self, run: Run) -> None:
        """Read the file, if there is one, and answer."""
        request = run.request
        file = ""
        if request.file is not None:
            await run.status(READING_FILE)
            file = await read_file(request.file, self._download)
            run.note(file_characters=len(file))

        def asked() -> Prompt:
            prompt = prompts.ask(request.words, run.voice, longest_answer(run), file)
            return fitted(run, prompt, FILE_TOO_LONG if file else TOO_LONG)

        await run.stream(await offload(len(request.words) + len(file), asked))
