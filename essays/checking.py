"""Checks an essay's spelling in a process of its own: a text may cost so much work, and harms nobody."""

from typing import Annotated, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from essays.steps.findings import SPELLCHECK_FAILED, Finding, SpellingReport, make_report
from files import sandbox
from files.sandbox import Count, Ended, Failure, Job, SandboxHurried, Short
from files.steps.confinement import Confinement
from huleedu.failures.errors import ErrorCode, StepError

LANGUAGES = ("sv", "en")
CHECKING = Job("essays.steps.checking", (str(settings.VAR_DIR / "cache"), ",".join(LANGUAGES)))
TIMEOUT_SECONDS = 60.0
# Work is counted in microseconds of a usual processor; the kernel's limit is for one a third as fast.
UNITS_PER_SECOND = 300_000
_BYTES_PER_CHARACTER = 64  # of two outcomes; a mark takes some twenty, and few have suggestions
_OTHER_OUTPUT_BYTES = 256 * 1024

Suggestion = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Row = tuple[Count, Count, Annotated[tuple[Suggestion, ...], Field(max_length=5)]]


class Checked(BaseModel):
    """What the child tells of a text; each row is where a mark starts and ends, and its suggestions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    words: Count
    engine: Short
    fewer_suggestions: bool
    findings: tuple[Row, ...]


class _Failure(Failure):
    code: ErrorCode | Literal["SPELLCHECK_FAILED"]


class _Outcome(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    result: Checked | None = None
    error: _Failure | None = None


def check(text: str, language: str, timeout_seconds: float = TIMEOUT_SECONDS) -> SpellingReport:
    """The spelling of ``text`` in one of ``LANGUAGES``.

    A text that takes more than ``CHECK_SECONDS`` of processor time, or a check that fails in the middle, has
    its marks and no suggestions. Raises StepError(SPELLCHECK_FAILED) when not even the marks are there, and
    SandboxCrashed when the child was killed from outside: try again.
    """
    confinement = Confinement(first_seconds=settings.CHECK_SECONDS)
    units = round(settings.CHECK_SECONDS * UNITS_PER_SECOND)
    own = (CHECKING.prepared[0], language, str(units))
    arguments = sandbox.job_arguments(CHECKING, confinement, *own)
    maximum_bytes = len(text) * _BYTES_PER_CHARACTER + _OTHER_OUTPUT_BYTES
    ended = sandbox.execute(CHECKING, arguments, text.encode(), timeout_seconds, maximum_bytes)
    failure = _failure(ended, timeout_seconds)
    if failure is not None and not ended.last:
        raise failure
    return _report(text, ended.last)


def _failure(ended: Ended, timeout_seconds: float) -> StepError | None:
    """Why the child did not end well. Raises SandboxCrashed."""
    try:
        sandbox.raise_for_end(ended, timeout_seconds)
    except StepError as error:
        return StepError(SPELLCHECK_FAILED, **error.details)
    except SandboxHurried:
        return StepError(SPELLCHECK_FAILED, limit="processor")
    return None


def _report(text: str, output: bytes) -> SpellingReport:
    """The child worked on a stranger's text, so what it says is checked like a stranger's words."""
    try:
        outcome = _Outcome.model_validate_json(output)
    except ValidationError:
        raise StepError(SPELLCHECK_FAILED, limit="outcome") from None
    if outcome.error is not None:
        raise StepError(outcome.error.code, **outcome.error.details)
    checked = outcome.result
    if checked is None or checked.words > len(text) or not _in_order(checked.findings, len(text)):
        raise StepError(SPELLCHECK_FAILED, limit="outcome")
    findings = tuple(Finding(start, end, text[start:end], found) for start, end, found in checked.findings)
    return make_report(
        text, checked.words, findings, checked.engine, fewer_suggestions=checked.fewer_suggestions
    )


def _in_order(rows: tuple[Row, ...], length: int) -> bool:
    """Whether the marks lie in the text, one after the other."""
    ends = [0, *(end for _, end, _ in rows)]
    return ends[-1] <= length and all(
        before <= start < end for before, (start, end, _) in zip(ends, rows, strict=False)
    )
