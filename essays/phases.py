"""The phases an essay goes through: a new phase is one line here and one step module."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from essays.steps.languages import LanguageCode
from essays.steps.spellcheck import spellcheck
from huleedu.errors import ErrorCode, StepError
from huleedu.events import EssayPhaseRequest, EssaySpellcheckRequest, PhaseCompleted, SpellcheckCompleted

LANGUAGES: dict[str, LanguageCode] = {"sv": "sv", "en": "en"}


@dataclass(frozen=True)
class StepOutcome:
    """What a step gives: stored whole as ``output``, and the figures its event carries."""

    engine: str
    output: dict[str, Any]
    figures: dict[str, Any]


@dataclass(frozen=True)
class Phase:
    """A phase's messages and its pure step: (text, language) → outcome."""

    name: str
    request: type[EssayPhaseRequest]
    completed: type[PhaseCompleted]
    step: Callable[[str, str], StepOutcome]


def check_spelling(text: str, language: str) -> StepOutcome:
    """Spelling findings with offsets, ranked suggestions and the corrected text.

    ``language`` is a code, empty when it is not known. Raises ``StepError`` for one that has no dictionary:
    nothing is checked with a wrong one.
    """
    if not language:
        raise StepError(ErrorCode.LANGUAGE_UNKNOWN)
    code = LANGUAGES.get(language)
    if code is None:
        raise StepError(ErrorCode.LANGUAGE_UNSUPPORTED, language=language)
    report = spellcheck(text, code)
    findings = [
        {
            "start": finding.start,
            "end": finding.end,
            "word": finding.word,
            "suggestions": list(finding.suggestions),
            "kind": finding.kind,
        }
        for finding in report.findings
    ]
    figures = {"words": report.words, "findings": len(findings), "density": report.density}
    output = {
        "words": report.words,
        "density": report.density,
        "findings": findings,
        "corrected_text": report.corrected_text,
    }
    return StepOutcome(report.engine, output, figures)


PHASES = {
    "spellcheck": Phase("spellcheck", EssaySpellcheckRequest, SpellcheckCompleted, check_spelling),
}
