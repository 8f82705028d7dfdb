"""A pupil's Word file with marks as comments, made in a process of its own: the file is a stranger's.

The text is untouched: the child compares what is read of both files, and so does another child, which knows
nothing of the first.
"""

import base64
import json

from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError

from files import sandbox
from files.sandbox import Failure, Job, SandboxHurried
from files.steps.confinement import Confinement
from files.steps.validate import TextLimits
from huleedu.failures.errors import StepError

COMMENTING = Job("results.exports.steps.word_comments")
FAILED = "COMMENTS_FAILED"
TIMEOUT_SECONDS = 30.0
SECONDS = 10  # of processor; an ordinary file takes tenths
NICENESS = 5
OTHER_BYTES = 1024 * 1024
Comment = tuple[int, int, str]


class _Commented(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    docx: str
    placed: int


class _Outcome(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    result: _Commented | None = None
    error: Failure | None = None


def commented(original: bytes, text: str, comments: list[Comment]) -> tuple[bytes, int]:
    """The file with ``comments`` on ``text``, which was read of it, and how many of them found their place.

    Raises StepError(COMMENTS_FAILED) for a file that cannot be marked without a change of its text, and
    SandboxCrashed when a child was killed from outside: try again.
    """
    confinement = Confinement(processor_seconds=SECONDS, niceness=NICENESS)
    arguments = sandbox.job_arguments(COMMENTING, confinement)
    told = json.dumps({"text": text, "marks": comments}).encode()
    most = 3 * len(original) + len(told) * 4 + OTHER_BYTES
    try:
        ended = sandbox.execute(COMMENTING, arguments, told + b"\n" + original, TIMEOUT_SECONDS, most)
        sandbox.raise_for_end(ended, TIMEOUT_SECONDS)
        outcome = _Outcome.model_validate_json(ended.last)
        if outcome.result is None:
            raise StepError(FAILED)
        made = base64.b64decode(outcome.result.docx)
        if read(made) != text:
            raise StepError(FAILED)
    except (StepError, SandboxHurried, ValidationError):
        raise StepError(FAILED) from None
    return made, outcome.result.placed


def read(docx: bytes) -> str:
    """The text of a Word file. Raises StepError and SandboxCrashed."""
    limits = TextLimits(minimum_characters=0, maximum_characters=settings.MAX_TEXT_CHARACTERS)
    return sandbox.run(docx, "file.docx", limits, TIMEOUT_SECONDS).text


def leave() -> None:
    """End this thread's warm process."""
    sandbox.leave_nursery(COMMENTING)
