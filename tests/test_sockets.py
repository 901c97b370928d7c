"""The process may have as many connections as hundreds of answers need."""

import resource
from collections.abc import Iterator

import pytest

from bot.sockets import WANTED, allow_many


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_low_limit_is_raised_as_far_as_the_system_allows() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (700, hard))
    allow_many()
    assert soft_limit() == (WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)) > 700


def test_a_higher_limit_stays() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard <= WANTED:
        pytest.skip("this system allows no higher one")
    resource.setrlimit(resource.RLIMIT_NOFILE, (WANTED + 1, hard))
    allow_many()
    assert soft_limit() == WANTED + 1
