"""How fast text is split into messages and made safe, and whether the cost grows as the text does.

Throughput is in megabytes of UTF-8 a second; of several rounds the fastest counts, since the others measured
the machine.
"""

import random
import time
from collections.abc import Callable, Iterator

from bench.prose import tokens
from bench.table import Row
from bot.replies.safe import Safe, safe
from bot.replies.split import Splitter, split

SIZE = 1_000_000
"""Characters of a text that is split at once."""
ANSWER = 40_000
"""Characters of a long answer."""
ROUNDS = 5
TOKEN = 4
"""Characters of a token."""
BAR = 10
"""MB/s, from the design's figures."""
LINEAR = 1.5
"""Times ten parts' cost that the whole may cost."""

SECTION = """## {title}

{prose} **{title}** is what `{name}()` does, see [its page](https://docs.example.com/{name}) for more.

- {item}
- *{title}*: {item}
- {item} with `{name}={number}`

```python
def {name}(value: int) -> int:
    # {item}
    result = value * {number}
    for step in range(result):
        print(step, "*_~|", result)
    return result
```

{prose}

"""


def written(size: int) -> str:
    """Return plain prose of so many characters."""
    return "".join(tokens(size // 4, seed=1))[:size]


def formatted(size: int) -> str:
    """Return headings, lists, emphasis, links and code as answers have them."""
    chance = random.Random(2)
    words = written(20_000).replace("\n", " ").split(". ")
    parts: list[str] = []
    length = 0
    while length < size:
        prose = ". ".join(chance.choices(words, k=4)) + "."
        item = chance.choice(words)
        title, name, number = item[:18], f"step_{chance.randint(1, 99)}", chance.randint(2, 99)
        parts.append(SECTION.format(title=title.strip(), prose=prose, item=item, name=name, number=number))
        length += len(parts[-1])
    return "".join(parts)[:size]


def chinese(size: int) -> str:
    """Return Chinese of so many characters, with its own punctuation."""
    chance = random.Random(3)
    characters = "天地人山水日月木火土金大小上下来去好学生中国语言模型回答问题今明年时分写读听说"
    sentences = ["".join(chance.choices(characters, k=chance.randint(5, 25))) for _ in range(500)]
    return "".join(f"{chance.choice(sentences)}{chance.choice('，。，。！？')}" for _ in range(size // 12))[
        :size
    ]


def fastest(work: Callable[[str], object], text: str) -> float:
    """Return the seconds of the fastest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work(text)
        best = min(best, time.perf_counter() - started)
    return best


def megabytes(text: str) -> float:
    """Return the text's size as UTF-8."""
    return len(text.encode()) / 1e6


def stream(text: str) -> None:
    """Make safe and split token by token, as a reply does."""
    whole, splitter = Safe(), Splitter()
    for start in range(0, len(text), TOKEN):
        splitter.feed(whole.feed(text[start : start + TOKEN]))
    splitter.feed(whole.tail())
    splitter.pieces()


def texts() -> Iterator[tuple[str, str]]:
    """Yield the texts that are measured, by name."""
    yield "plain prose", written(SIZE)
    yield "markdown with code", formatted(SIZE)
    yield "Chinese", chinese(SIZE)
    yield "one line of 40,000 characters", written(ANSWER).replace("\n", " ")
    yield "all backticks", "`" * SIZE


def rows() -> list[Row]:
    """Return the throughput of each text, and how the cost of ten times the text compares with ten costs."""
    measured: list[Row] = []
    for name, text in texts():
        speed = megabytes(text) / fastest(split, text)
        measured.append(Row(f"splitting, {name}", speed, "MB/s", BAR, at_most=False))
    for name, make in (("plain prose", written), ("markdown with code", formatted)):
        whole, part = make(SIZE), make(SIZE // 10)
        ratio = fastest(split, whole) / (10 * fastest(split, part))
        note = "1 MB against ten of 100 kB"
        measured.append(Row(f"splitting, growth, {name}", ratio, "times", LINEAR, note=note))
    for name, text in (
        ("prose", written(ANSWER)),
        ("markdown", formatted(ANSWER)),
        ("brackets", "[" * ANSWER),
    ):
        cost = fastest(stream, text) / (len(text) / TOKEN)
        measured.append(Row(f"safe and split, a token of {name}", cost * 1e6, "us", None))
    text = formatted(SIZE)
    measured.append(Row("made safe, markdown with code", megabytes(text) / fastest(safe, text), "MB/s", None))
    return measured
