"""The ranker's parts."""

import pytest

from essays.steps.candidates import natural_form, one_edit_away
from essays.steps.habits import WHOLE, rewritings
from essays.steps.languages import LANGUAGES
from essays.steps.lexicon import lexicon_for
from essays.steps.ranking import WEIGHTS, Candidate, edit_distance, features, strip_accents, undouble


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("", "ab", 2),
        ("abc", "abc", 0),
        ("teh", "the", 1),
        ("frst", "först", 1),
        ("ca", "abc", 3),
    ],
)
def test_edit_distance(left: str, right: str, distance: int) -> None:
    assert edit_distance(left, right) == distance == edit_distance(right, left)


def test_word_forms() -> None:
    assert undouble("männniskka") == "mäniska"
    assert strip_accents("åäöé") == "aaoe"
    assert {"te", "eth", "ten", "teha"} <= set(one_edit_away("teh", "na"))


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_feature_has_a_weight(code: str) -> None:
    assert WEIGHTS[code].keys() == features("ord", Candidate("order"), lexicon_for(code)).keys()


@pytest.mark.parametrize("code", LANGUAGES)
def test_habits_lead_to_accepted_words(code: str) -> None:
    lexicon = lexicon_for(code)
    meant = {part for text in WHOLE[code].values() for part in text.split()}
    assert [word for word in meant if not lexicon.accepts(word)] == []


def test_rewritings() -> None:
    assert "cities" in rewritings("citys", "en")
    assert "hjälpa" in rewritings("jälpa", "sv")


def test_natural_form() -> None:
    lexicon = lexicon_for("en")
    assert natural_form(lexicon, "sweden") == "Sweden"
    assert natural_form(lexicon, "SWEDEN") == "Sweden"
    assert natural_form(lexicon, "bbc") == "BBC"
    assert natural_form(lexicon, "wich") is None


def test_sounds() -> None:
    swedish = lexicon_for("sv")
    assert swedish.sound("sjärna") == swedish.sound("stjärna")
    assert swedish.sound("jälpa") == swedish.sound("hjälpa")
    english = lexicon_for("en")
    assert english.sound("fotograf") == english.sound("photograph")
    assert english.sound("nife") == english.sound("knife")
