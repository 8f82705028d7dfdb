"""Reading a file's stored bytes again, also those of one that was removed."""

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import refuse_cancelled
from batches.actions.places import empty_slots
from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot
from files import content
from files.actions.reading import EXTRACT
from files.actions.room import check_room
from files.models import FileUpload, StoredContent
from huleedu.accounts import erasures
from huleedu.erasure import Erasure
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import FileReprocessRequested
from huleedu.failures.errors import Refused


def reread(upload: FileUpload, requested_by: User) -> FileUpload:
    """Extract the stored bytes again; brings a file that its teacher removed back, if there is time left.

    Raises ``Refused``, also when the bytes are not whole, and ``StorageFailed``: then all stays as it is.
    """
    check_reread(upload)
    return begin_reread(upload, requested_by)


def check_reread(upload: FileUpload) -> None:
    """Make sure that the file's bytes can be read, and lock nothing meanwhile.

    Raises ``Refused``, ``ContentDamaged`` and ``StorageFailed``.
    """
    refuse_cancelled(Batch.objects.still_there(upload.batch_id))
    if upload.raw_storage_id is not None:
        content.check_one(StoredContent.Kind.RAW, upload.raw_storage_id)


@transaction.atomic
def begin_reread(upload: FileUpload, requested_by: User) -> FileUpload:
    """Mark the file as being read again and tell. Raises ``Refused``."""
    current = FileUpload.objects.locked(upload.pk)
    batch, slot = current.batch, current.slot
    if current.status == FileUpload.Status.REMOVED:
        if requested_by.pk != batch.owner_id:
            raise Refused("REMOVED_BY_TEACHER")
        check_room(batch)
        slot = place_left(erasures.take_back(kind=Erasure.Kind.FILE, file_upload_id=current.pk), batch)
    # What was removed by mistake comes back to a cancelled batch, too; nothing more is done there.
    if current.status != FileUpload.Status.REMOVED or batch.status != Batch.Status.CANCELLED:
        reopen_if_done(batch)
    if current.raw_storage_id is None:
        raise Refused("NO_CONTENT")
    current.restart(slot=slot)
    emit(
        FileReprocessRequested(
            batch_id=current.batch_id,
            correlation_id=current.correlation_id,
            revision=current.revision,
            file_upload_id=current.pk,
            rev=current.rev,
            from_phase=EXTRACT,
            requested_by=requested_by.pk,
        )
    )
    return current


def place_left(erasure: Erasure, batch: Batch) -> EssaySlot | None:
    """The place that the removed file held, if no other has it."""
    return empty_slots(batch).filter(pk__in=[erasure.essay_id]).first()
