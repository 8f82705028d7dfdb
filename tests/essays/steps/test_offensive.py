"""Nothing offensive is suggested, decent words that look like it still are."""

import pytest

from essays.steps.languages import LanguageCode
from essays.steps.offensive import stop_list
from essays.steps.spellcheck import spellcheck
from tests.benchmarks import offensive_suggestions as made

SEEN = {
    "en": ["cant", "bich", "dik", "shitt", "fuk", "ashole", "negger", "pusy", "cok", "wanck", "hor", "sexey"],
    "sv": [
        "fita",
        "negger",
        "kukk",
        "hoora",
        "böög",
        "knula",
        "jävlla",
        "rövv",
        "skiit",
        "porrfillm",
        "blate",
    ],
}
DECENT = {
    "en": "assassin cockpit Scunthorpe class analysis cocktail therapist Sussex Dickens title shuttlecock "
    "grape rapid mishit assume basement Essex pass scrap hello he'll skyscraper bass snigger",
    "sv": "klassisk slut fart sex prick kock analys analfabet horisont hormon kukeliku fittja rövare strunk "
    "moskit brunkol trunk hård sås stake bakåt pittoresk slutade slumpa fans fann lampa fasen sporre "
    "lesbisk homosexuell nazister rasist våldtäkt drunkna varsel presskit mongoliet pröva",
}


@pytest.mark.parametrize(("code", "word"), [(code, word) for code, words in SEEN.items() for word in words])
def test_misspellings_near_an_offensive_word(code: LanguageCode, word: str) -> None:
    report = spellcheck(word, code)
    assert [finding.word for finding in report.findings] == [word]
    assert not list(made.offences_for(word, code))
    assert report.corrected_text.lower() not in made.stop_words(code)


@pytest.mark.parametrize("code", made.CODES)
def test_known_and_made_up_misspellings(code: LanguageCode) -> None:
    words = [*list(made.known_misspellings(code))[::8], *made.made_up(code, step=997)]
    assert len(words) > 60
    assert not [offence for word in words for offence in made.offences_for(word, code)]


@pytest.mark.parametrize("code", made.CODES)
def test_the_list_holds_every_stop_word(code: LanguageCode) -> None:
    assert not [word for word in made.stop_words(code) if not stop_list(code).holds(word)]


@pytest.mark.parametrize(
    ("code", "word", "never"),
    [
        ("en", "vaginne", {"neovagina"}),
        ("en", "ffaggit", {"fagging", "faggoting"}),
        ("en", "gypsi", {"gipsy", "gypsy"}),
        ("sv", "klitoriss", {"clitoris", "klitoris"}),
        ("sv", "ckliitoris", {"clitoris", "klitoris"}),
        ("sv", "bajjss", {"badass", "bajs"}),
        ("sv", "djavul", {"djävul", "jävul"}),
        ("sv", "djavel", {"djävul", "djävel"}),
    ],
)
def test_words_of_the_same_kind_in_other_clothing(code: LanguageCode, word: str, never: set[str]) -> None:
    (finding,) = spellcheck(word, code).findings
    assert not never & {suggestion.lower() for suggestion in finding.suggestions}


@pytest.mark.parametrize(("code", "word"), [("en", "shit"), ("sv", "skit"), ("sv", "fan"), ("en", "damn")])
def test_a_word_the_pupil_wrote_is_not_marked(code: LanguageCode, word: str) -> None:
    assert not spellcheck(word, code).findings


@pytest.mark.parametrize(("code", "word"), [("en", "fck"), ("sv", "pippade")])
def test_an_offensive_word_that_is_in_no_dictionary_is_marked_without_suggestion(
    code: LanguageCode, word: str
) -> None:
    assert not [
        suggestion for finding in spellcheck(word, code).findings for suggestion in finding.suggestions
    ]


@pytest.mark.parametrize("code", made.CODES)
def test_decent_words_are_not_on_the_list(code: LanguageCode) -> None:
    assert not [word for word in DECENT[code].split() if stop_list(code).holds(word)]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("sv", "mongoliska kukbilder"),
        ("sv", "idiot-fitta"),
        ("en", "ass hole"),
        ("en", "as hole"),
        ("en", "Bitch's"),
        ("en", "shit-faced"),
        ("sv", "skolfittan"),
        ("sv", "superneger"),
        ("sv", "FITTOR"),
    ],
)
def test_inflections_compounds_and_several_words(code: LanguageCode, text: str) -> None:
    assert stop_list(code).holds(text)


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("en", "asassin", "assassin"),
        ("en", "cokpit", "cockpit"),
        ("sv", "horisånt", "horisont"),
        ("sv", "klasisk", "klassisk"),
        ("sv", "nasister", "nazister"),
        ("sv", "anallys", "analys"),
    ],
)
def test_decent_words_are_still_suggested(code: LanguageCode, wrong: str, right: str) -> None:
    assert spellcheck(wrong, code).findings[0].suggestions[0] == right
