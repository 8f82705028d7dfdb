"""Frequencies of words: those of the list, and nothing for what it lacks."""

import pytest

from essays.steps.frequencies import LISTED_WORDS, frequencies_of, listed_words


@pytest.mark.parametrize("code", ["sv", "en"])
def test_listed_words_have_their_zipf_value(code: str) -> None:
    listed = dict(listed_words(code))
    assert len(listed) >= LISTED_WORDS
    for word in sorted(listed)[::211]:
        assert frequencies_of(code).zipf(word) == listed[word] / 100


def test_usual_words_are_usual() -> None:
    assert (frequencies_of("sv").zipf("och") or 0) > 7 > (frequencies_of("sv").zipf("hund") or 0) > 4
    assert (frequencies_of("en").zipf("the") or 0) > 7 > (frequencies_of("en").zipf("don't") or 0) > 5


@pytest.mark.parametrize("word", ["", "zzzzzz", "~", "\ud800", "åååååå", "a" * 1000])
def test_unlisted_words_have_none(word: str) -> None:
    assert frequencies_of("sv").zipf(word) is None
