"""The spelling step: text in, findings with offsets and a corrected copy out. Pure and deterministic."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from essays.steps.candidates import Effort, suggestions
from essays.steps.judging import Suspect, find_suspects
from essays.steps.languages import LanguageCode
from essays.steps.lexicon import Lexicon, lexicon_for
from essays.steps.words import find_words

# Distinct unknown words of one text that get suggestions at all, by a search in the
# dictionary, and by hunspell's own slow search: a text of nonsense must not hold a worker.
_MAX_LISTED = 400
_MAX_EDITED = 60
_MAX_FULL = {"sv": 10, "en": 25}


@dataclass(frozen=True, slots=True)
class Finding:
    """A mark at ``text[start:end] == word`` with ranked ``suggestions``, best first, at most five."""

    start: int
    end: int
    word: str
    suggestions: tuple[str, ...]
    kind: Literal["spelling"] = "spelling"


@dataclass(frozen=True, slots=True)
class SpellingReport:
    """The outcome for one text.

    ``words`` counts every word and number; ``density`` is findings per 100 words;
    ``corrected_text`` is the text with each finding's first suggestion put in.
    """

    words: int
    findings: tuple[Finding, ...]
    density: float
    corrected_text: str
    engine: str


def warm(language: LanguageCode) -> None:
    """Load the dictionaries of ``language`` now instead of at the first essay (0.3 s, 2 s the first time).

    Raises StepError(LANGUAGE_UNSUPPORTED) for a language there is no dictionary for.
    """
    lexicon_for(language)


def spellcheck(text: str, language: LanguageCode, accepted: Iterable[str] = ()) -> SpellingReport:
    """Find the misspelt words of ``text``; offsets count characters of ``text`` as given.

    ``accepted`` are words right in this text (names, words of the assignment), in any case.
    Raises StepError(LANGUAGE_UNSUPPORTED) for a language there is no dictionary for.
    """
    lexicon = lexicon_for(language)
    words = list(find_words(text, lexicon.language))
    allowed = {word.lower() for word in accepted}
    suspects = list(find_suspects(text, words, lexicon, allowed))
    findings = tuple(_findings(text, suspects, lexicon))
    density = round(100 * len(findings) / len(words), 2) if words else 0.0
    return SpellingReport(len(words), findings, density, _corrected(text, findings), lexicon.engine)


def _findings(text: str, suspects: list[Suspect], lexicon: Lexicon) -> Iterable[Finding]:
    curly = "’" in text and "'" not in text
    order = {plain: index for index, plain in enumerate(dict.fromkeys(suspect.plain for suspect in suspects))}
    for suspect in suspects:
        surface = text[suspect.start : suspect.end]
        effort = _effort(order[suspect.plain], lexicon)
        found = (_dressed(text, suspect.plain, curly) for text in suggestions(lexicon, suspect.plain, effort))
        yield Finding(suspect.start, suspect.end, surface, tuple(dict.fromkeys(found)))


def _effort(order: int, lexicon: Lexicon) -> Effort:
    """By the word's place in the text, not by what caches hold: the same text gives the same report."""
    if order < _MAX_FULL[lexicon.language.code]:
        return Effort.FULL
    if order < _MAX_EDITED:
        return Effort.EDITED
    return Effort.LISTED if order < _MAX_LISTED else Effort.NONE


def _dressed(suggestion: str, plain: str, curly: bool) -> str:
    """``suggestion`` in the case of the word it replaces, with the text's kind of apostrophe."""
    if len(plain) > 1 and plain.isupper():
        suggestion = suggestion.upper()
    elif plain[:1].isupper():
        suggestion = suggestion[:1].upper() + suggestion[1:]
    return suggestion.replace("'", "’") if curly else suggestion


def _corrected(text: str, findings: Iterable[Finding]) -> str:
    pieces, position = [], 0
    for finding in findings:
        replacement = finding.suggestions[0] if finding.suggestions else finding.word
        pieces += [text[position : finding.start], replacement]
        position = finding.end
    return "".join([*pieces, text[position:]])
