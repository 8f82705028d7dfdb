"""A batch as it is handed back, read from its rows: the same figures, states and marks as on the pages."""

from collections.abc import Sequence
from typing import Any

from django.utils.text import capfirst

from batches.models import Batch, EssaySlot
from essays.segments import make_marks
from files.models import FileUpload
from huleedu.answers import format_words
from huleedu.answers.error_words import in_words
from huleedu.answers.language_names import language_name
from results import measuring
from results.exports.pile import Essay, Heading, Mark, Member, Pile
from results.lines import EssayLine, FileLine, Line, Phases, essay_line, essay_results, file_line
from results.marks import Finding, findings_of_batch
from results.measuring import Column
from results.models import EssayResult
from results.summary import kind_label

MOST = 2**31  # characters, of a text whose length was not kept


def gather(batch: Batch) -> Pile:
    """The batch's essays and other files as they are now, in the active language; six queries at most."""
    columns = columns_of(batch)
    phases = Phases(batch)
    found = findings_of_batch(batch, phases.accepted)
    results = list(essay_results(batch))
    others = FileUpload.objects.filter(batch=batch).present().exclude(status=FileUpload.Status.ASSIGNED)
    return Pile(
        title=batch.title,
        class_name=batch.class_name,
        headings=[Heading(str(each.measure.label), each.measure.digits) for each in columns],
        essays=[essay_of(result, batch, phases, columns, found.get(result.slot_id)) for result in results],
        others=sorted(
            (other_of(upload, batch) for upload in others), key=lambda other: other.filename.casefold()
        ),
    )


def columns_of(batch: Batch) -> list[Column]:
    """Every figure that pages show of an essay, those of lists first."""
    phases = measuring.phases_of(batch)
    every = [
        *measuring.columns(batch),
        *(Column(phase.name, measure) for phase in phases for measure in phase.measures),
    ]
    return list({(each.phase, each.measure.name): each for each in reversed(every)}.values())[::-1]


def essay_of(
    result: EssayResult,
    batch: Batch,
    phases: Phases,
    columns: Sequence[Column],
    findings: list[Finding] | None,
) -> Essay:
    """One essay; ``findings`` are those that count, None when it was not checked."""
    line = essay_line(result, batch, phases.of(result))
    marks = None if findings is None else make_marks(findings, result.characters or MOST)
    return Essay(
        **common(line, result.file),
        state=str(EssaySlot.Status(line.status).label),
        problem=in_words(line.error),
        number=line.number,
        characters=line.characters,
        text_id=result.text_storage_id,
        figures=tuple(column.value(line) for column in columns),
        read=line.read,
        note=line.note,
        marks=None
        if marks is None
        else tuple(Mark(mark.start, mark.end, mark.word, mark.suggestions, mark.kind) for mark in marks),
    )


def other_of(upload: FileUpload, batch: Batch) -> Member:
    """One file that did not become an essay."""
    line: FileLine = file_line(upload, {}, batch)
    return Member(
        **common(line, upload) | {"format_label": kind_label(line.kind) if line.kind else ""},
        state=str(FileUpload.Status(line.status).label),
        problem=in_words(upload.error),
    )


def common(line: Line | EssayLine, upload: FileUpload) -> dict[str, Any]:
    """What is said of every file."""
    return {
        "file_upload_id": line.file_upload_id,
        "original_id": upload.raw_storage_id,
        "filename": line.filename,
        "folder": line.folder,
        "format": line.format or "",
        "format_label": format_words.label(line.format) if line.format else "",
        "size": line.size,
        "words": line.words,
        "language": line.language,
        "language_label": capfirst(language_name(line.language)) if line.language else "",
    }
