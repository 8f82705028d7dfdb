"""The shapes that API, pages and exports share: one source, so the numbers are the same everywhere."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet

from batches.models import Batch, EssaySlot
from essays.queries import file_of, shown_status
from files.models import FileUpload
from files.records import file_record
from files.shapes import FileRecord
from huleedu.events.feed import position
from huleedu.events.phase import Phase
from huleedu.events.phases import batch_wide_phases, essay_phases
from results.estimating import seconds_left
from results.lines import EssayLine, essay_lines
from results.shapes import (
    BatchCounts,
    BatchHead,
    BatchSummary,
    EssayPlace,
    EssayRow,
    PhaseFigures,
    ResultsAnswer,
    Snapshot,
    StatusAnswer,
)

Status = FileUpload.Status
COUNTED = {
    "assigned": Status.ASSIGNED,
    "in_progress": Status.PROCESSING,
    "failed": Status.FAILED,
    "excess": Status.EXCESS,
    "duplicate": Status.DUPLICATE,
}


def attention(counts: BatchCounts) -> int:
    """How many files wait for the teacher."""
    return sum(
        getattr(counts, name) for name, status in COUNTED.items() if status in FileUpload.NEEDS_ATTENTION
    )


def make_counts(expected: int, by_status: Mapping[str, int]) -> BatchCounts:
    """Counts from the number of files in each status."""
    numbers = {name: by_status.get(status, 0) for name, status in COUNTED.items()}
    return BatchCounts(free=expected - numbers["assigned"], received=sum(numbers.values()), **numbers)


def counts_of(batch: Batch) -> BatchCounts:
    """The batch's counts, by one query."""
    rows = FileUpload.objects.filter(batch=batch).values_list("status").annotate(n=Count("pk"))
    return make_counts(batch.expected_essay_count, dict(rows))


def with_counts(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Add ``n_<status>`` to each batch, for lists without a query per row."""
    return batches.annotate(
        **{f"n_{name}": Count("files", filter=Q(files__status=status)) for name, status in COUNTED.items()}
    )


def annotated_counts(batch: Batch) -> BatchCounts:
    """The counts of a batch that came through ``with_counts``."""
    by_status = {str(status): int(getattr(batch, f"n_{name}")) for name, status in COUNTED.items()}
    return make_counts(batch.expected_essay_count, by_status)


def summary(batch: Batch, counts: BatchCounts) -> BatchSummary:
    """One batch as a list shows it."""
    return BatchSummary.model_validate(facts(batch, counts))


def facts(batch: Batch, counts: BatchCounts) -> dict[str, object]:
    """What every answer about a batch begins with."""
    return {
        "batch_id": batch.pk,
        "correlation_id": batch.correlation_id,
        "title": batch.title,
        "class_name": batch.class_name,
        "language": batch.language or None,
        "language_chosen": batch.language_chosen,
        "status": batch.status,
        "expected_essay_count": batch.expected_essay_count,
        "deadline": batch.deadline,
        "ends_on": batch.ends_on,
        "archived_at": batch.archived_at,
        "timed_out_at": batch.timed_out_at,
        "created_at": batch.created_at,
        "started_at": batch.started_at,
        "completed_at": batch.completed_at,
        "counts": counts,
    }


def summaries(batches: Iterable[Batch]) -> list[BatchSummary]:
    """Batches that came through ``with_counts``."""
    return [summary(batch, annotated_counts(batch)) for batch in batches]


def counted_summary(batch: Batch) -> BatchSummary:
    """One batch as a list shows it, counted now."""
    return summary(batch, counts_of(batch))


def filenames(batch: Batch) -> list[str]:
    """The names of all files that were not removed."""
    return list(FileUpload.objects.filter(batch=batch).present().values_list("filename", flat=True))


def file_records(batch: Batch) -> list[FileRecord]:
    """All files that were not removed: problems first, then in progress, then by essay number."""
    uploads = list(FileUpload.objects.filter(batch=batch).present().select_related("slot"))
    uploads.sort(
        key=lambda upload: (
            FileUpload.ORDER.index(Status(upload.status)),
            upload.slot.number if upload.slot else 0,
            upload.created_at,
        )
    )
    return [file_record(upload) for upload in uploads]


def head(batch: Batch) -> BatchHead:
    """The batch without its files, with the feed position to follow it from, read before all else."""
    return BatchHead.model_validate(head_facts(batch))


def snapshot(batch: Batch) -> Snapshot:
    """The whole batch with the feed position to follow it from, read before the rows."""
    known = head_facts(batch)
    slots = batch.slots.select_related("file").order_by("number")
    rows = {"files": file_records(batch), "essays": [essay_place(slot) for slot in slots]}
    return Snapshot.model_validate({**known, **rows})


def head_facts(batch: Batch) -> dict[str, object]:
    """What head and snapshot have in common."""
    place = position(batch.pk)
    batch.refresh_from_db()
    return {
        **facts(batch, counts_of(batch)),
        "seq": place.seq if place else 0,
        "epoch": place.epoch if place else None,
        "version": batch.version,
        "configuration": batch.configuration,
    }


def essay_place(slot: EssaySlot) -> EssayPlace:
    """One place, with the file that holds it."""
    upload = file_of(slot)
    return EssayPlace.model_validate(
        {
            "essay_id": slot.pk,
            "number": slot.number,
            "status": shown_status(slot),
            "file_upload_id": upload.pk if upload else None,
        }
    )


def phase_figures(batch: Batch) -> dict[str, PhaseFigures]:
    """Status and counts of each phase of the present run."""
    return {
        phase.phase: PhaseFigures.model_validate(phase, from_attributes=True)
        for phase in batch.phases.filter(run=batch.run)
    }


def status(batch: Batch) -> StatusAnswer:
    """Status, counts and phases: light enough to ask for often."""
    figures = {"phases": phase_figures(batch), "seconds_left": seconds_left(batch)}
    return StatusAnswer.model_validate({**facts(batch, counts_of(batch)), **figures})


def essay_row(line: EssayLine) -> EssayRow:
    """One essay as the API lists it."""
    return EssayRow.model_validate(
        {
            "essay_id": line.essay_id,
            "number": line.number,
            "file_upload_id": line.file_upload_id,
            "filename": line.filename,
            "folder": line.folder,
            "format": line.format,
            "size": line.size,
            "status": line.status,
            "words": line.words,
            "characters": line.characters,
            "language": line.language or None,
            "other_language": line.stray,
            "read": line.read,
            "note": line.note,
            **{phase.name: figures_of(phase, line) for phase in essay_phases()},
        }
    )


def figures_of(phase: Phase, line: EssayLine) -> dict[str, object] | None:
    """What results list of a phase on one essay, None before its step has ended."""
    kept = line.phases.get(phase.name)
    return {name: kept.get(name) for name in phase.figures.model_fields} if kept else None


def results(batch: Batch) -> ResultsAnswer:
    """Every essay's result, and every file that did not become an essay."""
    others = (
        FileUpload.objects.filter(batch=batch)
        .present()
        .exclude(status=Status.ASSIGNED)
        .order_by("created_at")
    )
    return ResultsAnswer.model_validate(
        {
            **facts(batch, counts_of(batch)),
            "essays": [essay_row(line) for line in essay_lines(batch)],
            "files": [file_record(upload) for upload in others],
            "phases": phase_figures(batch),
            **{phase.name: batch_figures(phase, batch) for phase in batch_wide_phases()},
        }
    )


def batch_figures(phase: Phase, batch: Batch) -> dict[str, Any] | None:
    """What results list of a phase on the whole batch, of the last run in which it ended; None before."""
    ended = batch.phases.filter(phase=phase.name, concluded_at__isnull=False).order_by("-run").first()
    if ended is None:
        return None
    known = {"status": ended.status, "error": ended.error}
    output = ended.output or {}
    return {name: known.get(name, output.get(name)) for name in phase.figures.model_fields}


def file_being_read(batch: Batch, number: int) -> FileUpload | None:
    """The file that holds essay ``number``'s place and is read again, or None."""
    return FileUpload.objects.filter(
        batch=batch, slot__number=number, status=FileUpload.Status.PROCESSING
    ).first()
