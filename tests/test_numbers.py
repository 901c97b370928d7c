"""Numbers as people write them: whatever it is, it is read or not, and what we write is read again."""

from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import NANO
from bot.i18n import language
from bot.i18n.numbers import nano_dollars, whole_number

LOCALES = ("en-US", "de", "fr", "zh-CN", "pt-BR", "sv-SE", "hi")


@given(
    st.text(max_size=40) | st.text("0123456789.,' $-+eE\u00a0\u202f", max_size=40), st.sampled_from(LOCALES)
)
def test_any_text_is_a_number_or_none(text: str, locale: str) -> None:
    for number in (whole_number(text), nano_dollars(text, language(locale).locale)):
        assert number is None or number >= 0


@given(st.integers(0, 10**12), st.sampled_from(LOCALES))
def test_whole_numbers_that_we_write_are_read(number: int, locale: str) -> None:
    assert whole_number(language(locale).number(number)) == number


@given(st.integers(0, 10**8), st.sampled_from(["en-US", "zh-CN"]))
def test_dollars_that_we_write_are_read(cents: int, locale: str) -> None:
    nano = cents * NANO // 100
    assert nano_dollars(language(locale).money(nano), language(locale).locale) == nano


def test_what_can_be_read_in_two_ways_is_read_as_the_person_writes() -> None:
    assert nano_dollars("1,500", Locale("en")) == 1_500 * NANO
    assert nano_dollars("1,500", Locale("de")) == 3 * NANO // 2
