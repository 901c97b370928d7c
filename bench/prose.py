"""Made-up answers: words, punctuation and paragraphs, in pieces as models write them."""

import random

WORDS = """
the a of to and in is it that for on with as are this be by from at which but not have they can
water light people about river because small often between stone morning other through window when
under paper garden station simple history market always summer letter colour mountain question early
language weather together important different building probably something carefully
""".split()  # noqa: SIM905 - a list of one word a line is no easier to read
LONGEST_WHOLE = 8
"""Characters of a word that is one token; a longer one is two."""
SENTENCE = (7, 16)
PARAGRAPH = (3, 6)
"""The least and most words of a sentence, and sentences of a paragraph."""


def tokens(count: int, seed: int) -> list[str]:
    """Return ``count`` tokens of an answer, about 4.5 characters each; a seed always gives the same."""
    chance = random.Random(seed)
    written: list[str] = []
    while len(written) < count:
        for _ in range(chance.randint(*PARAGRAPH)):
            written += _sentence(chance, opens=not written or written[-1] == "\n\n")
        written.append("\n\n")
    return [*written[: count - 1], "."]


def _sentence(chance: random.Random, *, opens: bool) -> list[str]:
    words = chance.choices(WORDS, k=chance.randint(*SENTENCE))
    words[0] = words[0].capitalize()
    written = [part for word in words for part in _parts(f" {word}")]
    if opens:
        written[0] = written[0].lstrip()
    return [*written, "."]


def _parts(word: str) -> list[str]:
    return [word] if len(word) <= LONGEST_WHOLE else [word[:6], word[6:]]
