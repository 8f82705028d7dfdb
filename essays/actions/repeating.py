"""Running a step of an essay again."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from batches.actions.deciding import refuse_cancelled
from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot
from files import content
from files.models import FileUpload, StoredContent
from huleedu.events.outbox import emit
from huleedu.events.phases import is_batch_wide
from huleedu.events.vocabulary import FileReprocessRequested
from huleedu.failures.errors import ErrorCode, Refused


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
