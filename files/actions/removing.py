"""Taking a file out of its batch: it can be brought back for some minutes, then it is forgotten."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.progress import reopen_if_done
from batches.models import Batch
from files import content
from files.actions.reports import report_removed
from files.actions.rereading import begin_reread
from files.models import FileUpload, StoredContent
from huleedu.accounts import erasures
from huleedu.failures.errors import Refused


@transaction.atomic
def remove(upload: FileUpload) -> FileUpload:
    """Take the file out of the batch: its place opens, and a batch that had ended goes on and ends again.

    A repeat changes nothing.
    """
    current = FileUpload.objects.locked(upload.pk)
    if current.status == FileUpload.Status.REMOVED:
        return current
    held = take_out(current)
    erasures.forget_file(current.batch.owner_id, current.batch_id, current.pk, held)
    return current


def take_out(upload: FileUpload) -> UUID | None:
    """Mark the locked file as removed and tell; returns the place that it held."""
    batch, slot = upload.batch, upload.slot
    counted = upload.status in {FileUpload.Status.ASSIGNED, FileUpload.Status.FAILED}
    upload.mark_removed()
    if slot is not None and slot.text_storage_id is not None:
        slot.release()
    report_removed(upload, "removed", essay_id=slot.pk if slot else None)
    # After it is told, so that results leave it out before they are counted anew.
    if counted and batch.status != Batch.Status.CANCELLED:
        reopen_if_done(batch)
    return slot.pk if slot else None


def restore(upload: FileUpload, user: User) -> FileUpload:
    """Bring a removed file back, to its own place if that is free; it is read again.

    Raises ``Refused``, also when it is too late, and ``StorageFailed``: then all stays as it is.
    """
    if upload.status != FileUpload.Status.REMOVED:
        raise Refused("NOT_REMOVED")
    if upload.raw_storage_id is None:
        raise Refused("ERASED")
    content.check_one(StoredContent.Kind.RAW, upload.raw_storage_id)
    return bring_back(upload, user)


@transaction.atomic
def bring_back(upload: FileUpload, user: User) -> FileUpload:
    """Have the removed file read again, once, however often it is asked for. Raises ``Refused``."""
    current = FileUpload.objects.locked(upload.pk)
    if current.status != FileUpload.Status.REMOVED:
        return current
    return begin_reread(current, user)
