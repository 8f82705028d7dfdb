"""Asking for steps on essays and queueing them, within the caller's transaction, the batch locked."""

from uuid import UUID

from django.db.models import F, OuterRef, QuerySet

from batches.models import Batch, EssaySlot
from essays.models import StepRun
from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.phases import essay_phase
from huleedu.events.vocabulary import UNDETERMINED
from huleedu.work import queue as work

FILLED = (
    EssaySlot.Status.READY,
    EssaySlot.Status.PROCESSING,
    EssaySlot.Status.COMPLETED,
    EssaySlot.Status.FAILED,
)


def request_step(slot: EssaySlot, upload: FileUpload, phase_name: str, batch: Batch) -> None:
    """Ask for one step on the slot's present text, once per revision. Batch locked."""
    # A slot is ready until the first step on its present text is asked for.
    if (
        slot.status == slot.Status.READY
        or not slot.step_runs.filter(phase=phase_name, revision=slot.revision).exists()
    ):
        order_step(slot, upload, phase_name, batch)


def order_step(slot: EssaySlot, upload: FileUpload, phase_name: str, batch: Batch) -> None:
    """Make the run that nobody asked for yet, and tell the step. Batch locked."""
    run = StepRun.objects.create(
        slot=slot,
        phase=phase_name,
        revision=slot.revision,
        file_upload_id=upload.pk,
        correlation_id=upload.correlation_id,
        text_storage_id=slot.text_id,
        language=upload.own_language or batch.language,
    )
    slot.move_to(EssaySlot.Status.PROCESSING)
    emit(
        essay_phase(phase_name).request(
            batch_id=batch.pk,
            correlation_id=run.correlation_id,
            revision=run.revision,
            essay_id=slot.pk,
            file_upload_id=upload.pk,
            text_storage_id=run.text_storage_id,
            language=run.language or UNDETERMINED,
        )
    )


def request_steps(batch: Batch, phase_name: str) -> None:
    """Ask for a phase's step on every essay that has a text and was not asked for it. Batch locked."""
    asked = set(present_runs(batch, phase_name).values_list("slot_id", flat=True))
    files = FileUpload.objects.filter(batch=batch, status=FileUpload.Status.ASSIGNED).select_related("slot")
    for upload in files.order_by("slot__number"):
        if upload.slot is not None and upload.slot_id not in asked:
            order_step(upload.slot, upload, phase_name, batch)


def queue(
    batch: Batch,
    step: str,
    revision: int,
    subject_id: UUID,
    file_upload_id: UUID | None = None,
    correlation_id: UUID | None = None,
) -> None:
    """Queue a step as the batch is configured, once for each revision of its subject."""
    configuration = batch.settings
    work.enqueue(
        work.WorkOrder(
            step=step,
            subject_id=subject_id,
            revision=revision,
            batch_id=batch.pk,
            owner_id=batch.owner_id,
            file_upload_id=file_upload_id,
            correlation_id=correlation_id or batch.correlation_id,
            priority=configuration.priority,
            max_retries=configuration.max_retries,
            timeout_seconds=configuration.timeout_seconds,
        )
    )


def present_runs(batch: Batch, phase_name: str | OuterRef) -> QuerySet[StepRun]:
    """The phase's run on each slot's present revision."""
    return StepRun.objects.filter(slot__batch=batch, phase=phase_name, revision=F("slot__revision"))


def current_runs(batch: Batch, phase_name: str | OuterRef) -> QuerySet[StepRun]:
    """The phase's run on each filled slot's present text."""
    return present_runs(batch, phase_name).filter(slot__status__in=FILLED)
