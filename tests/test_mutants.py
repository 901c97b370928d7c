"""The breakages that `make mutants` makes can be made: each text stands in its file, once."""

import pytest

from tools.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_breakage_breaks_one_place(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text("utf-8").count(mutant.sound) == 1
    assert mutant.sound != mutant.broken
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


def test_there_are_enough() -> None:
    assert len({mutant.name for mutant in MUTANTS}) >= 10
