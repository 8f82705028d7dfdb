"""Taking a file out of its batch: it can be brought back for some minutes, then it is forgotten.

Each function is one transaction; the batch is locked before the file.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.progress import reopen_if_done
from batches.models import Batch
from files import actions, content
from files.models import FileUpload, StoredContent
from huleedu.accounts import erasures
from huleedu.erasure import Erasure
from huleedu.events import redaction
from huleedu.failures.errors import Refused
from huleedu.models import WorkItem


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
    actions.report_removed(upload, "removed", essay_id=slot.pk if slot else None)
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
    return actions.begin_reread(current, user)


def undoable(batch: Batch) -> list[dict[str, Any]]:
    """The batch's removed files that can be brought back, the last removed first, with until when."""
    open_ones = Erasure.objects.undoable().filter(kind=Erasure.Kind.FILE, batch_id=batch.pk)
    until = dict(open_ones.order_by("-asked_at").values_list("file_upload_id", "due_at"))
    files = FileUpload.objects.in_bulk([pk for pk in until if pk is not None])
    return [
        {"file_upload_id": pk, "filename": files[pk].filename, "until": due_at}
        for pk, due_at in until.items()
        if pk in files
    ]


def undo_until(upload: FileUpload) -> datetime | None:
    """Until when a removed file can be brought back; None when it cannot."""
    open_ones = Erasure.objects.undoable().filter(kind=Erasure.Kind.FILE, file_upload_id=upload.pk)
    return open_ones.values_list("due_at", flat=True).first()


@transaction.atomic
def begin_erasing(erasure: Erasure) -> set[UUID]:
    """The ids of what the store has of the file, and nobody needs; the erasure has begun.

    After a restored backup the file may be there again as if nothing had happened: then it is removed again.
    """
    batch, upload = locked(erasure)
    if batch is None or upload is None:
        return set()
    whole = is_whole(erasure, upload)
    if whole and upload.status != FileUpload.Status.REMOVED:
        take_out(upload)
    named = redaction.contents_named(batch.pk, upload.pk, None if whole else erasure.asked_at)
    needed = {upload.raw_storage_id, upload.text_storage_id}
    return named | {each for each in needed if each} if whole else named - needed


def is_whole(erasure: Erasure, upload: FileUpload) -> bool:
    """True when all of the file is to go, not an earlier version: also if only that one is known again."""
    return erasure.kind == Erasure.Kind.FILE or upload.revision <= (erasure.revision or 0)


def locked(erasure: Erasure) -> tuple[Batch | None, FileUpload | None]:
    """Batch and file of ``erasure``, locked; None for what is no longer there."""
    batch = Batch.objects.select_for_update(no_key=True).filter(pk=erasure.batch).first()
    files = FileUpload.objects.select_for_update(of=("self",))
    upload = files.filter(pk=erasure.file, batch=batch).first() if batch else None
    if upload is not None and batch is not None:
        upload.batch = batch
    return batch, upload


def erase_rows(erasure: Erasure, contents: set[UUID]) -> bool:
    """Empty what rows and events say, in the transaction of who erases; True for the whole file."""
    batch, upload = locked(erasure)
    StoredContent.objects.filter(pk__in=contents, batch=batch).delete()
    if batch is None or upload is None:
        return True
    whole = is_whole(erasure, upload)
    if whole:
        upload.erase()
    redaction.redact_file(batch.pk, upload.pk, None if whole else erasure.asked_at)
    redaction.forget_answers(upload.pk)
    if whole:
        WorkItem.objects.filter(file_upload_id=upload.pk).exclude(subject_id=erasure.pk).delete()
    return whole
