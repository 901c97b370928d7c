"""A report in words fits one message, in both languages, and says who is no longer known."""

from datetime import UTC, date

from bot.charts import Bar, Shape, Unit
from bot.i18n import language
from bot.store.usage_days import Figures, Selection
from bot.usage import By, Report, Share, Stretch
from bot.usage.picture import picture
from bot.usage.words import LISTED, report_text

ENGLISH, CHINESE = language("en-US"), language("zh-CN")
DAYS = Stretch(date(2026, 5, 1), date(2026, 5, 8), UTC)


def shares(count: int) -> tuple[Share, ...]:
    return tuple(
        Share(str(10**18 + number), Figures(10, 1, 100, 200, (count - number) * 10**7))
        for number in range(count)
    )


def report(**by: tuple[Share, ...]) -> Report:
    found = {By(name): each for name, each in by.items()}
    total = Figures(1234, 56, 7_000_000, 8_000_000, 9_870_000_000)
    return Report(DAYS, Selection(1), total, (), found, 12_000_000_000)


def test_a_full_report_fits_one_message() -> None:
    full = report(member=shares(500), channel=shares(200), command=shares(4), model=shares(30))
    for spoken in (ENGLISH, CHINESE):
        for by in By:
            assert len(report_text(spoken, full, "What this server used", by)) <= 1_900


def test_others_are_added_up() -> None:
    text = report_text(ENGLISH, report(member=shares(12)), "Here", By.MEMBER)
    assert text.splitlines()[1] == "$9.87 · 1,234 requests · 7,000,000 tokens in, 8,000,000 out · 56 refused"
    assert text.count("<@") == LISTED
    assert text.endswith("\nand others: $0.03 · 20 requests")


def test_what_is_not_mentioned_is_counted() -> None:
    text = report_text(ENGLISH, report(command=shares(3), model=shares(5)), "Here", By.DAY)
    assert text.splitlines()[-1].endswith(" · 2 more")
    assert text.count("more") == 1


def test_dates_are_written_as_the_reader_does() -> None:
    assert "May 1, 2026 – May 7, 2026" in report_text(ENGLISH, report(), "Here", By.DAY)
    assert "2026年5月1日 – 2026年5月7日" in report_text(CHINESE, report(), "此处", By.DAY)


def test_who_had_their_data_erased_has_no_name() -> None:
    text = report_text(ENGLISH, report(member=(Share("0", Figures(3)),)), "Here", By.MEMBER)
    assert "1. no longer known 3 requests" in text


def test_a_picture_has_the_names_that_are_known() -> None:
    chart = picture(report(member=shares(2)), By.MEMBER, {str(10**18): "Ana"})
    assert chart is not None
    assert (chart.shape, chart.unit) == (Shape.ROWS, Unit.DOLLARS)
    assert chart.bars == (Bar("Ana", 0.02), Bar("", 0.01))
