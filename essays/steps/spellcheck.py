"""The spelling step: text in, findings with offsets and a corrected copy out. Pure and deterministic."""

from collections.abc import Iterable
from dataclasses import dataclass

from essays.steps.budget import Budget
from essays.steps.candidates import Effort, Found, best_effort, most_units, search
from essays.steps.findings import Finding, SpellingReport, make_report
from essays.steps.judging import Suspect, find_suspects
from essays.steps.languages import LanguageCode
from essays.steps.lexicon import Lexicon, lexicon_for
from essays.steps.offensive import stop_list
from essays.steps.words import find_words

# Distinct unknown words of one text that get suggestions at all, by a search in the
# dictionary, and by hunspell's own slow search: a text of nonsense must not hold a worker.
_MAX_LISTED = 400
_MAX_EDITED = 60
_MAX_FULL = {"sv": 10, "en": 25}
# Of the text's budget, so that dear searches leave something for cheap ones.
_SHARES = {Effort.FULL: 0.6, Effort.EDITED: 0.85, Effort.LISTED: 1.0}
UNITS = 600_000  # for one text where nobody says otherwise


@dataclass(frozen=True, slots=True)
class Marks:
    """The misspelt words of a text, without suggestions; ``findings`` are those of ``suspects`` in order."""

    text: str
    words: int
    suspects: tuple[Suspect, ...]
    lexicon: Lexicon

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The marks alone."""
        return tuple(self.finding(suspect) for suspect in self.suspects)

    @property
    def engine(self) -> str:
        """Names and versions of what decides."""
        return self.lexicon.engine

    def finding(self, suspect: Suspect, suggestions: tuple[str, ...] = ()) -> Finding:
        """A mark on ``suspect``."""
        return Finding(suspect.start, suspect.end, self.text[suspect.start : suspect.end], suggestions)


def warm(language: LanguageCode) -> None:
    """Load the dictionaries of ``language`` now instead of at the first essay (0.3 s, 2 s the first time).

    Raises StepError(LANGUAGE_UNSUPPORTED) for a language there is no dictionary for.
    """
    lexicon_for(language)
    stop_list(language)


def spellcheck(
    text: str, language: LanguageCode, accepted: Iterable[str] = (), units: int = UNITS
) -> SpellingReport:
    """Find the misspelt words of ``text``; offsets count characters of ``text`` as given.

    ``accepted`` are words right in this text (names, words of the assignment), in any case; ``units`` is the
    work that the text may cost. Raises StepError(LANGUAGE_UNSUPPORTED) for a language without a dictionary.
    """
    budget = Budget(units)
    return suggest(find_marks(text, language, accepted, budget), budget)


def find_marks(text: str, language: LanguageCode, accepted: Iterable[str], budget: Budget) -> Marks:
    """The misspelt words of ``text``, at the cost of ``budget``. Raises as ``spellcheck``."""
    lexicon = lexicon_for(language)
    words = list(find_words(text, lexicon.language.abbreviations))
    allowed = {word.lower() for word in accepted}
    suspects = tuple(find_suspects(text, words, lexicon, allowed, budget))
    return Marks(text, len(words), suspects, lexicon)


def suggest(marks: Marks, budget: Budget) -> SpellingReport:
    """The report on ``marks`` with as many suggestions as what is left of ``budget`` allows."""
    curly = "’" in marks.text and "'" not in marks.text
    found: dict[str, Found] = {}
    efforts: dict[str, Effort] = {}
    for order, plain in enumerate(dict.fromkeys(suspect.plain for suspect in marks.suspects)):
        effort = _effort(order, plain, marks.lexicon, budget)
        found[plain] = search(marks.lexicon, plain, effort)
        budget.spend(found[plain].units)
        efforts[plain] = effort
    findings = tuple(
        marks.finding(suspect, _dressed_all(found[suspect.plain].texts, suspect.plain, curly))
        for suspect in marks.suspects
    )
    fewer = any(effort < min(Effort.EDITED, best_effort(plain)) for plain, effort in efforts.items())
    return make_report(marks.text, marks.words, findings, marks.engine, fewer_suggestions=fewer)


def _effort(order: int, plain: str, lexicon: Lexicon, budget: Budget) -> Effort:
    """By the word's place and what those before it cost: the same text gives the same report."""
    most = {
        Effort.FULL: _MAX_FULL[lexicon.language.code],
        Effort.EDITED: _MAX_EDITED,
        Effort.LISTED: _MAX_LISTED,
    }
    for effort, share in _SHARES.items():
        if (
            effort <= best_effort(plain)
            and order < most[effort]
            and budget.affords(most_units(lexicon, plain, effort), share)
        ):
            return effort
    return Effort.NONE


def _dressed_all(suggestions: Iterable[str], plain: str, curly: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_dressed(suggestion, plain, curly) for suggestion in suggestions))


def _dressed(suggestion: str, plain: str, curly: bool) -> str:
    """``suggestion`` in the case of the word it replaces, with the text's kind of apostrophe."""
    if len(plain) > 1 and plain.isupper():
        suggestion = suggestion.upper()
    elif plain[:1].isupper():
        suggestion = suggestion[:1].upper() + suggestion[1:]
    return suggestion.replace("'", "’") if curly else suggestion
