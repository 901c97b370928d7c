"""How many tokens a text can be, before any tokenizer has seen it.

A limit is reserved before a model is called and the models' tokenizers are not here, so these are upper
bounds: never too low, and as near as that allows. All tokenizers in use are byte-level pair encodings (or
have a token for each byte), so a text is never more tokens than bytes. Two things they have in common make
the bound nearer for text in Latin letters, about half the bytes of English:

- They go on merging until no neighbours can be merged. So where two letters are a token together, they are
  never two tokens side by side: of a run of such letters at most two in three are tokens.
- The commonest English words, with the space before them, are one token each.

The pairs and words lie in ``tokens.txt``: those that are one token to each of Llama 3, GPT-4, GPT-4o, Gemma,
Claude 2 and SmolLM2. Words are counted as one only where nothing beside them could have drawn a letter away
(an apostrophe, another script).
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from operator import add
from pathlib import Path
from weakref import WeakKeyDictionary

from bot.domain import Model, Prompt, Tokens
from bot.models.inputs import clean, output_tokens
from bot.normalization import nfkc

FRAME = 32
"""Tokens of a chat template around all messages, at most."""
MESSAGE_FRAME = 16
"""Tokens of a chat template around each message, at most; Llama 3 and ChatML take six."""

SLICE = 16_384
"""Characters of a slice, about: nothing else in the process runs while a regular expression does."""
PIECE = 4096
"""Letters of a run that are looked at together, for the same reason."""
STEP = 8
"""Pairs of letters that are counted in one step: few enough that what each makes can be remembered."""

_RUN = re.compile(r"( ?[A-Za-z]++)(['\x80-\U0010ffff]?)")
"""A run of letters, and what stands behind it where that could draw a letter away."""
_NO_LETTER = re.compile("[^A-Za-z]")

_inputs: WeakKeyDictionary[Prompt, int] = WeakKeyDictionary()
"""What was counted of the prompts that are in use: each is asked for several times on its way."""


def upper_bound(text: str) -> int:
    """The most tokens that any of the tokenizers makes of the text."""
    runs: Counter[tuple[str, str]] = Counter()
    for piece in _slices(text):
        runs.update(_RUN.findall(piece))
    saved = 0
    for (run, after), times in runs.items():
        most = 1 if not after and _is_word(run) else _most_tokens(run)
        saved += (len(run) - most) * times
    return _most_bytes(text) - saved


def prompt_bound(model: Model, prompt: Prompt) -> Tokens:
    """The most tokens that a call with this prompt can use."""
    words = _inputs.get(prompt)
    if words is None:
        texts = [prompt.system, *(turn.text for turn in prompt.turns)]
        words = _inputs[prompt] = sum(upper_bound(clean(text)) + MESSAGE_FRAME for text in texts)
    return Tokens(FRAME + words, output_tokens(model, prompt))


def _slices(text: str) -> Iterator[str]:
    """The text in slices that tear no run from what is beside it."""
    start = 0
    while (between := _NO_LETTER.search(text, start + SLICE)) is not None:
        # A space belongs to the run behind it, anything else to the one before.
        end = between.start() if between[0] == " " else between.end()
        yield text[start:end]
        start = end
    yield text[start:]


def _most_bytes(text: str) -> int:
    """Bytes of the text, or of what a tokenizer that normalises it (as Claude's does) reads, if more."""
    plain = len(text.encode("utf-8", "surrogatepass"))
    if text.isascii():
        return plain
    return max(plain, len(nfkc(text).encode("utf-8", "surrogatepass")))


def _is_word(run: str) -> bool:
    return run[0] == " " and run[1:] in _common()[1]


def _most_tokens(run: str) -> int:
    """The most tokens of a run in which no two letters stand alone side by side that are a token together."""
    pairs = _common()[0]
    counted, alone, joined = 0, 1, 0
    for start in range(0, len(run) - 1, PIECE):
        letters = run[start : start + PIECE + 1]
        tokens = bytes(map(pairs.__contains__, map(add, letters, letters[1:])))
        for first in range(0, len(tokens), STEP):
            more, alone, joined = _counted(alone, joined, tokens[first : first + STEP])
            counted += more
    return counted + max(alone, joined)


@cache
def _counted(alone: int, joined: int, pairs: bytes) -> tuple[int, int, int]:
    """Count on over some pairs of neighbours, each 1 where it is a token; ``alone`` and ``joined`` are the
    most tokens up to a letter if it stands alone and if it ends a longer token.

    Both come back less what they surely are, which comes back first: so few of them differ.
    """
    before = 0
    for pair in pairs:
        apart = joined if pair else max(alone, joined)
        alone, joined, before = apart + 1, before + 1, max(alone, joined)
    return before, alone - before, joined - before


@cache
def _common() -> tuple[frozenset[str], frozenset[str]]:
    """Pairs and words that are one token everywhere."""
    pairs, words = Path(__file__).with_name("tokens.txt").read_text("ascii").split("\n\n")
    letters = (chr(code) for code in range(ord("a"), ord("z") + 1))
    spaced = {f" {letter}" for letter in letters}
    return frozenset(pairs.split()) | spaced, frozenset(words.split())
