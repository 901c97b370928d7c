"""What is sealed is read by who sealed it, and by nobody else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import (
    AskOptions,
    Command,
    File,
    Options,
    Request,
    Scope,
    StoryLength,
    StoryOptions,
    SummarizeOptions,
    SummaryStyle,
    Surroundings,
    TranslateOptions,
    Visibility,
)
from bot.seal import Seal
from tests.support.running import request_for

IDS = st.integers(0, 2**63 - 1)
OPTIONS: dict[Command, st.SearchStrategy[Options]] = {
    Command.ASK: st.just(AskOptions()),
    Command.SUMMARIZE: st.builds(
        SummarizeOptions, st.sampled_from(SummaryStyle), st.none() | st.integers(1, 500)
    ),
    Command.STORY: st.builds(StoryOptions, st.text(), st.text(), st.sampled_from(StoryLength)),
    Command.TRANSLATE: st.builds(TranslateOptions, st.text(), st.none() | st.text()),
}


@st.composite
def requests(draw: st.DrawFn) -> Request:
    command = draw(st.sampled_from(Command))
    scope = st.builds(
        Scope,
        st.sampled_from(Surroundings),
        IDS,
        IDS,
        st.none() | IDS,
        st.none() | IDS,
        st.none() | IDS,
        st.lists(IDS, max_size=3).map(tuple),
    )
    return Request(
        id=draw(IDS),
        command=command,
        scope=draw(scope),
        words=draw(st.text()),
        options=draw(OPTIONS[command]),
        locale=draw(st.text(max_size=5)),
        visibility=draw(st.sampled_from(Visibility)),
        asked_at=draw(st.datetimes(timezones=st.just(UTC))),
        file=draw(st.none() | st.builds(File, st.text(), st.text(), st.integers(0, 2**40))),
        model=draw(st.none() | st.text()),
    )


@given(requests())
def test_it_comes_out_as_it_went_in(request: Request) -> None:
    sealed = Seal("secret").sealed(request)
    assert Seal("secret").unsealed(sealed, request.id) == request


def test_nobody_else_reads_it_or_moves_it() -> None:
    asked = request_for(words="nobody's business")
    seal = Seal("secret")
    sealed = seal.sealed(asked)
    assert "business" not in sealed
    assert sealed != seal.sealed(asked)
    assert Seal("another").unsealed(sealed, asked.id) is None
    assert seal.unsealed(sealed, asked.id + 1) is None


@pytest.mark.parametrize("spoilt", ["", "no such thing", "AAAA", "é"])
def test_what_was_never_sealed_is_nothing(spoilt: str) -> None:
    assert Seal("secret").unsealed(spoilt, 1) is None


def test_what_another_version_sealed_is_nothing() -> None:
    seal, asked = Seal("secret"), request_for()
    strange = replace(asked, command="sing", asked_at=datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match="sing"):
        sealed = seal.sealed(strange)
    assert seal.unsealed(sealed, asked.id) is None
