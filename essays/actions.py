"""The essay lifecycle: readiness, requests for steps, their results, and the end of a phase."""

from math import ceil
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from batches.actions.deciding import open_batch, refuse_cancelled, report_change
from batches.actions.progress import begin, references, reopen_if_done
from batches.models import Batch, BatchPhase, EssaySlot
from essays.models import StepRun
from files import content
from files.models import FileUpload, StoredContent
from huleedu.answers.error_words import make_detail
from huleedu.events.following import followed
from huleedu.events.outbox import emit
from huleedu.events.phase import StepOutcome
from huleedu.events.phases import PHASES, essay_phase, is_batch_wide
from huleedu.events.vocabulary import (
    UNDETERMINED,
    BatchEssaysReady,
    BatchPhaseConcluded,
    BatchReprocessRequested,
    BatchStarted,
    FileReprocessRequested,
)
from huleedu.failures.errors import ErrorCode, Refused
from huleedu.models import WorkItem
from huleedu.postgres.held import held
from huleedu.work import queue as work

FILLED = (
    EssaySlot.Status.READY,
    EssaySlot.Status.PROCESSING,
    EssaySlot.Status.COMPLETED,
    EssaySlot.Status.FAILED,
)


def evaluate_readiness(batch: Batch) -> None:
    """Declare the locked batch ready: all slots filled, or enough at a passed deadline."""
    if batch.status != Batch.Status.AWAITING_CONTENT:
        return
    filled = batch.files.filter(status=FileUpload.Status.ASSIGNED).count()
    complete = filled == batch.expected_essay_count
    # Rounded first: 0.55 of 100 is 55, whatever binary fractions say.
    wanted = ceil(round(batch.settings.partial_batch_threshold * batch.expected_essay_count, 6))
    enough = filled > 0 and filled >= wanted
    if complete or (batch.timed_out_at is not None and enough and not is_reading(batch)):
        declare_ready(batch)


def is_reading(batch: Batch) -> bool:
    """True while a file of the batch is being read."""
    return being_read(batch).exists()


def being_read(batch: Batch) -> QuerySet[FileUpload]:
    """The batch's files that are being read."""
    return FileUpload.objects.filter(batch=batch, status=FileUpload.Status.PROCESSING)


def declare_ready(batch: Batch) -> None:
    """Move the batch to ready and tell, once per readiness."""
    batch.make_ready()
    by_status = {
        status: list(batch.files.filter(status=status).order_by("created_at").values_list("pk", flat=True))
        for status in (FileUpload.Status.FAILED, FileUpload.Status.EXCESS)
    }
    emit(
        BatchEssaysReady(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.run,
            ready_essays=references(batch),
            failed_files=by_status[FileUpload.Status.FAILED],
            excess_files=by_status[FileUpload.Status.EXCESS],
        )
    )


@transaction.atomic
def start(batch_id: UUID, user: User) -> Batch:
    """The teacher starts with what is here. Repeating it changes nothing. Raises ``Refused``."""
    batch = open_batch(batch_id)
    if batch.status == Batch.Status.PROCESSING:
        return batch
    if not batch.files.filter(status=FileUpload.Status.ASSIGNED).exists():
        raise Refused("NO_ESSAYS")
    old = batch.status
    batch.change()
    if batch.status == Batch.Status.AWAITING_CONTENT:
        declare_ready(batch)
    begin(batch)
    report_change(batch, BatchStarted, user.pk, old, batch.status)
    return batch


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


def find_run(item: WorkItem) -> StepRun | None:
    """The run that ``item`` was queued for, with its slot and batch, the batch locked first."""
    runs = StepRun.objects.select_related("slot__batch").select_for_update(
        of=("slot__batch", "slot", "self"), no_key=True
    )
    run = runs.filter(slot_id=item.subject_id, phase=item.step, revision=item.revision).first()
    if run is not None:
        run.slot.batch = held(run.slot.batch_id, lambda: run.slot.batch)
    return run


def lock_run(item: WorkItem) -> tuple[StepRun, EssaySlot, Batch] | None:
    """Lock what a step's result touches, the batch first; None when this attempt is outdated."""
    run = find_run(item)
    if not work.finish(item) or run is None or run.status in StepRun.ENDED:
        return None
    return run, run.slot, run.slot.batch


def begin_step(item: WorkItem) -> StepRun | None:
    """Mark the run as running and return it; None when it is outdated."""
    run = StepRun.begin(item.subject_id, item.step, item.revision)
    if run is None:
        work.finish(item)
    return run


@followed
def record_step(item: WorkItem, outcome: StepOutcome) -> None:
    """A step succeeded: keep its output and tell."""
    locked = lock_run(item)
    if locked is None:
        return
    run, slot, batch = locked
    run.succeed(outcome.engine, outcome.output)
    report_completed(run, slot, batch, outcome.figures)


@followed
def fail_step(item: WorkItem, code: str, details: dict[str, Any]) -> None:
    """A step cannot be done on this text: keep why and tell."""
    locked = lock_run(item)
    if locked is not None:
        end_failed(*locked, code, details)


def end_failed(run: StepRun, slot: EssaySlot, batch: Batch, code: str, details: dict[str, Any]) -> None:
    """Mark the locked run failed and tell."""
    run.fail(make_detail(code, run.phase, run.correlation_id, **details).model_dump(mode="json"))
    report_completed(run, slot, batch, {})


@transaction.atomic
def give_up_step(item: WorkItem) -> None:
    """Every try failed for reasons of ours: the essay shows it, and can be tried again."""
    run = find_run(item)
    if run is not None and run.status not in StepRun.ENDED:
        end_failed(run, run.slot, run.slot.batch, PHASES[run.phase].gave_up, {"attempts": item.attempts})


def report_completed(run: StepRun, slot: EssaySlot, batch: Batch, figures: dict[str, Any]) -> None:
    """Emit the phase's completed event; settle the essay when it was its last step on its present text."""
    if slot.revision == run.revision:
        settle(run, slot, batch)
    emit(
        essay_phase(run.phase).completed.model_validate(
            {
                "batch_id": batch.pk,
                "correlation_id": run.correlation_id,
                "revision": run.revision,
                "essay_id": slot.pk,
                "file_upload_id": run.file_upload_id,
                "status": run.status,
                "error": run.error,
                "duration_ms": run.duration_ms,
                "engine": run.engine,
                "language": run.language or None,
                "essay_status": slot.status if slot.revision == run.revision else None,
                **figures,
            }
        )
    )


def settle(run: StepRun, slot: EssaySlot, batch: Batch) -> None:
    """Set the essay's state from its runs: failed if one failed, completed when all steps have succeeded."""
    steps = [step for step in batch.settings.steps if not is_batch_wide(step)]
    runs = {run.phase: run.status}
    if set(steps) != set(runs):
        runs |= dict(slot.step_runs.filter(revision=slot.revision).values_list("phase", "status"))
    if StepRun.Status.FAILED in runs.values():
        slot.move_to(EssaySlot.Status.FAILED)
    elif all(runs.get(step) == StepRun.Status.SUCCEEDED for step in steps):
        slot.move_to(EssaySlot.Status.COMPLETED)


def conclude_phase(batch: Batch) -> None:
    """Conclude the locked batch's phase when no file is being read and no step is open.

    One on the whole batch is concluded by its own step (``essays.batch_wide``), which is queued here.
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


def repeat_step(upload: FileUpload, user: User, phase_name: str) -> FileUpload:
    """Run one step of one essay again.

    Raises ``Refused``, also when the text is not there whole, and ``StorageFailed``: then all stays as it is.
    """
    check_repeat(upload, phase_name)
    return begin_repeat(upload, user, phase_name)


def check_repeat(upload: FileUpload, phase_name: str) -> None:
    """Make sure that the essay's text can be read for the step, and lock nothing meanwhile.

    Raises ``Refused`` and ``StorageFailed``.
    """
    refuse_repeat(Batch.objects.still_there(upload.batch_id), phase_name)
    check_texts(EssaySlot.objects.filter(file=upload.pk))


def refuse_repeat(batch: Batch, phase_name: str) -> None:
    """Raise ``Refused`` for a step that its essays do not have, and for a cancelled batch."""
    if phase_name not in batch.settings.steps or is_batch_wide(phase_name):
        raise Refused("STEP_NOT_CONFIGURED", phase=phase_name)
    refuse_cancelled(batch)


def check_texts(slots: QuerySet[EssaySlot]) -> None:
    """Make sure that the slots' texts can be read. Raises ``Refused`` with the essays, ``StorageFailed``."""
    number_of = {slot.text_id: slot.number for slot in slots.filter(text_storage_id__isnull=False)}
    damaged = content.check(StoredContent.Kind.TEXT, number_of)
    if damaged:
        numbers = sorted(number_of[each.content_id] for each in damaged)
        raise Refused(ErrorCode.CONTENT_DAMAGED.value, essays=", ".join(map(str, numbers)))


@transaction.atomic
def begin_repeat(upload: FileUpload, user: User, phase_name: str) -> FileUpload:
    """Order the step once more and tell. Raises ``Refused``."""
    current = FileUpload.objects.locked(upload.pk)
    batch = current.batch
    if current.slot is None or current.status != FileUpload.Status.ASSIGNED:
        raise Refused("NOT_AN_ESSAY")
    refuse_repeat(batch, phase_name)
    current.slot.repeat()
    current.move_to(FileUpload.Status.ASSIGNED)
    reopen_if_done(batch)
    emit(
        FileReprocessRequested(
            batch_id=batch.pk,
            correlation_id=current.correlation_id,
            revision=current.rev,
            file_upload_id=current.pk,
            rev=current.rev,
            from_phase=phase_name,
            requested_by=user.pk,
        )
    )
    return current


def repeat_batch(batch_id: UUID, user: User, phase_name: str) -> Batch:
    """Run one step of every essay again.

    Raises ``Refused``, also when a text is not there whole, and ``StorageFailed``: then all stays as it is.
    """
    check_repeat_of_all(batch_id, phase_name)
    return begin_repeat_of_all(batch_id, user, phase_name)


def check_repeat_of_all(batch_id: UUID, phase_name: str) -> None:
    """Make sure that every essay's text can be read for the step, and lock nothing meanwhile.

    Raises ``Refused`` and ``StorageFailed``.
    """
    refuse_repeat(Batch.objects.still_there(batch_id), phase_name)
    check_texts(EssaySlot.objects.filter(batch_id=batch_id, file__status=FileUpload.Status.ASSIGNED))


@transaction.atomic
def begin_repeat_of_all(batch_id: UUID, user: User, phase_name: str) -> Batch:
    """Order the step once more for every essay and tell. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    refuse_repeat(batch, phase_name)
    slots = list(batch.slots.filter(status__in=FILLED, file__status=FileUpload.Status.ASSIGNED))
    if not slots:
        raise Refused("NO_ESSAYS")
    batch.change()
    for slot in slots:
        slot.repeat()
    reopen_if_done(batch)
    report_change(batch, BatchReprocessRequested, user.pk, None, phase_name)
    return batch
