"""What is said is said in the reader's language, filled with data and nothing else."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Command, Limit, Metric, Place, Subject, Window
from bot.errors import BadRequest, LimitReached, ModelBusy, Remains
from bot.i18n import Language, find_language, language, language_name, search_languages
from bot.i18n.speech import CATALOGUES, CHINESE
from tools.messages import read

DISCORD_LOCALES = (
    *("id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl"),
    *("pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja"),
    *("zh-TW", "ko"),
)
RESETS = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def english() -> Language:
    return language("en-US")


@pytest.fixture
def chinese() -> Language:
    return language("zh-CN")


@pytest.mark.parametrize("locale", DISCORD_LOCALES)
def test_every_locale_of_discord_has_a_language(locale: str) -> None:
    spoken = language(locale)
    assert spoken.catalogue == ("zh_CN" if locale.startswith("zh") else "en")
    assert spoken.locale.language == locale.partition("-")[0]
    assert spoken.money(1_200_000)
    assert search_languages("fr", locale)


@pytest.mark.parametrize("locale", ["", "xx", "qqq-ZZ", "../../etc", "en-US-x-y", "zh_CN", "x" * 9999])
def test_an_unknown_locale_is_american_english(locale: str) -> None:
    assert str(language(locale).locale) == "en_US"


def test_a_language_is_made_once() -> None:
    assert language("de") is language("de")


def test_sentences_are_translated(chinese: Language) -> None:
    assert chinese.say("Stopped.") == "已停止。"
    assert chinese.plural("{n} token", "{n} tokens", 1234) == "1,234 个 token"
    assert chinese.name("ask") == "提问"


def test_commands_are_called_as_discord_shows_them(chinese: Language) -> None:
    commands = {*Command, "help", "limits", "privacy", "settings", "usage"}
    written = re.compile(rf"/(?:{'|'.join(commands)})\b", re.ASCII)
    said = [message.string for message in read(CHINESE) if isinstance(message.string, str)]
    assert any(f"/{chinese.name('settings')}" in each for each in said)
    assert [each for each in said if written.search(each)] == []


def test_english_has_a_singular(english: Language) -> None:
    assert english.plural("{n} token", "{n} tokens", 1) == "1 token"
    assert english.plural("{n} token", "{n} tokens", 0) == "0 tokens"
    assert english.name("ask") == "ask"


def test_an_unknown_sentence_is_said_as_it_is(chinese: Language) -> None:
    assert chinese.say("Nobody translated {this}.", this="that") == "Nobody translated that."
    assert not chinese.say("")


def test_fields_are_written_for_the_reader() -> None:
    german = language("de")
    assert german.say("{n} and {yes}", n=1234567, yes=True) == "1.234.567 and True"
    assert german.say("{when}", when=RESETS) == f"<t:{int(RESETS.timestamp())}:R>"


def test_a_field_that_is_missing_does_not_hide_the_sentence(english: Language) -> None:
    assert english.say("Here is {nothing}.") == "Here is {nothing}."


@pytest.mark.parametrize(
    "value", ["{0.__class__}", "{name.__init__}", "{}", "{{", "}", "%s", "\\1", "\\g<0>"]
)
def test_what_people_write_is_data(english: Language, value: str) -> None:
    said = english.error(BadRequest("There is no “{name}”, but {models}.", name=value, models="{name}"))
    assert said == f"There is no “{value}”, but {{name}}."


@given(st.text(), st.text())
def test_any_text_can_fill_a_sentence(first: str, second: str) -> None:
    said = language("zh-CN").say("{a}|{b}", a=first, b=second)
    assert said == f"{first}|{second}"


def test_an_error_is_said_in_the_readers_language(chinese: Language) -> None:
    assert chinese.error(ModelBusy()) == "模型现在请求太多。请一分钟后再试。"


# Numbers.


@pytest.mark.parametrize(
    ("nano", "said"),
    [
        (0, "$0.00"),
        (50, "$0.00000005"),
        (1, "$0.000000001"),
        (1_249_000, "$0.0012"),
        (1_000_000, "$0.001"),
        (123_000_000, "$0.12"),
        (100_000_000, "$0.10"),
        (999_600_000, "$1.00"),
        (1_000_000_000, "$1.00"),
        (12_345_678_900_000, "$12,345.68"),
    ],
)
def test_money(english: Language, nano: int, said: str) -> None:
    assert english.money(nano) == said


@given(st.integers(1, 10**18))
def test_something_is_never_said_to_cost_nothing(nano: int) -> None:
    digits = language("en-US").money(nano).removeprefix("$").replace(",", "")
    assert float(digits) > 0
    assert abs(float(digits) - nano / 1e9) <= max(0.005, nano / 1e9 * 0.051)


def test_money_in_other_places() -> None:
    assert language("de").money(1_200_000).replace("\N{NO-BREAK SPACE}", " ") == "0,0012 $"
    assert language("zh-CN").money(1_200_000) == "US$0.0012"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0 s"),
        (3.44, "3.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125.0, "2 min 5 s"),
    ],
)
def test_seconds(english: Language, seconds: float, said: str) -> None:
    assert english.seconds(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1 MiB"),
        (1024**2 * 5 // 2, "2.5 MiB"),
    ],
)
def test_size(english: Language, size: int, said: str) -> None:
    assert english.size(size) == said


# Limits.


def limit(
    subject: Subject,
    metric: Metric,
    amount: int,
    window: Window = Window.MONTH,
    place: Place = Place.BOT,
    command: Command | None = None,
) -> Limit:
    return Limit(1, place, 0, subject, metric, window, amount, command=command)


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        (
            LimitReached(limit(Subject.USER, Metric.REQUESTS, 6, Window.MINUTE), 6, RESETS),
            (
                "You have used 6 of your 6 requests this minute. The operator of this bot set this limit. It "
                "starts anew <t:1772323200:R>."
            ),
        ),
        (
            LimitReached(limit(Subject.USER, Metric.COST, 2_000_000_000), 1_990_000_000, RESETS),
            (
                "You have used $1.99 of your $2.00 this month. The operator of this bot set this limit. It "
                "starts anew <t:1772323200:R>. $0.01 is left: a shorter request may still fit."
            ),
        ),
        (
            LimitReached(limit(Subject.GUILD, Metric.TOKENS, 1000, Window.DAY), 999, RESETS),
            (
                "This server has used 999 of its 1,000 tokens today. The operator of this bot set this "
                "limit. It starts anew <t:1772323200:R>. 1 token is left: a shorter request may still fit."
            ),
        ),
        (
            LimitReached(limit(Subject.EVERYONE, Metric.REQUESTS, 1, Window.HOUR), 1, RESETS),
            (
                "Everyone together has used 1 of this bot's 1 request this hour. The operator of this bot "
                "set this limit. It starts anew <t:1772323200:R>."
            ),
        ),
        (
            LimitReached(
                limit(
                    Subject.ROLE,
                    Metric.CONCURRENT,
                    2,
                    Window.NOW,
                    Place.CHANNEL,
                    Command.STORY,
                ),
                2,
                None,
            ),
            (
                "You have used 2 of your 2 answers at once. This limit is set for this channel. It is for "
                "members with <@&0>. This limit is for /story alone. Please wait until one of them ends, or "
                "stop it."
            ),
        ),
        (
            LimitReached(limit(Subject.EVERYONE, Metric.COST, 10**9, place=Place.CHANNEL), 10**9, RESETS),
            (
                "This channel has used $1.00 of its $1.00 this month. This limit is set for this channel. It "
                "starts anew <t:1772323200:R>."
            ),
        ),
        (
            LimitReached(limit(Subject.EVERYONE, Metric.COST, 10**9, place=Place.CATEGORY), 10**9, RESETS),
            (
                "This category has used $1.00 of its $1.00 this month. This limit is set for this category. "
                "It starts anew <t:1772323200:R>."
            ),
        ),
        (
            LimitReached(limit(Subject.EVERYONE, Metric.COST, 10**9, place=Place.GUILD), 10**9, RESETS),
            (
                "This server has used $1.00 of its $1.00 this month. This limit is set for the whole server. "
                "It starts anew <t:1772323200:R>."
            ),
        ),
    ],
)
def test_a_limit_says_which_how_much_when_and_what_is_left(
    english: Language, reached: LimitReached, said: str
) -> None:
    assert english.error(reached) == said


def test_a_limit_in_chinese_has_no_spaces_between_its_sentences(chinese: Language) -> None:
    reached = LimitReached(
        limit(Subject.USER, Metric.REQUESTS, 6, Window.MINUTE, command=Command.ASK), 6, RESETS
    )
    assert chinese.error(reached) == (
        "本分钟你的上限是 6 次请求，已用 6。这个上限由本机器人的运营者设定。这个上限只针对 /提问。"
        "<t:1772323200:R>重新计算。"
    )


def test_a_limit_says_what_remains_possible(english: Language, chinese: Language) -> None:
    reached = LimitReached(
        limit(Subject.EVERYONE, Metric.COST, 10**9, place=Place.CHANNEL), 999_000_000, RESETS
    )
    reached.remains = Remains("small/model", 12)
    assert english.error(reached).endswith(
        "$0.001 is left: a shorter request may still fit. The model small/model is cheap enough: choose it "
        "as “model”. You can still ask in <#12>."
    )
    assert chinese.error(reached).endswith(
        "模型 small/model 够便宜：可以在“模型”里选它。你还可以在 <#12> 里提问。"
    )


@pytest.mark.parametrize(
    ("resets", "said"),
    [
        (RESETS, "The limit of 6 requests a minute is still reached. It starts anew <t:1772323200:R>."),
        (None, "The limit of 6 requests a minute is still reached. Please wait until a running answer ends."),
    ],
)
def test_a_limit_that_refused_before_is_said_in_one_line(
    english: Language, chinese: Language, resets: datetime | None, said: str
) -> None:
    reached = LimitReached(limit(Subject.USER, Metric.REQUESTS, 6, Window.MINUTE), 6, resets)
    reached.again = True
    reached.remains = Remains("small/model", 12)
    assert english.error(reached) == said
    assert chinese.error(reached).startswith("每分钟 6 次请求的上限仍未解除。")


# Languages.


@pytest.mark.parametrize(
    ("query", "locale", "code"),
    [
        ("fren", "en-US", "fr"),
        ("francais", "en-US", "fr"),
        ("FRANÇ", "zh-CN", "fr"),
        ("法", "zh-CN", "fr"),
        ("fr", "en-US", "fr"),
        ("franz", "de", "fr"),
        ("中文", "en-US", "zh"),
        ("简体", "en-US", "zh_Hans"),
        ("zh-TW", "en-US", "zh_Hant"),
        ("pt-br", "en-US", "pt_BR"),
        ("mandarin", "en-US", "zh"),
        ("日本", "en-US", "ja"),
        ("кита", "ru", "zh_Hans"),
    ],
)
def test_a_language_is_found_by_any_of_its_names(query: str, locale: str, code: str) -> None:
    assert search_languages(query, locale)[0][0] == code


def test_the_closest_come_first() -> None:
    labels = [label for _, label in search_languages("ger", "en-US")]
    assert labels[0].startswith("German")
    assert labels.index("German · Deutsch") < labels.index("Nigerian Pidgin · Naijíriá Píjin")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_before_anything_is_typed_common_languages_are_offered(locale: str) -> None:
    offered = search_languages("  ", locale)
    assert len(offered) == 25
    assert {"en", "zh_Hans", "es", "hi", "ar"} <= {code for code, _ in offered}


@given(st.text(), st.sampled_from(DISCORD_LOCALES))
def test_whatever_is_typed_gives_choices_that_discord_takes(query: str, locale: str) -> None:
    offered = search_languages(query, locale)
    assert len(offered) <= 25
    for code, label in offered:
        assert 1 <= len(code) <= 100
        assert 1 <= len(label) <= 100


@pytest.mark.parametrize(
    ("text", "locale", "code"),
    [
        ("French", "en-US", "fr"),
        ("français", "en-US", "fr"),
        (" Simplified  Chinese ", "en-US", "zh_Hans"),
        ("zh-Hans", "en-US", "zh_Hans"),
        ("法语", "zh-CN", "fr"),
        ("德语", "zh-CN", "de"),
        ("Fren", "en-US", None),
        ("", "en-US", None),
        ("x" * 5000, "en-US", None),
    ],
)
def test_a_language_named_in_full(text: str, locale: str, code: str | None) -> None:
    assert find_language(text, locale) == code


@pytest.mark.parametrize("locale", ["en-US", "zh-CN", "de"])
def test_every_choice_is_found_again_by_its_code(locale: str) -> None:
    for code, label in search_languages("", locale):
        assert find_language(code, locale) == code
        name = language_name(code, locale)
        assert name is not None
        assert label.startswith(name)
        assert find_language(name, locale) == code


def test_names_of_languages() -> None:
    assert language_name("fr") == "French"
    assert language_name("fr", "zh-CN") == "法语"
    assert language_name("und") is None
    assert language_name("nobody") is None


def test_both_catalogues_are_served() -> None:
    assert CATALOGUES == ("en", "zh_CN")
