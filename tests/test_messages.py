"""The catalogues are complete, and the tool that says so notices what is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from bot.i18n import speech
from tools import messages
from tools.messages import Sentence, Unmarked, extract, faults, read, sentences, update

FOUND = (Sentence(("Hello {name}",), "a.py", 1), Sentence(("{n} day", "{n} days"), "a.py", 2))


def extracted(source: str) -> list[tuple[str, ...]]:
    return [sentence.forms for sentence in extract(source, "a.py")]


@pytest.mark.parametrize("locale", speech.CATALOGUES)
def test_the_catalogues_are_complete(locale: str) -> None:
    assert faults(locale, read(locale), sentences()) == []


def test_marked_sentences_are_found() -> None:
    source = """
say(N_("one " "sentence"), what=say(N_("inner")))
plural(N_("not a method"))
language.plural(N_("{n} token"), N_("{n} tokens"), 3)
PAIR = (N_("{n} part"), N_("{n} parts"))
OTHER = (N_("left"), N_("right"))
NAMES = names("ask", "file")
"""
    assert sorted(extracted(source)) == [
        ("ask",),
        ("file",),
        ("inner",),
        ("left",),
        ("not a method",),
        ("one sentence",),
        ("right",),
        ("{n} part", "{n} parts"),
        ("{n} token", "{n} tokens"),
    ]


@pytest.mark.parametrize("source", ["N_(variable)", "N_(f'{x}')", "N_('a', 'b')", "N_('')", "N_(text='a')"])
def test_a_marker_on_anything_else_is_told(source: str) -> None:
    with pytest.raises(Unmarked, match=r"a\.py:1"):
        extracted(source)


Change = Callable[[Catalog], object]


def catalogue(change: Change) -> Catalog:
    made = Catalog(locale="zh_CN")
    made.add("Hello {name}", "你好，{name}")
    made.add(("{n} day", "{n} days"), ("{n} 天",))
    change(made)
    return made


def set_string(text: str) -> Change:
    def change(made: Catalog) -> None:
        made["Hello {name}"].string = text

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda made: None, []),
        (lambda made: made.delete("Hello {name}"), ["zh_CN: missing: a.py: ('Hello {name}',)"]),
        (lambda made: made.add("Old", "旧"), ["zh_CN: no longer used: ('Old',)"]),
        (lambda made: made.add("Hello {name}", flags=["fuzzy"]), ["zh_CN: fuzzy: ('Hello {name}',)"]),
        (set_string(""), ["zh_CN: not translated: ('Hello {name}',)"]),
        (set_string("你好"), ["zh_CN: fields differ: ('Hello {name}',)"]),
        (set_string("你好，{nom}"), ["zh_CN: fields differ: ('Hello {name}',)"]),
        (set_string("{name} {other}"), ["zh_CN: fields differ: ('Hello {name}',)"]),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_told(change: Change, told: list[str]) -> None:
    assert faults("zh_CN", catalogue(change), FOUND) == told


def test_a_singular_may_leave_out_its_number_but_bring_nothing_else() -> None:
    made = Catalog(locale="en")
    made.add(("{n} day", "{n} days"), ("a day", "{n} days"))
    assert faults("en", made, FOUND[1:]) == []
    made["{n} day"].string = ("{m} day", "{n} days")
    assert len(faults("en", made, FOUND[1:])) == 1


@pytest.fixture
def locales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(speech, "LOCALES", tmp_path)
    return tmp_path


def test_updating_keeps_translations_and_drops_what_is_old(locales: Path) -> None:
    made = catalogue(lambda made: made.add("Old", "旧"))
    path = locales / "zh_CN" / "LC_MESSAGES" / "parlance.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, made)
    update("zh_CN", (*FOUND, Sentence(("New",), "b.py", 1)))
    updated = read("zh_CN")
    assert updated["Hello {name}"].string == "你好，{name}"
    assert "Old" not in updated
    assert not updated["New"].string
    before = path.read_bytes()
    update("zh_CN", (*FOUND, Sentence(("New",), "b.py", 1)))
    assert path.read_bytes() == before


def test_english_translates_itself(locales: Path) -> None:
    update("en", FOUND)
    assert faults("en", read("en"), FOUND) == []


def test_the_command_updates_and_then_agrees(locales: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.main([]) == 1
    assert "zh_CN: wants a translation" in capsys.readouterr().out
    assert messages.main(["--check"]) == 1
    assert "zh_CN: not translated" in capsys.readouterr().out


def test_the_command_is_content(capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.main(["--check"]) == 0
    assert "complete" in capsys.readouterr().out


def test_the_command_tells_of_a_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "a.py").write_text("N_(what)")
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    assert messages.main(["--check"]) == 1
    assert "bot/a.py:1" in capsys.readouterr().out
