"""One essay as a teacher reads it: text with marks, the list of marks, and its neighbours."""

from dataclasses import dataclass
from typing import Any

from batches.models import Batch
from essays.languages import is_stray, language_of
from essays.segments import Mark, Segment, make_marks, split
from files import content
from huleedu.answers.error_words import in_words
from huleedu.failures.errors import ContentDamaged
from results import measuring, spelling
from results.models import EssayResult
from results.queries import essay_results
from results.spelling import SPELLCHECK


@dataclass(frozen=True)
class Reading:
    """What the essay page shows. Numbers are essay numbers; ``position`` counts the essays that are here.

    An essay whose stored text is ``damaged`` has neither paragraphs nor findings.
    """

    essay: dict[str, Any]
    damaged: bool
    paragraphs: list[list[Segment]]
    findings: list[Mark]
    is_spelling_marked: bool
    panels: list[dict[str, Any]]
    previous_number: int | None
    next_number: int | None
    position: int
    total: int


def read_essay(batch: Batch, number: int) -> Reading | None:
    """Essay ``number`` of the batch, or None when there is none. Raises ``StorageFailed``."""
    results = {result.slot.number: result for result in essay_results(batch)}
    result = results.get(number)
    if result is None:
        return None
    text = readable_text(result)
    marks = [] if text is None else make_marks(spelling.findings_of(result), len(text))
    numbers = list(results)
    index = numbers.index(number)
    return Reading(
        essay=essay_facts(result, batch),
        damaged=text is None,
        paragraphs=[paragraph for paragraph in split(text or "", marks) if paragraph],
        findings=marks,
        is_spelling_marked=SPELLCHECK in batch.settings.steps,
        panels=measuring.panels(batch, result, results.values()),
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


def essay_facts(result: EssayResult, batch: Batch) -> dict[str, Any]:
    """The essay's own facts; ``findings_count`` is None before its spelling was checked.

    ``checked_again``: the marks are those of another language, in which it was checked before.
    """
    checked = result.phases.get(SPELLCHECK, {})
    language = language_of(result.file, batch)
    return {
        "number": result.slot.number,
        "essay_id": result.slot_id,
        "file_upload_id": result.file_id,
        "filename": result.file.filename,
        "folder": result.file.folder,
        "language": language,
        "checked_again": (checked.get("language") or language) != language,
        "found_language": result.file.language,
        "chosen_language": result.file.chosen_language,
        "stray": is_stray(result.file, batch),
        "status": result.slot.status,
        "words": result.words,
        "findings_count": checked.get("findings"),
        "fewer_suggestions": checked.get("fewer_suggestions"),
        "error": in_words(checked.get("error")),
    }
