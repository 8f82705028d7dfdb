"""The spelling check: words that may be wrong, with suggestions, and a corrected copy of the text."""

from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import UUID

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from essays.checking import LANGUAGES, check
from essays.steps.findings import SPELLCHECK_FAILED, Finding, corrected, density
from huleedu.api.shapes import Answer
from huleedu.events.phase import EssayPhase, Measure, PhaseWords, StepOutcome, StepStatus
from huleedu.events.vocabulary import ErrorDetail, EssayPhaseRequest, PhaseCompleted, PhaseInitiate
from huleedu.failures.errors import ErrorCode, StepError
from huleedu.failures.words import Words


class SpellcheckInitiate(PhaseInitiate):
    topic = "huleedu.commands.spellcheck.initiate.v1"
    phase_name = "spellcheck"


class EssaySpellcheckRequest(EssayPhaseRequest):
    topic = "huleedu.commands.essay.spellcheck.v1"
    phase_name = "spellcheck"


class SpellcheckCompleted(PhaseCompleted):
    topic = "huleedu.essay.spellcheck.completed.v1"
    phase_name = "spellcheck"
    findings: int | None = None
    words: int | None = None
    density: float | None = None
    fewer_suggestions: bool | None = None
    corrected_text_storage_id: UUID | None = None


class SpellcheckFigures(Answer):
    """How the spelling check of one essay ended; ``density`` is findings per 100 words.

    ``fewer_suggestions``: the essay has more unknown words than a check has time for.
    """

    status: Literal["succeeded", "failed"]
    findings: int | None
    density: float | None
    fewer_suggestions: bool | None
    language: str | None
    error: ErrorDetail | None


class Marked(Answer):
    """One word that may be wrong; ``start`` and ``end`` count characters of the text."""

    start: int
    end: int
    word: str
    suggestions: list[str]
    kind: str


class Spellcheck(Answer):
    """The spelling check of the essay's present text.

    ``fewer_suggestions``: it has more unknown words than a check has time for, so some have no suggestions or
    simpler ones; all are marked.
    """

    status: StepStatus
    findings: list[Marked] = Field(default_factory=list)
    corrected_text: str | None
    words: int | None
    density: float | None
    fewer_suggestions: bool | None
    language: str | None
    error: ErrorDetail | None


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


def leave_out(output: Mapping[str, Any], text: str, accepts: Callable[[str], bool]) -> dict[str, Any]:
    """The output on ``text`` without marks on words that ``accepts``; they are not corrected either."""
    left = [finding for finding in output.get("findings", ()) if not accepts(finding["word"])]
    kept = [
        Finding(each["start"], each["end"], each["word"], tuple(each["suggestions"]), each["kind"])
        for each in left
    ]
    return {
        **output,
        "findings": left,
        "density": density(len(left), output.get("words") or 0),
        "corrected_text": corrected(text, kept),
    }


def in_words(data: Mapping[str, Any]) -> str:
    """How a check ended."""
    if data["status"] == "failed":
        return gettext("The spelling could not be checked.")
    found = data.get("findings") or 0
    return ngettext(
        "The spelling was checked: %(n)s mark.", "The spelling was checked: %(n)s marks.", found
    ) % {"n": found}


PHASE = EssayPhase(
    name="spellcheck",
    by_default=True,
    words=PhaseWords(
        name=_("Spelling"),
        offer=_("Mark spelling for me to see while I read"),
        repeat=_("Run the spelling check again"),
        requested=_("It was put in line for spelling."),
        completed=in_words,
    ),
    failures={
        SPELLCHECK_FAILED: Words(
            _("The spelling check did not finish"),
            _("The essay itself is safe. Try again; if it fails twice, contact support with the code."),
            ("retry", "support"),
        ),
    },
    initiate=SpellcheckInitiate,
    request=EssaySpellcheckRequest,
    completed=SpellcheckCompleted,
    live_message="essay.spellcheck.completed",
    step=check_spelling,
    figures=SpellcheckFigures,
    shape=Spellcheck,
    columns=(
        Measure("findings", _("Spelling marks")),
        Measure("density", _("Marks per 100 words"), digits=1),
    ),
    bounds=("findings",),
    leave_out=leave_out,
)
