"""The shapes that API, pages and exports share: one source, so the numbers are the same everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from batches.models import Batch
from essays.languages import is_stray, language_of
from essays.queries import file_of, shown_status
from files.models import FileUpload
from files.records import file_record as file_record
from huleedu.events.feed import position
from huleedu.events.phase import Phase
from huleedu.events.phases import batch_wide_phases, essay_phases
from results.models import EssayResult

Status = FileUpload.Status
COUNTED = {
    "assigned": Status.ASSIGNED,
    "in_progress": Status.PROCESSING,
    "failed": Status.FAILED,
    "excess": Status.EXCESS,
    "duplicate": Status.DUPLICATE,
}


@dataclass(frozen=True)
class Counts:
    """``expected = free + assigned``; ``received`` is the sum of the other five."""

    free: int
    assigned: int
    received: int
    in_progress: int
    failed: int
    excess: int
    duplicate: int

    @property
    def attention(self) -> int:
        """How many files wait for the teacher."""
        return attention(self.as_json())

    def as_json(self) -> dict[str, int]:
        """The counts by name."""
        return dict(vars(self))


def attention(counts: Mapping[str, int]) -> int:
    """How many files wait for the teacher, of counts by name."""
    return sum(counts[name] for name, status in COUNTED.items() if status in FileUpload.NEEDS_ATTENTION)


def make_counts(expected: int, by_status: dict[str, int]) -> Counts:
    """Counts from the number of files in each status."""
    numbers = {name: by_status.get(status, 0) for name, status in COUNTED.items()}
    return Counts(free=expected - numbers["assigned"], received=sum(numbers.values()), **numbers)


def counts_of(batch: Batch) -> Counts:
    """The batch's counts, by one query."""
    rows = FileUpload.objects.filter(batch=batch).values_list("status").annotate(n=Count("pk"))
    return make_counts(batch.expected_essay_count, dict(rows))


def with_counts(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Add ``n_<status>`` to each batch, for lists without a query per row."""
    return batches.annotate(
        **{f"n_{name}": Count("files", filter=Q(files__status=status)) for name, status in COUNTED.items()}
    )


def annotated_counts(batch: Batch) -> Counts:
    """The counts of a batch that came through ``with_counts``."""
    by_status = {str(status): int(getattr(batch, f"n_{name}")) for name, status in COUNTED.items()}
    return make_counts(batch.expected_essay_count, by_status)


def summary(batch: Batch, counts: Counts) -> dict[str, Any]:
    """One batch as a list shows it."""
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
        "timed_out_at": batch.timed_out_at,
        "created_at": batch.created_at,
        "started_at": batch.started_at,
        "completed_at": batch.completed_at,
        "counts": counts.as_json(),
    }


def file_records(batch: Batch) -> list[dict[str, Any]]:
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


def snapshot(batch: Batch) -> dict[str, Any]:
    """The whole batch with the feed position to follow it from, read before the rows."""
    place = position(batch.pk)
    batch.refresh_from_db()
    slots = batch.slots.select_related("file").order_by("number")
    return {
        **summary(batch, counts_of(batch)),
        "seq": place.seq if place else 0,
        "epoch": place.epoch if place else None,
        "version": batch.version,
        "configuration": batch.configuration,
        "files": file_records(batch),
        "essays": [
            {
                "essay_id": slot.pk,
                "number": slot.number,
                "status": shown_status(slot),
                "file_upload_id": upload.pk if upload else None,
            }
            for slot, upload in ((slot, file_of(slot)) for slot in slots)
        ],
    }


def phase_figures(batch: Batch) -> dict[str, dict[str, Any]]:
    """Status and counts of each phase of the present run."""
    return {
        phase.phase: {
            "status": phase.status,
            "succeeded": phase.succeeded,
            "failed": phase.failed,
            "duration_ms": phase.duration_ms,
        }
        for phase in batch.phases.filter(run=batch.run)
    }


def status(batch: Batch) -> dict[str, Any]:
    """Status, counts and phases: light enough to ask for often."""
    return {**summary(batch, counts_of(batch)), "phases": phase_figures(batch)}


def essay_row(result: EssayResult, batch: Batch) -> dict[str, Any]:
    """One essay as the results list it."""
    return {
        "essay_id": result.slot_id,
        "number": result.slot.number,
        "file_upload_id": result.file_id,
        "filename": result.file.filename,
        "folder": result.file.folder,
        "format": result.file.format,
        "size": result.file.size,
        "status": result.slot.status,
        "words": result.words,
        "characters": result.characters,
        "language": language_of(result.file, batch) or None,
        "other_language": is_stray(result.file, batch),
        **{phase.name: figures_of(phase, result) for phase in essay_phases()},
    }


def figures_of(phase: Phase, result: EssayResult) -> dict[str, Any] | None:
    """What results list of a phase on one essay, None before its step has ended."""
    kept = result.phases.get(phase.name)
    return {name: kept.get(name) for name in phase.figures.model_fields} if kept else None


def essay_results(batch: Batch) -> QuerySet[EssayResult]:
    """The batch's essay results with what a row shows, in order of essay numbers."""
    read = EssayResult.objects.filter(batch=batch, file__status=Status.ASSIGNED)
    return read.select_related("slot", "file").order_by("slot__number")


def results(batch: Batch) -> dict[str, Any]:
    """Every essay's result, and every file that did not become an essay."""
    others = (
        FileUpload.objects.filter(batch=batch)
        .present()
        .exclude(status=Status.ASSIGNED)
        .order_by("created_at")
    )
    return {
        **summary(batch, counts_of(batch)),
        "essays": [essay_row(result, batch) for result in essay_results(batch)],
        "files": [file_record(upload) for upload in others],
        "phases": phase_figures(batch),
        **{phase.name: batch_figures(phase, batch) for phase in batch_wide_phases()},
    }


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
