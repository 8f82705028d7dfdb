"""An essay as PDF, set in a process of its own: a text may cost so much work, and harms nobody."""

import base64
import json
from dataclasses import asdict, dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from files import sandbox
from files.sandbox import Failure, Job, SandboxHurried
from files.steps.confinement import Confinement
from huleedu.failures.errors import StepError
from results.exports.steps.typesetting import FAILED

TYPESETTING = Job("results.exports.steps.typesetting")
TIMEOUT_SECONDS = 30.0
SECONDS = 10  # of processor; an ordinary essay takes hundredths
NICENESS = 5  # whoever reads and checks goes before
MAXIMUM_BYTES = 32 * 1024 * 1024
Piece = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Told:
    """All that stands on an essay's paper, in words.

    A piece of a paragraph is a text and 1 if it is marked; a line ends with a piece of its own.
    """

    document: str
    foot: str
    words_language: str
    text_language: str
    title: str
    class_facts: str
    heading: str
    facts: str
    paragraphs: list[list[Piece]]
    note_heading: str
    note: list[str]
    marks_heading: str
    marks_note: str
    marks: list[tuple[str, str]]
    figures_heading: str
    figure_headings: list[str]
    figures: list[tuple[str, str]]
    boxes: str  # said if our fonts lack ``%(signs)s``


class _Set(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    pdf: str
    lacking: list[str]


class _Outcome(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    result: _Set | None = None
    error: Failure | None = None


def typeset(told: Told) -> tuple[bytes, list[str]]:
    """The essay as PDF, and the signs that our fonts have no shape for. Raises StepError(TYPESETTING_FAILED).

    Raises SandboxCrashed when the child was killed from outside: try again.
    """
    confinement = Confinement(processor_seconds=SECONDS, niceness=NICENESS)
    arguments = sandbox.job_arguments(TYPESETTING, confinement)
    data = json.dumps(asdict(told)).encode()
    ended = sandbox.execute(TYPESETTING, arguments, data, TIMEOUT_SECONDS, MAXIMUM_BYTES)
    try:
        sandbox.raise_for_end(ended, TIMEOUT_SECONDS)
        outcome = _Outcome.model_validate_json(ended.last)
    except (StepError, SandboxHurried, ValidationError):
        raise StepError(FAILED) from None
    if outcome.result is None:
        raise StepError(FAILED)
    return base64.b64decode(outcome.result.pdf), outcome.result.lacking


def leave() -> None:
    """End this thread's warm process, which keeps fonts in memory."""
    sandbox.leave_nursery(TYPESETTING)
