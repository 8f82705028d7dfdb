"""One essay as a teacher reads it: text with marks, the list of marks, and its neighbours."""

from dataclasses import dataclass
from typing import Any

from batches.models import Batch
from essays.languages import is_stray, language_of
from essays.models import StepRun
from essays.segments import Mark, Segment, make_marks, split
from files import content
from huleedu.failures.errors import ContentDamaged
from results.models import EssayResult
from results.queries import essay_of, essay_results
from results.summary import SPELLCHECK, in_words


@dataclass(frozen=True)
class Reading:
    """What the essay page shows. Numbers are essay numbers; ``position`` counts the essays that are here.

    An essay whose stored text is ``damaged`` has neither paragraphs nor findings.
    """

    essay: dict[str, Any]
    damaged: bool
    paragraphs: list[list[Segment]]
    findings: list[Mark]
    previous_number: int | None
    next_number: int | None
    position: int
    total: int


def read_essay(batch: Batch, number: int) -> Reading | None:
    """Essay ``number`` of the batch, or None when there is none. Raises ``StorageFailed``."""
    result = essay_of(batch, number)
    if result is None:
        return None
    text = readable_text(result)
    marks = [] if text is None else make_marks(findings_of(result), len(text))
    numbers = list(essay_results(batch).values_list("slot__number", flat=True))
    index = numbers.index(number) if number in numbers else 0
    return Reading(
        essay=essay_facts(result, batch),
        damaged=text is None,
        paragraphs=[paragraph for paragraph in split(text or "", marks) if paragraph],
        findings=marks,
        previous_number=numbers[index - 1] if index else None,
        next_number=numbers[index + 1] if index + 1 < len(numbers) else None,
        position=index + 1,
        total=len(numbers),
    )


def readable_text(result: EssayResult) -> str | None:
    """The result's text, or None when what is stored is damaged. Raises ``StorageFailed``."""
    try:
        return content.read_text(result.text_storage_id)
    except ContentDamaged:
        return None


def findings_of(result: EssayResult) -> list[dict[str, Any]]:
    """The spelling findings that this result counts."""
    runs = StepRun.objects.filter(
        slot_id=result.slot_id,
        phase=SPELLCHECK,
        revision=result.revision,
        text_storage_id=result.text_storage_id,
        status=StepRun.Status.SUCCEEDED,
    )
    return runs.values_list("output__findings", flat=True).first() or []


def essay_facts(result: EssayResult, batch: Batch) -> dict[str, Any]:
    """The essay's own facts; ``findings_count`` is None before its spelling was checked.

    ``checked_again``: the marks are those of another language, in which it was checked before.
    """
    spelling = result.phases.get(SPELLCHECK, {})
    language = language_of(result.file, batch)
    return {
        "number": result.slot.number,
        "essay_id": result.slot_id,
        "file_upload_id": result.file_id,
        "filename": result.file.filename,
        "folder": result.file.folder,
        "language": language,
        "checked_again": (spelling.get("language") or language) != language,
        "found_language": result.file.language,
        "chosen_language": result.file.chosen_language,
        "stray": is_stray(result.file, batch),
        "status": result.slot.status,
        "words": result.words,
        "findings_count": spelling.get("findings"),
        "fewer_suggestions": spelling.get("fewer_suggestions"),
        "error": in_words(spelling.get("error")),
    }
