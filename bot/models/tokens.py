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
import unicodedata
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from bot.domain import Model, Prompt, Tokens
from bot.models.inputs import clean, output_tokens

FRAME = 32
"""Tokens of a chat template around all messages, at most."""
MESSAGE_FRAME = 16
"""Tokens of a chat template around each message, at most; Llama 3 and ChatML take six."""

LONGEST_WORD = 32
"""Letters of a run that is remembered; real words are shorter."""

_RUN = re.compile(r" ?[A-Za-z]+")


def upper_bound(text: str) -> int:
    """The most tokens that any of the tokenizers makes of the text."""
    saved = 0
    for match in _RUN.finditer(text):
        run, after = match[0], text[match.end() : match.end() + 1]
        if _is_word(run) and _ends_word(after):
            saved += len(run) - 1
        else:
            saved += len(run) - (_remembered(run) if len(run) <= LONGEST_WORD else _most_tokens(run))
    return _most_bytes(text) - saved


def prompt_bound(model: Model, prompt: Prompt) -> Tokens:
    """The most tokens that a call with this prompt can use."""
    texts = [prompt.system, *(turn.text for turn in prompt.turns)]
    words = sum(upper_bound(clean(text)) + MESSAGE_FRAME for text in texts)
    return Tokens(FRAME + words, output_tokens(model, prompt))


def _most_bytes(text: str) -> int:
    """Bytes of the text, or of what a tokenizer that normalises it (as Claude's does) reads, if more."""
    plain = len(text.encode("utf-8", "surrogatepass"))
    if text.isascii():
        return plain
    return max(plain, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")))


def _is_word(run: str) -> bool:
    return run[0] == " " and run[1:] in _common()[1]


def _ends_word(after: str) -> bool:
    """Whether a letter run surely ends before this character (empty at the end of the text)."""
    return not after or (after.isascii() and not after.isalpha() and after != "'")


def _most_tokens(run: str) -> int:
    """The most tokens of a run in which no two letters stand alone side by side that are a token together."""
    pairs = _common()[0]
    alone, joined, before = 1, 0, 0
    # The most tokens up to a letter if it stands alone, if it ends a longer token, and up to the letter
    # before it.
    for pair in pairwise(run):
        apart = joined if "".join(pair) in pairs else max(alone, joined)
        alone, joined, before = apart + 1, before + 1, max(alone, joined)
    return max(alone, joined)


_remembered = lru_cache(maxsize=8192)(_most_tokens)


@cache
def _common() -> tuple[frozenset[str], frozenset[str]]:
    """Pairs and words that are one token everywhere."""
    pairs, words = Path(__file__).with_name("tokens.txt").read_text("ascii").split("\n\n")
    letters = (chr(code) for code in range(ord("a"), ord("z") + 1))
    spaced = {f" {letter}" for letter in letters}
    return frozenset(pairs.split()) | spaced, frozenset(words.split())
