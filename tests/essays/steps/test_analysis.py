"""The text analysis held against figures worked out by hand from the published formulas."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from essays.steps.analysis import HDD_SAMPLE, analyse, count_factors, flesch, hdd, lix, mean_zipf, mtld

SWEDISH = """Katten sov. Den drömde om möss, fåglar och t.ex. fiskar i sjön.

Sedan vaknade den och ville ha frukost."""
ENGLISH = "The cat sat on the mat. It was happy."


def zipf_of(word: str) -> float | None:
    return {"the": 7.0, "cat": 5.0, "sat": 3.0}.get(word)


def test_lengths_are_counted() -> None:
    found = analyse(SWEDISH, "sv", zipf_of)
    assert (found.words, found.sentences, found.paragraphs) == (20, 3, 2)
    assert (found.sentence_words, found.paragraph_words) == (6.7, 10.0)


def test_readability_is_that_of_the_language() -> None:
    swedish, english = analyse(SWEDISH, "sv", zipf_of), analyse(ENGLISH, "en", zipf_of)
    # 20 words, 3 sentences, long: vaknade, frukost (fåglar and fiskar have six letters).
    assert swedish.lix == round(20 / 3 + 100 * 2 / 20, 1)
    # 9 words, 2 sentences, 10 syllables.
    assert english.flesch == round(206.835 - 1.015 * 9 / 2 - 84.6 * 10 / 9, 1)
    assert swedish.flesch is english.lix is None


@pytest.mark.parametrize("language", ["", "und", "fi"])
def test_a_language_without_formulas_keeps_what_any_text_has(language: str) -> None:
    found = analyse("Kissa istui matolla. Se oli iloinen. " * 20, language, zipf_of)
    assert (found.sentences, found.paragraphs) == (40, 1)
    assert found.mtld is not None and found.hdd is not None
    assert found.lix is found.flesch is found.zipf is None


@pytest.mark.parametrize("text", ["", " \n\n ", "...", "\ud800"])
def test_a_text_without_words_has_no_figures(text: str) -> None:
    for language in ("sv", "en", ""):
        found = analyse(text, language, zipf_of)
        assert (found.words, found.sentences) == (0, 0)
        assert {found.sentence_words, found.lix, found.flesch, found.mtld, found.hdd, found.zipf} == {None}


def test_long_words_have_more_than_six_letters_whatever_else_is_in_them() -> None:
    assert lix(["abcdefg", "abcdef", "a-b'cdef", "a1b2c3d4e5f"], 1) == 4 + 25.0
    assert flesch([], 0) is None


def test_variety_by_stretches() -> None:
    # "a b a a": after three words 2/3 are different, which is under 0.72, so a stretch ends; one is left.
    assert count_factors(["a", "b", "a", "a"]) == 1.0
    # Five words of four kinds: 0.8; (1 - 0.8) / (1 - 0.72) of a stretch.
    assert count_factors(["a", "b", "c", "d", "a"]) == pytest.approx(0.2 / 0.28)
    # Nine times "a b a": forwards each is a stretch; backwards, too, for it reads the same.
    assert mtld(["a", "b", "a"] * 40) == 3.0
    assert mtld(["a", "b", "a"] * 33) is None  # 99 words
    assert mtld([str(number) for number in range(100)]) is None


def test_variety_by_samples() -> None:
    # 42 words, all drawn: the share of different ones. 84 of two kinds: both are there, nearly always.
    assert hdd([str(number) for number in range(HDD_SAMPLE)]) == 1.0
    assert hdd(["a"] * HDD_SAMPLE) == round(1 / HDD_SAMPLE, 3)
    assert hdd(["a"] * (HDD_SAMPLE - 1)) is None
    words = ["a"] * 30 + ["b"] * 20 + ["c"] * 10
    expected = sum(1 - comb(60 - count, HDD_SAMPLE) / comb(60, HDD_SAMPLE) for count in (30, 20, 10))
    assert hdd(words) == round(expected / HDD_SAMPLE, 3)


def test_rarity_is_of_the_different_words_that_are_known() -> None:
    assert mean_zipf(["the", "the", "the", "cat", "qwzx"], zipf_of) == 6.0
    assert mean_zipf(["qwzx"], zipf_of) is None


@given(st.text(max_size=2000), st.sampled_from(["sv", "en", ""]))
def test_any_text_has_figures_that_make_sense(text: str, language: str) -> None:
    found = analyse(text, language, zipf_of)
    assert 0 <= found.sentences <= found.words
    assert found.hdd is None or 0 < found.hdd <= 1
    assert found.mtld is None or found.mtld > 0
