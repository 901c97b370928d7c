"""Keep the catalogues in step with the code: ``python -m tools.messages [--check]``.

Reads every sentence that the code marks with ``N_`` and every name it marks with ``names``, brings the
catalogues up to it, and lists what still wants a translation. With ``--check`` nothing is written, and a
fault is what is missing, not translated, not sure (fuzzy), no longer used, or has other ``{fields}`` than the
code.
"""

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from bot.i18n.speech import CATALOGUES, DOMAIN, ENGLISH, FIELD, NAME, path_of

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = ("bot", "cogs")
MARKER: Final = "N_"
NAMES: Final = "names"
COUNT: Final = "{n}"


Key = tuple[str | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the code, or its singular and plural."""

    forms: tuple[str, ...]
    path: str
    line: int
    context: str | None = None

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.context, self.forms

    @property
    def id(self) -> str | tuple[str, ...]:
        """As catalogues have it."""
        return self.forms if len(self.forms) > 1 else self.forms[0]


class Unmarked(Exception):
    """A marker that does not hold a plain sentence."""


def extract(source: str, path: str) -> Iterator[Sentence]:
    """Yield the marked sentences of a module.

    Two that stand together, as the first arguments of ``plural`` or as a pair that counts ``{n}``, are the
    singular and the plural of one.

    Raises:
        Unmarked: a marker holds something else than one plain string.
    """
    paired: set[ast.expr] = set()
    # Breadth first: a pair is met before its halves.
    for node in ast.walk(ast.parse(source)):
        pair = _pair(node)
        if len(pair) == 2:  # noqa: PLR2004 - a pair
            paired.update(pair)
            yield Sentence(tuple(_sentence(half, path) for half in pair), path, pair[0].lineno)
        elif _is_marked(node) and node not in paired:
            yield Sentence((_sentence(node, path),), path, node.lineno)
        elif _calls(node, NAMES):
            for name in node.args:
                yield Sentence((_plain(name, path),), path, name.lineno, NAME)


def _pair(node: ast.AST) -> Sequence[ast.Call]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "plural":
        return [argument for argument in node.args[:2] if _is_marked(argument)]
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:  # noqa: PLR2004 - a pair
        marked = [element for element in node.elts if _is_marked(element)]
        return marked if all(COUNT in ast.unparse(element) for element in marked) else []
    return []


def _is_marked(node: ast.AST) -> TypeGuard[ast.Call]:
    return _calls(node, MARKER)


def _calls(node: ast.AST, function: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function


def _sentence(call: ast.Call, path: str) -> str:
    if len(call.args) != 1 or call.keywords:
        raise Unmarked(f"{path}:{call.lineno}: {MARKER} wants one plain string")
    return _plain(call.args[0], path)


def _plain(node: ast.expr, path: str) -> str:
    match node:
        case ast.Constant(value=str(text)) if text:
            return text
    raise Unmarked(f"{path}:{node.lineno}: a marker wants a plain string")


def sentences() -> list[Sentence]:
    """Every marked sentence of the project, in the order of its files and lines."""
    found: list[Sentence] = []
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            found += sorted(extract(path.read_text("utf-8"), name), key=lambda sentence: sentence.line)
    return found


def template(found: Iterable[Sentence]) -> Catalog:
    """The sentences as a catalogue without translations."""
    catalogue = Catalog(domain=DOMAIN, charset="utf-8", fuzzy=False)
    for sentence in found:
        catalogue.add(sentence.id, locations=[(sentence.path, sentence.line)], context=sentence.context)
    return catalogue


def read(locale: str) -> Catalog:
    """The catalogue of a locale as it is."""
    with path_of(locale).open("rb") as file:
        return read_po(file, locale=locale, domain=DOMAIN, abort_invalid=True)


def update(locale: str, found: Iterable[Sentence]) -> Catalog:
    """Bring a catalogue up to the code; return it. English translates itself."""
    path = path_of(locale)
    catalogue = read(locale) if path.exists() else template(())
    catalogue.locale = locale
    catalogue.header_comment = f"# What the bot says: {catalogue.locale.english_name}."
    catalogue.project, catalogue.version = "Parlance", "1"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = "Parlance"
    catalogue.revision_date = catalogue.creation_date
    wanted = template(found)
    # So that nothing changes where no sentence did.
    wanted.creation_date = catalogue.creation_date
    catalogue.update(wanted, no_fuzzy_matching=True)
    if locale == ENGLISH:
        for message in _messages(catalogue):
            message.string = message.id
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    return catalogue


def untranslated(catalogue: Catalog) -> list[Message]:
    """The messages that want a translation."""
    return [message for message in _messages(catalogue) if message.fuzzy or not all(_strings(message))]


def faults(locale: str, catalogue: Catalog, found: Iterable[Sentence]) -> list[str]:
    """What is wrong with a catalogue, one line each."""
    used = {sentence.key: sentence for sentence in found}
    known = {_key(message): message for message in _messages(catalogue)}
    told = [f"missing: {used[key].path}: {key[1]}" for key in used if key not in known]
    told += [f"no longer used: {key[1]}" for key in known if key not in used]
    told += [f"no longer used: {message.id!r}" for message in catalogue.obsolete.values()]
    told += [f"fuzzy: {key[1]}" for key, message in known.items() if message.fuzzy]
    told += [f"not translated: {key[1]}" for key, message in known.items() if not all(_strings(message))]
    told += [f"fields differ: {key[1]}" for key, message in known.items() if not _fields_agree(message)]
    if catalogue.plural_forms != Catalog(locale).plural_forms:
        told.append(f"plural forms are not those of the language: {catalogue.plural_forms}")
    return [f"{locale}: {line}" for line in told]


def _fields_agree(message: Message) -> bool:
    """Whether each translation has the fields of the code's sentence; a singular may leave some out."""
    fields = {*FIELD.findall(_forms(message.id)[-1])}
    strings = [string for string in _strings(message) if string]
    if len(strings) > 1 and not {*FIELD.findall(strings[0])} <= fields:
        return False
    return all({*FIELD.findall(string)} == fields for string in strings[-1:])


def _messages(catalogue: Catalog) -> Iterator[Message]:
    """All but the header."""
    return (message for message in catalogue if message.id)


def _key(message: Message) -> Key:
    return message.context, _forms(message.id)


def _strings(message: Message) -> tuple[str, ...]:
    """The translation's forms; empty ones where there is none."""
    return _forms(message.string)


def _forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the catalogues, or check them; 1 when something is left to do."""
    parser = argparse.ArgumentParser(prog="python -m tools.messages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; list what is wrong")
    check = parser.parse_args(arguments).check
    try:
        found = sentences()
        if check:
            left = [fault for locale in CATALOGUES for fault in faults(locale, read(locale), found)]
        else:
            left = [
                f"{locale}: wants a translation: {message.id!r}"
                for locale in CATALOGUES
                for message in untranslated(update(locale, found))
            ]
    except Unmarked as fault:
        left = [str(fault)]
    print("\n".join(left) or f"{len(CATALOGUES)} catalogues are complete.")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
