"""Which language a text is in: right for Swedish and English, never a wrong one of them for a third."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from files.steps.language import OTHER, find_language
from tests.benchmarks import common_words
from tests.benchmarks.common_words import lines

TEXTS = Path(__file__).parent / "languages"
DEMO = Path(__file__).resolve().parents[3] / "docs" / "demo_essays"
# Nynorsk is told as Norwegian; Somali and Albanian are not among the known languages.
OTHERWISE = {"nn": "nb", "so": OTHER, "sq": OTHER, "sv_with_english": "sv"}


def text_of(name: str) -> str:
    return (TEXTS / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.stem for path in TEXTS.glob("*.txt")))
def test_texts_in_many_languages(name: str) -> None:
    assert find_language(text_of(name)) == OTHERWISE.get(name, name)


def sentences() -> Iterator[tuple[str, str]]:
    """Sentences of at least 50 characters, with the language of their text."""
    for path in set(TEXTS.glob("*.txt")) - {TEXTS / "sv_with_english.txt"}:
        for sentence in path.read_text(encoding="utf-8").split(". "):
            if len(sentence) >= 50:
                yield sentence, path.stem


def test_single_sentences_are_never_taken_for_swedish_or_english_wrongly() -> None:
    found = [(find_language(sentence), name) for sentence, name in sentences()]
    wrong = [pair for pair in found if pair[0] in {"sv", "en"} and pair[0] != pair[1][:2]]
    assert len(found) > 60
    assert not wrong
    own = [answer for answer, name in found if name in {"sv", "en"}]
    assert own.count(None) <= 1


@pytest.mark.parametrize("code", ["sv", "en"])
def test_demo_essays(code: str) -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in (DEMO / code).iterdir() if path.suffix in {".txt", ".md"}
    ]
    assert {find_language(text) for text in texts if text.strip()} == {code}


@pytest.mark.parametrize(
    "text", ["", "   ", "Hej!", "1234 5678 " * 30, "Anna Berg, Nils Ek, Ida Dahl", "word " * 5, "?!" * 100]
)
def test_too_little_is_undecided(text: str) -> None:
    assert find_language(text) is None


def test_as_much_of_one_as_of_the_other_is_undecided() -> None:
    assert (
        find_language("och det är inte vad jag tycker om " * 3 + "and that is not what I think about it " * 4)
        is None
    )


@pytest.mark.parametrize(
    "text", ["これは学校についての作文です。" * 5, "ይህ ስለ ትምህርት ቤት ነው። " * 8, "关于学校的作文" * 10]
)
def test_other_scripts_are_another_language(text: str) -> None:
    assert find_language(text) == OTHER


def test_marks_of_typing_do_not_matter() -> None:
    text = "I don't think it's what we're supposed to do, but they're sure that we can't."
    assert find_language(text) == find_language(text.replace("'", "’").upper()) == "en"


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text: str) -> None:
    assert find_language(text) in {None, OTHER, *common_words.LANGUAGES}


def test_the_words_are_those_of_wordfreq() -> None:
    kept = (Path(common_words.__file__).parents[2] / "files" / "steps" / "common_words.txt").read_text(
        encoding="utf-8"
    )
    assert kept.splitlines() == list(lines())


def test_eight_words_are_enough_and_seven_are_not() -> None:
    words = ["det", "är", "inte", "vad", "jag", "tycker", "om", "att"]
    assert find_language(" ".join(words)) == "sv"
    assert find_language(" ".join(words[1:])) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ж" * 16, OTHER), ("ж" * 15, None), ("ж" * 8 + "w" * 8, None), ("ж" * 9 + "w" * 7, OTHER)],
)
def test_more_than_fifteen_letters_most_of_them_others_are_another_language(
    text: str, expected: str | None
) -> None:
    assert find_language(text) == expected
