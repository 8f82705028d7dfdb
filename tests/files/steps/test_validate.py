import time

import pytest

from files.steps.validate import Measured, TextLimits, count_words, validate
from huleedu.failures.errors import ErrorCode, StepError
from tests.files.documents import failure


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\ufeff", "\u200b\u200b \u2060\u200d", "\xa0" * 100, "\ufffd" * 60]
)
def test_nothing_to_read(text: str) -> None:
    with pytest.raises(StepError) as error:
        validate(text, TextLimits())
    assert failure(error) is ErrorCode.EMPTY_CONTENT


def test_at_the_shortest_and_one_below() -> None:
    assert validate("å" * 50, TextLimits()) == Measured(words=1, characters=50)
    with pytest.raises(StepError) as error:
        validate("å" * 49 + "\n", TextLimits())
    assert failure(error) is ErrorCode.CONTENT_TOO_SHORT
    assert error.value.details == {"characters": 49, "minimum": 50}


def test_at_the_longest_and_one_above() -> None:
    assert validate("ö" * 50_000 + "\n", TextLimits()).characters == 50_000
    with pytest.raises(StepError) as error:
        validate("ö" * 50_001, TextLimits())
    assert failure(error) is ErrorCode.CONTENT_TOO_LONG
    assert error.value.details == {"characters": 50_001, "maximum": 50_000}


def test_limits_are_configurable() -> None:
    assert validate("abc", TextLimits(3, 3)).characters == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't, he doesn’t.", 4),
        ("Räksmörgås på kaféet", 3),
        ("16-åringar i EU:s länder", 4),
        ("3,5 miljoner kl. 10:30", 4),
        ("ett,två tre.fyra", 4),
        ("- – — ... !", 0),
        ("x\u0304y \u0301", 1),
        ("snake_case", 2),
        ("'quoted' word-", 2),
        ("今日は", 1),
    ],
)
def test_words(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("unit", ["a", "a'", "1.", "-", "a\u0301", " ", "å:"])
def test_words_are_counted_in_linear_time(unit: str) -> None:
    started = time.perf_counter()
    count_words(unit * 1_000_000 + "!")
    assert time.perf_counter() - started < 3
