"""A prompt as a model's own input fields.

What people wrote may hold the control tokens that models read as the frame of a conversation (``<|eot_id|>``,
``[INST]``). ``clean`` breaks them with a zero-width space: a person sees the same text, a model sees no
token. Everything in a prompt goes through it, the system text too, since personas are people's words; only
the frame that is written here stays whole.
"""

import json
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from bot.domain import Model, Prompt, Role, Template, Turn

InputValue = str | int | float | bool | list[dict[str, str]]

BREAK = "\u200b"
"""Zero-width space, put behind the first character of a control token."""

SLICE = 65_536
"""Characters of a slice, about: nothing else in the process runs while a regular expression does."""

_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
# Blanks are taken whole (`*+`): tried again in every length, a hostile text would take minutes.
_CONTROL = re.compile(
    r"""
    <\s*+(?:
        [|\uff5c][^<>|\uff5c]*+[|\uff5c]\s*+>      # <|eot_id|>, and DeepSeek's full-width bars
      | <\s*+(?:/\s*+)?SYS\s*+>\s*+>
      | (?:/\s*+)?
        (?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response
          |(?:start|end)_of_(?:turn|image|audio)|(?:image|audio)_soft_token|unused\d{1,4}    # Gemma
          # Granite, SmolLM2
          |fim_(?:prefix|middle|suffix|pad)|filename|file_sep|repo_?name|gh_stars|empty_output
          |issue_(?:start|comment|closed)|jupyter_(?:start|text|code|output|script)|commit_(?:before|msg|after)
        )\s*+>
    )
    | \[\s*+(?:/\s*+)?
        (?:INST|AVAILABLE_TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|SYSTEM_PROMPT|CALL_ID|THINK|IMG(?:_\w+)?
          # In capitals only, as models read them: `values[middle]` is what anybody's code says.
          |(?-i:PREFIX|SUFFIX|MIDDLE|ARGS|(?:BEGIN_)?AUDIO|TRANSCRIBE|MODEL_SETTINGS)
        )\s*+\]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_OUTER = re.compile(r"<(?!\s*+(?:/\s*+)?SYS)", re.IGNORECASE)
"""A bracket that is within no control token: the only one that is belongs to ``<<SYS>>``."""
_OUTER_OR_SQUARE = re.compile(rf"{_OUTER.pattern}|\[", re.IGNORECASE)
_WITH_BAR = re.compile(r"<\s*+[|\uff5c]")
"""What begins the only control token that may hold a square bracket."""
_SPEAKER = re.compile(r"^([^\S\n]*+)(user|assistant|system)(?=\s*:)", re.IGNORECASE | re.MULTILINE)

_NAMES = {Role.USER: "User", Role.ASSISTANT: "Assistant"}


def clean(text: str) -> str:
    """The text with every control token broken, and without null bytes and lone surrogates."""
    return "".join(_CONTROL.sub(_broken, piece) for piece in _slices(_UNPRINTABLE.sub("", text)))


def _slices(text: str) -> Iterator[str]:
    """The text in slices that tear no control token."""
    start = 0
    while len(text) - start > SLICE:
        ahead = start + SLICE
        last = text.rfind("<", start, ahead)
        is_open = last >= 0 and _WITH_BAR.match(text, last) is not None
        beyond = (_OUTER if is_open else _OUTER_OR_SQUARE).search(text, ahead)
        if beyond is None:
            break
        yield text[start : beyond.start()]
        start = beyond.start()
    yield text[start:]


def _broken(match: re.Match[str]) -> str:
    return match[0][0] + BREAK + match[0][1:]


def fingerprint(fields: object) -> str:
    """Return a hash of input fields, whatever their order.

    >>> fingerprint({"prompt": "why", "top_k": 1}) == fingerprint({"top_k": 1, "prompt": "why"})
    True
    """
    return blake2b(json.dumps(fields, sort_keys=True).encode(), digest_size=16).hexdigest()


def output_tokens(model: Model, prompt: Prompt) -> int:
    """The most tokens of output that a call asks for, within what the model takes."""
    if model.length_field is None:
        return model.max_output
    return min(max(prompt.max_tokens, model.min_output), model.max_output)


def build_input(model: Model, prompt: Prompt) -> dict[str, InputValue]:
    """The input fields that this model takes, filled from the prompt."""
    fields: dict[str, InputValue] = dict(model.extra)
    fields |= _words(
        model, clean(prompt.system).strip(), [Turn(turn.role, clean(turn.text)) for turn in prompt.turns]
    )
    if model.length_field is not None:
        fields[model.length_field] = output_tokens(model, prompt)
    if model.temperature_field is not None and prompt.temperature is not None:
        fields[model.temperature_field] = prompt.temperature
    return fields


def _words(model: Model, system: str, turns: Sequence[Turn]) -> dict[str, InputValue]:
    if model.messages_field is not None:
        return {model.messages_field: _messages(system, turns)}
    fields: dict[str, InputValue] = {}
    match model.template:
        case Template.LLAMA3:
            fields["prompt"] = llama3(system, turns)
        case Template.CHATML:
            fields["prompt"] = chatml(system, turns)
        case Template.PLAIN if model.system_field is None:
            fields["prompt"] = plain(system, turns)
        case Template.PLAIN:
            fields["prompt"] = plain("", turns)
            if system:
                fields[model.system_field] = system
    if model.template_field is not None:
        # The prompt is the whole frame already.
        fields[model.template_field] = "{prompt}"
    return fields


def _messages(system: str, turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Chat messages, the system text first: models ignore its own field where they get messages."""
    first = [{"role": "system", "content": system}] if system else []
    return first + [{"role": turn.role.value, "content": turn.text} for turn in turns]


def llama3(system: str, turns: Sequence[Turn]) -> str:
    """Cleaned texts in Llama 3's chat template (Meta: Llama 3 model card, prompt format)."""
    spoken = [("system", system)] if system else []
    spoken += [(turn.role.value, turn.text) for turn in turns]
    framed = [f"<|start_header_id|>{name}<|end_header_id|>\n\n{text}<|eot_id|>" for name, text in spoken]
    return "".join(["<|begin_of_text|>", *framed, "<|start_header_id|>assistant<|end_header_id|>\n\n"])


def chatml(system: str, turns: Sequence[Turn]) -> str:
    """Cleaned texts in the template that SmolLM2's own tokenizer settings give."""
    spoken = [("system", system)] if system else []
    spoken += [(turn.role.value, turn.text) for turn in turns]
    framed = [f"<|im_start|>{name}\n{text}<|im_end|>\n" for name, text in spoken]
    return "".join([*framed, "<|im_start|>assistant\n"])


def plain(system: str, turns: Sequence[Turn]) -> str:
    """Cleaned texts as one prompt: a single question as it is, a conversation with its speakers named.

    A line that imitates a speaker's name is broken as a control token would be.
    """
    if len(turns) == 1 and turns[0].role is Role.USER:
        spoken = [turns[0].text]
    else:
        spoken = [f"{_NAMES[turn.role]}: {_SPEAKER.sub(_unname, turn.text)}" for turn in turns]
        spoken.append(f"{_NAMES[Role.ASSISTANT]}:")
    # Two halves of a token must not meet where texts are joined.
    return clean("\n\n".join([system, *spoken] if system else spoken))


def _unname(match: re.Match[str]) -> str:
    name = match[2]
    return f"{match[1]}{name[0]}{BREAK}{name[1:]}"
