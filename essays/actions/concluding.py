"""The end of a phase, within the caller's transaction, the batch locked."""

from uuid import UUID

from django.db.models import Exists, OuterRef

from batches.models import Batch, BatchPhase
from essays.actions.readiness import being_read
from essays.actions.requesting import current_runs, queue, request_steps
from essays.models import StepRun
from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.phases import is_batch_wide
from huleedu.events.vocabulary import BatchPhaseConcluded


def conclude_phase(batch: Batch) -> None:
    """Conclude the locked batch's phase when no file is being read and no step is open.

    One on the whole batch is concluded by its own step (``essays.actions.batch_wide``), which is queued here.
    """
    if batch.status != Batch.Status.PROCESSING:
        return
    runs = current_runs(batch, OuterRef("phase")).exclude(status__in=StepRun.ENDED)
    unconcluded = batch.phases.filter(run=batch.run, concluded_at__isnull=True)
    phase = unconcluded.exclude(Exists(being_read(batch)) | Exists(runs)).first()
    if phase is None:
        return
    if is_batch_wide(phase.phase):
        if batch.files.filter(status=FileUpload.Status.ASSIGNED).exists():
            queue(batch, phase.phase, batch.run, batch.pk)
        else:
            close_phase(batch, phase, {})  # its essays were all removed
        return
    runs = current_runs(batch, phase.phase)
    if runs.count() < batch.files.filter(status=FileUpload.Status.ASSIGNED).count():
        request_steps(batch, phase.phase)
        return
    close_phase(batch, phase, dict(runs.order_by("slot__number").values_list("slot_id", "status")))


def close_phase(batch: Batch, phase: BatchPhase, runs: dict[UUID, str]) -> None:
    """Record the counts and tell; ``runs`` is essay id → how its step ended."""
    failed = [essay_id for essay_id, status in runs.items() if status == StepRun.Status.FAILED]
    succeeded = len(runs) - len(failed)
    status = "succeeded"
    if failed:
        status = "succeeded_with_failures" if succeeded else "failed"
    phase.conclude(status, succeeded, len(failed))
    report_concluded(batch, phase, failed)


def report_concluded(batch: Batch, phase: BatchPhase, failed: list[UUID]) -> None:
    """Tell that a phase has concluded, on which essays in vain."""
    emit(
        BatchPhaseConcluded.model_validate(
            {
                "batch_id": batch.pk,
                "correlation_id": batch.correlation_id,
                "revision": batch.run,
                "phase": phase.phase,
                "status": phase.status,
                "succeeded": phase.succeeded,
                "failed": phase.failed,
                "essay_ids_failed": failed,
                "duration_ms": phase.duration_ms,
            }
        )
    )
