"""What events make of results. Each runs in the relay's transaction."""

from typing import Literal

from django.db import connection
from django.db.models import F, JSONField, Value
from django.db.models.expressions import CombinedExpression
from django.utils import timezone

from batches.models import Batch
from essays.actions.readiness import is_reading
from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.phases import PHASES, batch_wide_phases
from huleedu.events.vocabulary import (
    BatchFileRemoved,
    BatchPhaseConcluded,
    BatchResultsReady,
    DuplicateContentDetected,
    EssaySlotAssigned,
    EssayValidationFailed,
    Event,
    PhaseCompleted,
    PhaseCounts,
)
from results.models import BatchResult, EssayResult

STARTED = {"batch_id", "essay_id", "file_upload_id", "revision", "text_storage_id", "words", "characters"}
# One statement, where the ORM takes three.
START = """
INSERT INTO results_essayresult AS known
  (slot_id, batch_id, file_id, revision, text_storage_id, words, characters, phases)
SELECT slot_id, %(batch_id)s, id, %(revision)s, %(text_storage_id)s, %(words)s, %(characters)s, '{}'
FROM files_fileupload WHERE id = %(file_upload_id)s AND slot_id = %(essay_id)s
ON CONFLICT (slot_id) DO UPDATE SET (batch_id, file_id, revision, text_storage_id, words, characters, phases)
  = (excluded.batch_id, excluded.file_id, excluded.revision, excluded.text_storage_id, excluded.words,
     excluded.characters, excluded.phases)
WHERE known.revision < excluded.revision
"""


def record_assigned(event: EssaySlotAssigned) -> None:
    """An essay has a text: start its result, unless a newer one is known or the file has left again."""
    with connection.cursor() as cursor:
        cursor.execute(START, event.model_dump(include=STARTED))


def record_step(event: PhaseCompleted) -> None:
    """A step ended on an essay: keep its figures."""
    data = event.data()
    figures = {event.phase_name: {name: data.get(name) for name in PHASES[event.phase_name].kept}}
    known = EssayResult.objects.filter(slot_id=event.essay_id, revision__lte=event.revision)
    merged = CombinedExpression(F("phases"), "||", Value(figures, JSONField()))
    known.update(phases=merged, revision=event.revision)


def forget(event: BatchFileRemoved | EssayValidationFailed | DuplicateContentDetected) -> None:
    """A file is no essay any more: neither is its result. A replaced file keeps it until the next is read."""
    if isinstance(event, BatchFileRemoved) and event.reason == "replaced":
        return
    EssayResult.objects.filter(file_id=event.file_upload_id).exclude(slot__file=event.file_upload_id).delete()


def conclude(event: BatchPhaseConcluded) -> None:
    """A phase concluded: when it was the last of this run, the batch's results are ready."""
    batch = Batch.objects.locked(event.batch_id)
    if batch.status == Batch.Status.PROCESSING and event.revision == batch.run:
        conclude_run(batch)


def conclude_without_steps(event: Event) -> None:
    """A batch that only collects essays is done as soon as it runs and no file is being read."""
    batch = Batch.objects.locked(event.batch_id)
    if batch.status != Batch.Status.PROCESSING or batch.settings.steps:
        return
    if not is_reading(batch):
        conclude_run(batch)


def conclude_run(batch: Batch) -> None:
    """Write the result of this run and tell, once, when every step's phase has concluded."""
    phases = {phase.phase: phase for phase in batch.phases.filter(run=batch.run, concluded_at__isnull=False)}
    if set(phases) != set(batch.settings.steps):
        return
    essays = EssayResult.objects.filter(batch=batch)
    failed = sum(any(phase["status"] == "failed" for phase in result.phases.values()) for result in essays)
    total = len(essays)
    counts = {
        name: PhaseCounts(
            status=phase.status,
            succeeded=phase.succeeded or 0,
            failed=phase.failed or 0,
            duration_ms=phase.duration_ms,
        )
        for name, phase in phases.items()
    }
    # Of this run: a batch that goes on after a weekend did not take the weekend.
    began = [phase.started_at for phase in phases.values()]
    started = min(began) if began else batch.started_at or timezone.now()
    duration = round((timezone.now() - started).total_seconds(), 3)
    status = run_status(batch, total, failed)
    _, created = BatchResult.objects.get_or_create(
        batch=batch,
        run=batch.run,
        defaults={
            "status": status,
            "essays": total,
            "succeeded": total - failed,
            "failed": failed,
            "duration_seconds": duration,
            "phases": {name: count.model_dump() for name, count in counts.items()},
        },
    )
    if not created:
        return
    emit(
        BatchResultsReady(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.run,
            status=status,
            essays=total,
            succeeded=total - failed,
            failed=failed,
            duration_seconds=duration,
            phases=counts,
        )
    )


def has_failed_as_a_whole(batch: Batch) -> bool:
    """True when a phase on the whole batch failed in this run."""
    names = [phase.name for phase in batch_wide_phases()]
    return bool(names) and batch.phases.filter(run=batch.run, phase__in=names, status="failed").exists()


def run_status(
    batch: Batch, total: int, failed: int
) -> Literal["completed", "completed_with_failures", "failed"]:
    """Completed only when every step succeeded and no file of the batch needs attention.

    A batch whose essays were all removed has nothing that failed.
    """
    trouble = batch.files.filter(status=FileUpload.Status.FAILED).exists() or has_failed_as_a_whole(batch)
    if failed == total and (failed or trouble):
        return "failed"
    if failed or trouble:
        return "completed_with_failures"
    return "completed"
