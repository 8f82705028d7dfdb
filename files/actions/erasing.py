"""Forgetting a removed file, or an earlier version of one."""

from uuid import UUID

from django.db import transaction

from batches.models import Batch
from files.actions.removing import take_out
from files.models import FileUpload, StoredContent
from huleedu.erasure import Erasure
from huleedu.events import redaction
from huleedu.models import WorkItem


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
