"""The spelling step: offsets, languages, names, typography, limits."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from essays.steps.findings import Finding, SpellingReport
from essays.steps.languages import LanguageCode
from essays.steps.spellcheck import spellcheck, warm
from huleedu.failures.errors import ErrorCode, StepError
from tests.benchmarks.spelling_pairs import open_pairs
from tests.samples.marked import marked_essay

PIECES = (
    "Hello hello wich freind don’t don't colour Ibrahimovic USA 16-åringar skollan Åsa alot tv-spel e-post"
)
ODD = [
    "http://x.se/wich",
    "a@b.se",
    "#wich",
    "\u00ad",
    "å",
    "a\u030a",
    ".",
    "!",
    "\n",
    "\n\n",
    "-",
    "’",
    "(",
    ")",
    "3,5",
]
WORDS = st.sampled_from([*PIECES.split(), *ODD])
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join))
LANGUAGE_CODES: st.SearchStrategy[LanguageCode] = st.sampled_from(("sv", "en"))


@pytest.fixture(scope="module", autouse=True)
def warmed() -> None:
    warm("sv")
    warm("en")


def marked(text: str, language: LanguageCode) -> list[str]:
    return [finding.word for finding in spellcheck(text, language).findings]


def first(text: str, language: LanguageCode) -> list[str]:
    return [finding.suggestions[0] for finding in spellcheck(text, language).findings]


@settings(max_examples=60, deadline=None)
@given(TEXTS, LANGUAGE_CODES)
def test_findings_lie_in_order_on_their_words(text: str, language: LanguageCode) -> None:
    report = spellcheck(text, language)
    position = 0
    for finding in report.findings:
        assert position <= finding.start < finding.end <= len(text)
        assert text[finding.start : finding.end] == finding.word
        assert len(finding.suggestions) == len(set(finding.suggestions)) <= 5
        assert finding.word not in finding.suggestions
        position = finding.end


@settings(max_examples=60, deadline=None)
@given(TEXTS, LANGUAGE_CODES)
def test_corrected_text_differs_in_findings_only(text: str, language: LanguageCode) -> None:
    report = spellcheck(text, language)
    assert without(report.corrected_text, report, corrected=True) == without(text, report, corrected=False)
    assert spellcheck(text, language) == report


def without(text: str, report: SpellingReport, corrected: bool) -> list[str]:
    """The stretches of ``text`` between the findings."""
    stretches, position, shift = [], 0, 0
    for finding in report.findings:
        stretches.append(text[position : finding.start + shift])
        length = len(replacement(finding)) if corrected else len(finding.word)
        position = finding.start + shift + length
        shift += length - len(finding.word)
    return [*stretches, text[position:]]


def replacement(finding: Finding) -> str:
    return finding.suggestions[0] if finding.suggestions else finding.word


def test_english_report() -> None:
    text = "I belive my freind is intrested in alot of things."
    report = spellcheck(text, "en")
    assert report.corrected_text == "I believe my friend is interested in a lot of things."
    assert (report.words, len(report.findings), report.density) == (10, 4, 40.0)
    assert report.findings[0].start == 2
    assert report.findings[0].kind == "spelling"
    assert "hunspell en_US,en_GB" in report.engine
    assert "symspellpy 6" in report.engine


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("skollan", "skolan"),
        ("männniska", "människa"),
        ("forsta", "första"),
        ("nesta", "nästa"),
        ("nogon", "någon"),
        ("hjelpa", "hjälpa"),
        ("intresant", "intressant"),
        ("fotbolsplan", "fotbollsplan"),
        ("oxå", "också"),
        ("undersöknig", "undersökning"),
    ],
)
def test_swedish_first_suggestions(wrong: str, right: str) -> None:
    assert first(f"det var {wrong} igen", "sv") == [right]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("dont", "don't"),
        ("eachother", "each other"),
        ("teached", "taught"),
        ("cant", "can't"),
        ("definately", "definitely"),
        ("enviroment", "environment"),
        ("april", "April"),
        ("swedish", "Swedish"),
    ],
)
def test_english_first_suggestions(wrong: str, right: str) -> None:
    assert first(f"and then {wrong} again", "en") == [right]


def test_case_of_the_word_is_kept() -> None:
    assert first("Becouse of that. BECOUSE of that.", "en") == ["Because", "BECAUSE"]


def test_british_and_american_spellings_are_right() -> None:
    assert (
        marked("The colour and the color of the theatre; we organise and organize, travelled, licence.", "en")
        == []
    )


def test_swedish_compounds_and_endings_are_right() -> None:
    text = (
        "Fotbollsplanen, arbets- och familjelivet, 80-talets tv:n, USA:s e-post, 16-åringar, röksvampsjakt."
    )
    assert marked(text, "sv") == []


@pytest.mark.parametrize(
    "text", ["I don’t think it’s Anna’s.", "I don't think it's Anna's.", "I don´t know."]
)
def test_apostrophes_straight_and_curly(text: str) -> None:
    assert marked(text, "en") == []


def test_suggestions_follow_the_texts_apostrophe() -> None:
    assert first("It’s true, he didnt go.", "en") == ["didn’t"]
    assert first("It's true, he didnt go.", "en") == ["didn't"]


def test_addresses_tags_numbers_and_acronyms_are_skipped() -> None:
    text = "See https://exampel.se/wich or wich@exampel.com, www.wich.org, exampel.se, @wich #wich, NBAX h2o."
    assert marked(text, "en") == []


def test_names_in_mid_sentence_are_not_marked() -> None:
    assert marked("Today Zlatan Ibrahimovic met Kajsa Bergqvist in Hultsfred.", "en") == []
    assert marked("Zlatan said hello. Then we saw Zlatan’s car.", "en") == []


def test_slips_in_capitalised_words_are_marked() -> None:
    assert marked("Therefor we left. Becouse of rain we speak Englich in Swedan.", "en") == [
        "Therefor",
        "Becouse",
        "Englich",
        "Swedan",
    ]


def test_accepted_words_are_not_marked() -> None:
    assert marked("the quidditch match", "en") == ["quidditch"]
    assert spellcheck("the quidditch match", "en", accepted=["Quidditch"]).findings == ()


def test_only_the_wrong_part_of_a_hyphenated_word_is_marked() -> None:
    text = "a well-knwon man"
    finding = spellcheck(text, "en").findings[0]
    assert (finding.word, finding.start, finding.suggestions[0]) == ("knwon", 7, "known")


def test_a_word_divided_at_the_line_end_is_one_word() -> None:
    assert marked("we need infor-\nmation now", "en") == []


def test_decomposed_letters() -> None:
    text = unicodedata.normalize("NFD", "Vår första människa åkte till skollan på ön.")
    findings = spellcheck(text, "sv").findings
    assert [finding.word for finding in findings] == ["skollan"]
    assert text[findings[0].start : findings[0].end] == "skollan"
    assert marked("Vår första människa åkte", "sv") == []


def test_soft_hyphens_are_invisible() -> None:
    assert marked("informa\u00adtion", "en") == []


@pytest.mark.parametrize("text", ["", "  \n", "12 345 !?", "\ud800"])
def test_nothing_to_mark(text: str) -> None:
    report = spellcheck(text, "sv")
    assert (report.findings, report.density, report.corrected_text) == ((), 0.0, text)


@pytest.mark.parametrize("language", ["fi", "", "SV"])
def test_unknown_language(language: LanguageCode) -> None:
    with pytest.raises(StepError) as caught:
        spellcheck("text", language)
    assert caught.value.code is ErrorCode.LANGUAGE_UNSUPPORTED
    with pytest.raises(StepError):
        warm(language)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["a.b", "qx-", "xqz'", "wrd\n"])
def test_long_odd_texts_end_soon(piece: str) -> None:
    assert spellcheck((piece * 50_000)[:50_000], "sv").words > 0


def test_many_distinct_errors_keep_their_marks() -> None:
    letters = "bcdfghjk"
    words = [f"{a}{b}{c}q{d}" for a in letters for b in letters for c in letters for d in letters[:2]]
    report = spellcheck(" ".join(words), "en")
    assert len(report.findings) > 900
    assert report.findings[-1].suggestions == ()


@pytest.mark.parametrize("language", ["sv", "en"])
def test_marked_essays(language: LanguageCode) -> None:
    text, errors = marked_essay(language)
    findings = spellcheck(text, language).findings
    found = {(each.start, each.end): each.suggestions[:1] for each in findings}
    hits = found.keys() & errors.keys()
    assert len(errors) > 15
    assert len(hits) >= 0.95 * len(errors)
    assert len(hits) >= 0.95 * len(found)
    assert sum(not errors[place].isdisjoint(found[place]) for place in hits) >= 0.9 * len(errors)


@pytest.mark.parametrize(("language", "least"), [("en", 0.93), ("sv", 0.8)])
def test_published_misspellings(language: LanguageCode, least: float) -> None:
    pairs = open_pairs(language)
    right = sum(any(word in answers for word in first(wrong, language)) for wrong, answers in pairs)
    assert len(pairs) > 40
    assert right >= least * len(pairs)
