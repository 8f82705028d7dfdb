"""What events make of essays. Each runs in the relay's transaction, the batch locked first."""

from batches.actions.progress import reopen_if_done
from batches.models import Batch
from essays.actions import assignment, batch_language, concluding, readiness, requesting
from essays.languages import CLEAR_LEAD
from files.models import FileUpload
from huleedu.events.phases import is_batch_wide
from huleedu.events.vocabulary import (
    BatchEssaysReady,
    BatchExpectationChanged,
    BatchFileRemoved,
    BatchReadinessTimeout,
    BatchReprocessRequested,
    BatchResumed,
    DuplicateContentDetected,
    EssayContentProvisioned,
    EssayPhaseRequest,
    EssaySlotAssigned,
    EssayValidationFailed,
    ExcessContentProvisioned,
    FileReprocessRequested,
    PhaseCompleted,
    PhaseInitiate,
)


def assign_slot(event: EssayContentProvisioned) -> None:
    """A valid text arrived: give it a slot. A repeat publishes the same mapping again."""
    upload = FileUpload.objects.locked(event.file_upload_id)
    if upload.revision != event.revision:
        return
    if upload.status == FileUpload.Status.PROCESSING:
        assignment.place(upload)
    elif upload.status == FileUpload.Status.ASSIGNED and upload.slot is not None:
        assignment.report_assigned(upload, upload.slot)


def stream_first_step(event: EssaySlotAssigned) -> None:
    """Start an early essay's first step while later files still upload.

    One that does not show its language waits until the others show the batch's.
    """
    upload = FileUpload.objects.locked(event.file_upload_id)
    batch = upload.batch
    if batch.is_closed and batch.status != Batch.Status.CANCELLED:
        # The file came while the batch was concluding: its essay starts another run.
        reopen_if_done(batch)
    steps = batch.settings.steps
    if batch.is_closed or not steps or is_batch_wide(steps[0]) or not batch.settings.auto_start:
        return
    slot = upload.slot
    if (
        slot is None
        or (slot.pk, slot.revision) != (event.essay_id, event.revision)
        or not slot.text_storage_id
    ):
        return
    if upload.own_language or batch.language or batch.status != Batch.Status.AWAITING_CONTENT:
        requesting.request_step(slot, upload, steps[0], batch)


def note_progress(
    event: EssaySlotAssigned
    | EssayValidationFailed
    | ExcessContentProvisioned
    | DuplicateContentDetected
    | BatchReadinessTimeout
    | BatchResumed,
) -> None:
    """Something ended, or the time: the batch may be ready, its phase concluded, or its language clear."""
    batch = Batch.objects.locked(event.batch_id)
    early = batch.status == Batch.Status.AWAITING_CONTENT
    batch_language.find_batch_language(batch, CLEAR_LEAD if early else 0)
    readiness.evaluate_readiness(batch)
    concluding.conclude_phase(batch)


def note_step(event: PhaseCompleted) -> None:
    """A step ended: its phase may be concluded."""
    concluding.conclude_phase(Batch.objects.locked(event.batch_id))


def find_language(event: BatchEssaysReady) -> None:
    """The batch goes on: by now its essays show its language, or none of them does."""
    batch_language.find_batch_language(Batch.objects.locked(event.batch_id))


def offer_places(
    event: BatchFileRemoved | EssayValidationFailed | BatchExpectationChanged | BatchResumed,
) -> None:
    """Places may have opened, or the count changed: files that wait get them, also after completion."""
    batch = Batch.objects.locked(event.batch_id)
    if batch.status != Batch.Status.CANCELLED:
        assignment.fill_free_slots(batch)
    readiness.evaluate_readiness(batch)
    concluding.conclude_phase(batch)


def request_phase(event: PhaseInitiate) -> None:
    """The orchestrator orders a phase: request its step for each essay that has not had it."""
    batch = Batch.objects.locked(event.batch_id)
    if batch.status == Batch.Status.PROCESSING and batch.run == event.revision:
        requesting.request_steps(batch, event.phase_name)
        concluding.conclude_phase(batch)


def repeat_requested_step(event: FileReprocessRequested) -> None:
    """The teacher wants one step of one essay again."""
    batch = Batch.objects.locked(event.batch_id)
    upload = FileUpload.objects.select_related("slot").filter(pk=event.file_upload_id).first()
    if event.from_phase in batch.settings.steps and upload is not None and upload.slot is not None:
        requesting.request_step(upload.slot, upload, event.from_phase, batch)


def repeat_requested_phase(event: BatchReprocessRequested) -> None:
    """The teacher wants one step of every essay again."""
    batch = Batch.objects.locked(event.batch_id)
    if not is_batch_wide(str(event.new)):
        requesting.request_steps(batch, str(event.new))


def order_batch_step(event: PhaseInitiate) -> None:
    """The orchestrator orders a phase on the whole batch: queue its one step, once no file is being read."""
    concluding.conclude_phase(Batch.objects.locked(event.batch_id))


def queue_step(event: EssayPhaseRequest) -> None:
    """Queue the step on its essay; whoever takes the work asks whether the text is still the present one."""
    batch = Batch.objects.locked(event.batch_id)
    requesting.queue(
        batch, event.phase_name, event.revision, event.essay_id, event.file_upload_id, event.correlation_id
    )
