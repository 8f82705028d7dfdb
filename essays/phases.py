"""The phases an essay goes through: a new phase is one line here and one step module."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from essays.checking import LANGUAGES, check
from huleedu.events.vocabulary import (
    EssayPhaseRequest,
    EssaySpellcheckRequest,
    PhaseCompleted,
    SpellcheckCompleted,
)
from huleedu.failures.errors import ErrorCode, StepError


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
    nothing is checked with a wrong one. Also raises what ``check`` raises.
    """
    if not language:
        raise StepError(ErrorCode.LANGUAGE_UNKNOWN)
    if language not in LANGUAGES:
        raise StepError(ErrorCode.LANGUAGE_UNSUPPORTED, language=language)
    report = check(text, language)
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
    same = {
        "words": report.words,
        "density": report.density,
        "fewer_suggestions": report.fewer_suggestions,
    }
    figures = {**same, "findings": len(findings)}
    output = {
        **same,
        "findings": findings,
        "corrected_text": report.corrected_text,
    }
    return StepOutcome(report.engine, output, figures)


PHASES = {
    "spellcheck": Phase("spellcheck", EssaySpellcheckRequest, SpellcheckCompleted, check_spelling),
}
