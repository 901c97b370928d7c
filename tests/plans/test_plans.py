"""What plans do beyond what tests/cogs show: bounds, long sources, models that read little."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import (
    AskOptions,
    Command,
    File,
    Prompt,
    Request,
    StoryOptions,
    SummarizeOptions,
    SummaryStyle,
    TranslateOptions,
)
from bot.errors import BadRequest, ModelBusy
from bot.plans import Ask, Story, Summarize, Translate, ask, story, summarize, translate
from bot.plans import words as bounds
from bot.reading.transcript import Said, Transcript, item, transcript
from tests.support.running import ScriptedRun, model_with, request_for

CONTEXT = 1500
"""Tokens of a model so small that a page is long for it."""
PIECES = st.lists(
    st.sampled_from(
        ["word ", "A sentence. ", "A line\n", "\n\n", "长的句子。", "🎉", "</text-1>", "x" * 40, " \t"]
    ),
    min_size=1,
    max_size=300,
)


async def nothing(_file: File) -> bytes:
    raise AssertionError("nothing is to be downloaded")


class Messages:
    """A channel that holds these messages."""

    def __init__(self, *said: Said) -> None:
        self._said = said

    async def last(self, _request: Request, count: int) -> Transcript:
        return transcript(self._said[-count:])


def material(prompt: Prompt) -> str:
    """What stands between the marks."""
    inside = prompt.turns[0].text.rpartition("\n</text-")[0]
    return inside.partition(">\n")[2]


def refusal(plan: Ask | Story | Summarize | Translate, request: Request) -> str:
    with pytest.raises(BadRequest) as refused:
        plan.check(request)
    return refused.value.message


SUMMARY = Summarize(nothing, Messages())


@pytest.mark.parametrize("count", [0, -1, 501, 10**9])
def test_a_number_of_messages_out_of_bounds_is_refused(count: int) -> None:
    asked = request_for(Command.SUMMARIZE, options=SummarizeOptions(messages=count))
    assert refusal(SUMMARY, asked) == summarize.BOUNDS


@pytest.mark.parametrize("count", [1, 500])
def test_the_bounds_themselves_are_accepted(count: int) -> None:
    SUMMARY.check(request_for(Command.SUMMARIZE, options=SummarizeOptions(messages=count)))


@pytest.mark.parametrize(
    ("plan", "options"),
    [
        (Ask(nothing), AskOptions()),
        (SUMMARY, SummarizeOptions()),
        (Story(), StoryOptions()),
        (Translate(), TranslateOptions("fr")),
    ],
)
def test_more_characters_than_an_option_takes_are_refused(
    plan: Ask | Story | Summarize | Translate,
    options: AskOptions | SummarizeOptions | StoryOptions | TranslateOptions,
) -> None:
    plan.check(request_for(words="x" * 6000, options=options))
    assert refusal(plan, request_for(words="x" * 6001, options=options)) == bounds.TOO_MANY_WORDS


def test_another_commands_options_are_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="AskOptions"):
        SUMMARY.check(request_for(Command.SUMMARIZE, words="text"))


def test_each_command_says_what_it_misses() -> None:
    assert refusal(Ask(nothing), request_for(words=" ")) == ask.NO_QUESTION
    assert refusal(Ask(nothing, attached=2), request_for(words="what?")) == ask.ONE_FILE
    assert refusal(Story(), request_for(options=StoryOptions())) == story.NO_PREMISE
    assert refusal(Translate(), request_for(options=TranslateOptions("fr"))) == translate.NO_TEXT
    unknown = request_for(words="sea", options=TranslateOptions("fr", "klingonese"))
    assert refusal(Translate(), unknown) == translate.UNKNOWN_LANGUAGE


async def test_a_long_question_makes_the_answer_shorter_before_it_is_refused() -> None:
    run = ScriptedRun(request_for(words="长" * 300), model_with(CONTEXT), lambda _: "Yes.", 1000)
    await Ask(nothing).run(run)
    [prompt] = run.streamed
    assert 256 <= prompt.max_tokens < 1000


async def test_a_question_that_does_not_fit_is_refused_with_how_much_it_is_too_long() -> None:
    run = ScriptedRun(request_for(words="长" * 600), model_with(CONTEXT), lambda _: "Yes.", 1000)
    with pytest.raises(BadRequest) as refused:
        await Ask(nothing).run(run)
    assert refused.value.message == bounds.TOO_LONG
    percent = refused.value.fields["percent"]
    assert isinstance(percent, int)
    kept = 600 * 100 // (100 + percent)
    shorter = ScriptedRun(request_for(words="长" * (kept - 20)), model_with(CONTEXT), lambda _: "Yes.", 1000)
    await Ask(nothing).run(shorter)
    assert shorter.streamed


async def test_a_model_with_a_least_answer_is_not_asked_for_less() -> None:
    model = model_with(CONTEXT, min_output=1000)
    run = ScriptedRun(request_for(words="长" * 250), model, lambda _: "Yes.", 1200)
    with pytest.raises(BadRequest):
        await Ask(nothing).run(run)


async def test_a_model_that_thinks_aloud_gets_room_for_its_thoughts() -> None:
    asked = request_for(Command.SUMMARIZE, "A text", SummarizeOptions())
    run = ScriptedRun(asked, model_with(8000, reasons=True), lambda _: "Short.", 2048)
    await SUMMARY.run(run)
    assert run.streamed[0].max_tokens == 2048


@settings(max_examples=40)
@given(PIECES)
async def test_every_character_of_a_long_text_is_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    asked = request_for(Command.SUMMARIZE, text, SummarizeOptions())
    run = ScriptedRun(asked, model_with(CONTEXT), lambda _: "Notes.", 500)
    await SUMMARY.run(run)
    if run.completed:
        # A text this long is read once, then notes are combined.
        count = run.facts["parts"]
        assert isinstance(count, int)
        read = [material(prompt) for prompt in run.completed[:count]]
        assert sorted("".join(read)) == sorted(text)
        assert len(run.streamed) == 1
    else:
        assert material(run.streamed[0]) == text


async def test_long_sources_are_read_in_order_and_notes_of_notes_are_taken() -> None:
    lines = [f"Line {number} tells something new." for number in range(3000)]
    asked = request_for(
        Command.SUMMARIZE,
        file=File("a.txt", "https://cdn.invalid/a.txt", 10),
        options=SummarizeOptions(SummaryStyle.DETAILED),
    )

    async def download(_file: File) -> bytes:
        return "\n".join(lines).encode()

    run = ScriptedRun(asked, model_with(CONTEXT), lambda prompt: f"Notes: {material(prompt)[:120]}", 500)
    await Summarize(download, Messages()).run(run)
    first_level = [prompt for prompt in run.completed if "Notes:" not in prompt.turns[0].text]
    assert "".join(material(prompt) for prompt in first_level) == "\n".join(lines)
    assert len(run.completed) > len(first_level)
    assert len(run.streamed) == 1
    assert run.statuses[0] == summarize.READING_FILE
    assert f"Reading in parts: {len(first_level)} of {len(first_level)} done…" in run.statuses
    assert summarize.COMBINING in run.statuses


async def test_parts_of_a_conversation_begin_with_a_message() -> None:
    said = [
        Said("Ana", request_for().asked_at, f"Message {number}\n\nwith two paragraphs. " * 5)
        for number in range(20)
    ]
    asked = request_for(Command.SUMMARIZE, options=SummarizeOptions(messages=20))
    run = ScriptedRun(asked, model_with(CONTEXT), lambda _: "Notes.", 500)
    await Summarize(nothing, Messages(*said)).run(run)
    parts = [material(prompt) for prompt in run.completed]
    assert "".join(parts) == "".join(map(item, said))
    assert all(part.startswith("[2026-01-01 00:00] Ana: ") for part in parts)
    assert run.facts["messages"] == 20
    assert "Reading 20 messages…" in run.statuses


async def test_a_source_of_too_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarize, "MOST_PARTS", 3)
    asked = request_for(Command.SUMMARIZE, "长的文本。" * 1000, SummarizeOptions())
    run = ScriptedRun(asked, model_with(CONTEXT), lambda _: "Notes.", 500)
    with pytest.raises(BadRequest) as refused:
        await SUMMARY.run(run)
    assert refused.value.message == summarize.TOO_MANY_PARTS
    assert run.completed == []


async def test_notes_that_grow_instead_of_shrinking_end_with_a_sentence() -> None:
    asked = request_for(Command.SUMMARIZE, "长的文本。" * 200, SummarizeOptions())
    run = ScriptedRun(asked, model_with(CONTEXT), lambda _: "长长的笔记。" * 400, 500)
    with pytest.raises(BadRequest) as refused:
        await SUMMARY.run(run)
    assert refused.value.message == summarize.NO_ROOM


async def test_a_translation_in_parts_is_whole_with_its_last_part_only() -> None:
    asked = request_for(words="A sentence to translate. " * 200 + "\n\n", options=TranslateOptions("fr"))
    run = ScriptedRun(asked, model_with(CONTEXT), lambda _: "Une phrase.", 500)
    await Translate().run(run)
    assert len(run.streamed) > 2
    assert run.ends_with == run.streamed[-1:]
    assert run.written == " ".join(["Une phrase."] * len(run.streamed))


async def test_a_model_with_no_room_at_all_is_said() -> None:
    small = model_with(100, max_output=50)
    asked = request_for(Command.SUMMARIZE, "A text", SummarizeOptions())
    with pytest.raises(BadRequest) as refused:
        await SUMMARY.run(ScriptedRun(asked, small, lambda _: "Notes.", 50))
    assert refused.value.message == summarize.NO_ROOM
    with pytest.raises(BadRequest) as refused:
        await Translate().run(
            ScriptedRun(request_for(words="text", options=TranslateOptions("fr")), small, lambda _: "x", 50)
        )
    assert refused.value.message == translate.NO_ROOM


async def test_the_first_failure_ends_all_parts_and_is_the_one_told() -> None:
    def answer(_prompt: Prompt) -> str:
        raise ModelBusy

    asked = request_for(Command.SUMMARIZE, "长的文本。" * 1000, SummarizeOptions())
    run = ScriptedRun(asked, model_with(CONTEXT), answer, 500)
    with pytest.raises(ModelBusy):
        await SUMMARY.run(run)
    assert len(run.completed) < 2 * summarize.AT_ONCE


@settings(max_examples=40)
@given(PIECES.map("".join).filter(lambda text: not bounds.is_blank(text)))
async def test_a_translation_is_of_the_whole_text_in_its_order(text: str) -> None:
    run = ScriptedRun(
        request_for(Command.TRANSLATE, text, TranslateOptions("fr")), model_with(CONTEXT), material, 500
    )
    await Translate().run(run)
    assert "".join(run.written.split()) == "".join(text.split())
    assert len(run.streamed) == len([part for part in run.streamed if material(part).strip()])


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("", True),
        (" \u200b\x00", True),
        ("\u2800\u3164", True),
        ("a", False),
        ("🎉", False),
        (".", False),
        ("\u0301", False),
    ],
)
def test_blank_is_what_shows_nothing(text: str, *, blank: bool) -> None:
    assert bounds.is_blank(text) is blank
