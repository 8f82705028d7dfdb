import codecs

import pytest

from files.steps.plain_text import ENCODING_UNCERTAIN, UNREADABLE_CHARACTERS, decode, is_printable

SWEDISH = "Å, vad söta älgar! Är du från Örebro? Kaféet öppnar när våren är här."


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-8-sig", "cp1252", "mac-roman", "cp850", "latin-1"),
        *("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    ],
)
def test_swedish_in_every_usual_encoding(encoding: str) -> None:
    decoded = decode(SWEDISH.encode(encoding))
    assert decoded.text == SWEDISH
    assert decoded.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-32-be"])
def test_big_endian_marks(encoding: str) -> None:
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else codecs.BOM_UTF32_BE
    assert decode(mark + SWEDISH.encode(encoding)).text == SWEDISH


@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman"])
def test_typographic_marks_in_english(encoding: str) -> None:
    text = "I don’t know – he said “yes” and left… That’s “it”."
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize("word", ["för", "här", "på", "ÖVER", "Åre"])
@pytest.mark.parametrize("encoding", ["cp1252", "mac-roman", "cp850"])
def test_one_swedish_letter_is_enough(word: str, encoding: str) -> None:
    assert decode(f"one {word} two".encode(encoding)).text == f"one {word} two"


def test_swedish_quotes_win_over_code_page_850() -> None:
    text = "Hon sa ”hej” och gick."
    assert decode(text.encode("cp1252")).text == text


def test_utf_8_cut_inside_a_letter_is_flagged() -> None:
    decoded = decode("åäö åäö och så å".encode()[:-1])
    assert decoded.text == "åäö åäö och så \ufffd"
    assert decoded.warnings == (UNREADABLE_CHARACTERS,)


def test_utf_16_with_an_odd_byte_is_flagged() -> None:
    decoded = decode(SWEDISH.encode("utf-16")[:-1])
    assert decoded.text == SWEDISH[:-1] + "\ufffd"
    assert decoded.warnings == (UNREADABLE_CHARACTERS,)


@pytest.mark.parametrize("encoding", ["koi8-r", "gb18030", "shift-jis"])
def test_foreign_encodings_are_uncertain(encoding: str) -> None:
    text = "Привет, как дела сегодня" if encoding == "koi8-r" else "今日は良い天気です"
    assert ENCODING_UNCERTAIN in decode(text.encode(encoding)).warnings


@pytest.mark.parametrize("data", [b"hej\x00hej, this is one long line", b"end of file\x1a", SWEDISH.encode()])
def test_printable(data: bytes) -> None:
    assert is_printable(data)


@pytest.mark.parametrize(
    "data", [bytes(range(256)), b"\x00\x01\x02\x03" * 20, b"\xff\xfe" + bytes(range(256)) * 4]
)
def test_not_printable(data: bytes) -> None:
    assert not is_printable(data)


@pytest.mark.parametrize(("controls", "printable"), [(0, True), (5, True), (6, False)])
def test_one_character_in_two_hundred_may_be_none_in_an_old_encoding(controls: int, printable: bool) -> None:
    text = ("för " * 250)[controls:] + "\x01" * controls
    assert is_printable(text.encode("cp1252")) is printable


@pytest.mark.parametrize(("controls", "printable"), [(2, True), (3, False)])
def test_one_and_a_hundredth_of_the_rest_may_be_none_in_utf_8(controls: int, printable: bool) -> None:
    text = ("word " * 20)[controls:] + "\x01" * controls
    assert is_printable(text.encode()) is printable
