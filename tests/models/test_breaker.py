"""When a model is left alone, and when it is tried again."""

import pytest

from bot.models.breaker import FIRST_PAUSE, LONGEST_PAUSE, TRY_SECONDS, Breaker, State, Trouble


def down(breaker: Breaker, now: float, times: int = 5) -> None:
    for _ in range(times):
        breaker.failed(breaker.begin(now), Trouble.DOWN, now)


def test_five_in_a_row_open_it_and_nothing_less() -> None:
    breaker = Breaker()
    down(breaker, 0.0, times=4)
    assert breaker.wait(0.0) == 0.0
    assert breaker.failed(breaker.begin(0.0), Trouble.DOWN, 0.0)
    assert breaker.state is State.OPEN
    assert breaker.wait(5.0) == FIRST_PAUSE - 5.0


def test_one_that_goes_well_in_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(3):
        down(breaker, 0.0, times=4)
        breaker.went_well(breaker.begin(0.0))
    assert breaker.state is State.CLOSED


def test_a_busy_provider_is_left_alone_only_in_a_storm() -> None:
    breaker = Breaker()
    opened = [breaker.failed(breaker.begin(0.0), Trouble.BUSY, 0.0) for _ in range(20)]
    assert opened == [False] * 19 + [True]


def test_after_the_pause_one_tries_and_the_others_wait() -> None:
    breaker = Breaker()
    down(breaker, 0.0)
    attempt = breaker.begin(FIRST_PAUSE)
    assert breaker.wait(FIRST_PAUSE) == TRY_SECONDS
    breaker.took(attempt)
    assert breaker.state is State.CLOSED
    assert breaker.wait(FIRST_PAUSE) == 0.0


def test_one_that_is_left_alone_cannot_be_begun() -> None:
    breaker = Breaker()
    down(breaker, 0.0)
    with pytest.raises(ValueError, match="left alone"):
        breaker.begin(1.0)


def test_each_try_that_fails_makes_the_pause_twice_as_long_up_to_a_bound() -> None:
    breaker = Breaker()
    down(breaker, 0.0)
    now, pauses = 0.0, []
    for _ in range(6):
        pauses.append(breaker.wait(now))
        now += pauses[-1]
        breaker.failed(breaker.begin(now), Trouble.BUSY, now)
    assert pauses == [15.0, 30.0, 60.0, 120.0, 240.0, LONGEST_PAUSE]
    now += LONGEST_PAUSE
    breaker.took(breaker.begin(now))
    down(breaker, now)
    assert breaker.wait(now) == FIRST_PAUSE


def test_a_try_that_is_given_up_lets_the_next_one_try() -> None:
    breaker = Breaker()
    down(breaker, 0.0)
    breaker.left(breaker.begin(FIRST_PAUSE), FIRST_PAUSE)
    assert breaker.wait(FIRST_PAUSE) == 0.0
    breaker.begin(FIRST_PAUSE)
    assert breaker.state is State.TRYING


def test_what_began_before_it_opened_neither_closes_it_nor_makes_the_pause_longer() -> None:
    breaker = Breaker()
    early = [breaker.begin(0.0) for _ in range(3)]
    down(breaker, 0.0)
    assert not breaker.failed(early[0], Trouble.DOWN, 10.0)
    breaker.took(early[1])
    breaker.went_well(early[1])
    breaker.left(early[2], 10.0)
    assert breaker.state is State.OPEN
    assert breaker.wait(10.0) == FIRST_PAUSE - 10.0


def test_of_those_that_another_model_could_answer_one_tries_after_the_pause() -> None:
    breaker = Breaker()
    assert [breaker.chooses(0.0) for _ in range(3)] == [True] * 3
    down(breaker, 0.0)
    assert not breaker.chooses(1.0)
    assert [breaker.chooses(FIRST_PAUSE) for _ in range(3)] == [True, False, False]
    # The chosen one was refused by a limit, or still reads what it is to answer.
    assert breaker.chooses(FIRST_PAUSE + TRY_SECONDS)
    breaker.took(breaker.begin(FIRST_PAUSE + TRY_SECONDS))
    assert [breaker.chooses(FIRST_PAUSE + TRY_SECONDS) for _ in range(3)] == [True] * 3
