import codecs
import random
import zipfile
from io import BytesIO

import pytest

from bot.domain import File
from bot.errors import BadRequest
from bot.reading import files
from bot.reading.files import LARGEST_FILE, read_file, text_of

CHINESE = "今天的会议讨论了新的社区活动安排。小明建议下周六在图书馆举办读书会,大家都很感兴趣。\n"
JAPANESE = "今日は良い天気ですね。会議は午後三時から始まりますので、遅れないようにお願いします。\n"
FRENCH = "Être ou ne pas être, voilà la question. Où est le café près de la forêt? Déjà vu, garçon.\n"
RUSSIAN = "Сегодня на собрании мы обсудили новые планы и решили встретиться на следующей неделе.\n"
KOREAN = "오늘 회의에서는 새로운 계획에 대해 논의했습니다. 다음 주에 다시 만나기로 했습니다.\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", CHINESE + "emoji 👨‍👩‍👧‍👦, right to left שלום, combining é\n"),
        ("utf-8-sig", FRENCH),
        ("utf-16", CHINESE),
        ("utf-32", JAPANESE),
        ("utf-16-le", "Plain text without a mark.\nWith two lines.\n"),
        ("utf-16-be", "Plain text without a mark.\n你好\n"),
        ("gb18030", CHINESE),
        ("big5", "今天的會議討論了新的社區活動安排。小明建議下週六在圖書館舉辦讀書會。\n"),
        ("shift_jis", JAPANESE),
        ("euc_jp", JAPANESE),
        ("euc_kr", KOREAN),
        ("latin-1", FRENCH),
        ("cp1252", "„Schöne Grüße“ – sagte er – „aus München“. Das kostet 5 €.\n"),
        ("cp1250", "Zażółć gęślą jaźń. Wczoraj poszliśmy do sklepu i kupiliśmy chleb oraz masło.\n"),
        ("cp1251", RUSSIAN),
        ("koi8-r", RUSSIAN),
    ],
)
def test_text_is_read_in_its_encoding(encoding: str, text: str) -> None:
    assert text_of(text.encode(encoding)) == text
    assert text_of((text * 50).encode(encoding)) == text * 50


def test_utf16_of_both_orders_is_told_by_its_mark() -> None:
    assert text_of(codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be")) == CHINESE
    assert text_of(codecs.BOM_UTF16_LE + CHINESE.encode("utf-16-le")) == CHINESE


def test_utf16_without_letters_of_ascii_is_read() -> None:
    text = "今天的会议\n" * 20
    assert text_of(text.encode("utf-16-le")) == text


def test_line_ends_become_one_kind() -> None:
    assert text_of(b"one\r\ntwo\rthree\n") == "one\ntwo\nthree\n"


@pytest.mark.parametrize("start", ["ID3", "RIFF", "OggS", "fLaC", "GIF89a", "The ftyp"])
def test_words_that_begin_as_another_format_does_are_read(start: str) -> None:
    text = f"{start} is what I mean.\n"
    assert text_of(text.encode()) == text


def _zip() -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("inside.txt", "text")
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, files.PICTURE),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", files.PICTURE),
        (b"GIF89a\x01\x00", files.PICTURE),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", files.PICTURE),
        (b"\x00\x00\x00\x1cftypavif", files.PICTURE),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", files.SOUND),
        (b"\x00\x00\x00\x1cftypisom", files.SOUND),
        (b"ID3\x04\x00\x00", files.SOUND),
        (_zip(), files.ARCHIVE),
        (b"%PDF-1.7\n%\xe2\xe3", files.PDF),
        (random.Random(7).randbytes(400), files.BINARY),
        (b"\x7fELF\x02\x01\x01" + b"\x00" * 60, files.BINARY),
        (b"words and a null\x00byte among them, and more words", files.BINARY),
        (b"\x01\x02\x03\x04\x05\x06\x07" * 30, files.BINARY),
        (codecs.BOM_UTF16_LE + b"a", files.BINARY),
        (b"\x81\x00\xfe\xff\xd8" * 3, files.BINARY),
        (b"", files.EMPTY),
        (b" \r\n\t\n", files.EMPTY),
        (codecs.BOM_UTF8, files.EMPTY),
        (b"x" * (LARGEST_FILE + 1), files.TOO_LARGE),
    ],
)
def test_what_is_not_text_is_refused_by_its_content(data: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest) as refused:
        text_of(data)
    assert refused.value.message == sentence


def test_a_whole_megabyte_is_read() -> None:
    text = "0123456789abcde\n" * (LARGEST_FILE // 16)
    assert text_of(text.encode()) == text


async def test_a_file_too_large_by_its_size_is_not_downloaded() -> None:
    async def download(file: File) -> bytes:
        raise AssertionError(file)

    with pytest.raises(BadRequest) as refused:
        await read_file(File("big.txt", "https://cdn.invalid/big.txt", LARGEST_FILE + 1), download)
    assert refused.value.message == files.TOO_LARGE


async def test_a_file_is_downloaded_and_decoded() -> None:
    async def download(_file: File) -> bytes:
        return FRENCH.encode("latin-1")

    assert await read_file(File("a.txt", "https://cdn.invalid/a.txt", 10), download) == FRENCH


async def test_a_download_that_takes_too_long_is_given_up() -> None:
    async def download(_file: File) -> bytes:
        raise TimeoutError

    with pytest.raises(BadRequest) as refused:
        await read_file(File("a.txt", "https://cdn.invalid/a.txt", 10), download)
    assert refused.value.message == files.TOO_SLOW
