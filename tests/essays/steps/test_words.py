"""Words and sentence starts."""

import pytest

from essays.steps.languages import ENGLISH, SWEDISH
from essays.steps.words import find_words


def test_words_and_offsets() -> None:
    text = "“Don’t go,” she said: e-mail a@b.se 16-åringar!"
    words = list(find_words(text, ENGLISH.abbreviations))
    assert [text[word.start : word.end] for word in words] == [
        "Don’t", "go", "she", "said", "e-mail", "a@b.se", "16-åringar",
    ]  # fmt: skip
    assert words[0].plain == "Don't"
    assert [word.skipped for word in words] == [False] * 5 + [True, True]


@pytest.mark.parametrize(
    ("text", "openers"),
    [
        ("One two. Three four! Five", ["One", "Three", "Five"]),
        ("Mr. Smith met J. Smith", ["Mr"]),
        ("Title\nText goes on", ["Title", "Text"]),
        ("One line that is long enough to have been wrapped\nHere by an editor", ["One"]),
        ("One paragraph that is long enough to be one\n\nTwo", ["One", "Two"]),
    ],
)
def test_sentence_starts(text: str, openers: list[str]) -> None:
    assert [word.plain for word in find_words(text, ENGLISH.abbreviations) if word.opens_sentence] == openers


def test_swedish_abbreviations_end_no_sentence() -> None:
    words = find_words("Vi såg t.ex. Kajsa, bl.a. Olle.", SWEDISH.abbreviations)
    assert [word.plain for word in words if word.opens_sentence] == ["Vi"]


def test_swedish_endings_after_a_colon() -> None:
    assert [word.plain for word in find_words("USA:s tv:n svar:nej", SWEDISH.abbreviations)] == [
        "USA:s",
        "tv:n",
        "svar",
        "nej",
    ]
