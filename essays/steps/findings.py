"""What a check of spelling gives: marks on a text with ranked suggestions, and the text they make of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

SPELLCHECK_FAILED = "SPELLCHECK_FAILED"  # the code of a check that did not end


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
    ``corrected_text`` is the text with each finding's first suggestion put in; ``fewer_suggestions`` when the
    text has more unknown words than there is work for: some have no suggestions, or only those from a list.
    """

    words: int
    findings: tuple[Finding, ...]
    density: float
    corrected_text: str
    engine: str
    fewer_suggestions: bool


def make_report(
    text: str, words: int, findings: tuple[Finding, ...], engine: str, *, fewer_suggestions: bool
) -> SpellingReport:
    """The report on ``text`` with ``findings`` in its order."""
    marks = density(len(findings), words)
    return SpellingReport(words, findings, marks, corrected(text, findings), engine, fewer_suggestions)


def density(findings: int, words: int) -> float:
    """Findings per 100 words."""
    return round(100 * findings / words, 2) if words else 0.0


def corrected(text: str, findings: Iterable[Finding]) -> str:
    """``text`` with each finding's first suggestion put in."""
    pieces, position = [], 0
    for finding in findings:
        replacement = finding.suggestions[0] if finding.suggestions else finding.word
        pieces += [text[position : finding.start], replacement]
        position = finding.end
    return "".join([*pieces, text[position:]])
