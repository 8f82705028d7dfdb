"""Which essay slot a file's text gets, within the caller's transaction, the batch locked."""

from django.db.models import Q

from batches.models import Batch, EssaySlot
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import (
    DuplicateContentDetected,
    ErrorDetail,
    EssaySlotAssigned,
    ExcessContentProvisioned,
)
from huleedu.failures.errors import ErrorCode
from huleedu.postgres.kept import ANOTHER, ONE, Kept

HOLDING = (FileUpload.Status.ASSIGNED, FileUpload.Status.EXCESS)
ORIGINAL = Kept(
    lambda batch_id, content_hash, pk: (
        FileUpload.objects.filter(Q(status__in=HOLDING) | Q(slot__isnull=False))
        .filter(batch_id=batch_id, content_hash=content_hash)
        .exclude(pk=pk)
        .order_by("created_at", "pk")[:1]
    ),
    ONE,
    "content_hash",
    ANOTHER,
)
FREE = Kept(
    lambda batch_id: (
        EssaySlot.objects.filter(batch=batch_id, status=EssaySlot.Status.AWAITING_CONTENT)
        .exclude(pk__in=FileUpload.objects.filter(batch=batch_id, slot__isnull=False).values("slot_id"))
        .order_by("number")
        .select_for_update(skip_locked=True)[:1]
    ),
    ONE,
)


def place(upload: FileUpload) -> None:
    """Give the file's text a slot, or show that it is a duplicate or has no place. The file is locked."""
    original = find_original(upload)
    if original is not None:
        release_slot(upload)
        mark_duplicate(upload, original)
        return
    slot = upload.slot or free_slot(upload.batch)
    if slot is None:
        mark_excess(upload)
        return
    assign(upload, slot)


def find_original(upload: FileUpload) -> FileUpload | None:
    """Another file of the batch that already stands for the same bytes.

    The same text in other bytes is not a duplicate: two pupils with one text each need their place.
    """
    return ORIGINAL.first(upload.batch_id, upload.content_hash, upload.pk)


def free_slot(batch: Batch) -> EssaySlot | None:
    """The lowest-numbered slot that no file holds, locked; rows other transactions work on are skipped."""
    return FREE.first(batch.pk)


def release_slot(upload: FileUpload) -> None:
    """Open the slot the file held, if it held one."""
    if upload.slot is not None and upload.slot.text_storage_id is not None:
        upload.slot.release()


def assign(upload: FileUpload, slot: EssaySlot) -> None:
    """Link file and slot and tell."""
    upload.assign(slot)
    slot.fill(upload.text_id)
    report_assigned(upload, slot)


def report_assigned(upload: FileUpload, slot: EssaySlot) -> None:
    """Emit ``EssaySlotAssigned``; the same mapping again has the same id."""
    emit(
        EssaySlotAssigned(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=slot.revision,
            essay_id=slot.pk,
            essay_number=slot.number,
            file_upload_id=upload.pk,
            text_storage_id=upload.text_id,
            filename=upload.filename,
            words=upload.words,
            characters=upload.characters,
            format=upload.format,
            language=upload.own_language or None,
            rev=upload.rev,
            error=ErrorDetail.model_validate(upload.error) if upload.error else None,
        )
    )


def mark_excess(upload: FileUpload) -> None:
    """Keep the file without a place and tell."""
    detail = make_detail(ErrorCode.EXCESS_CONTENT, "assign", upload.correlation_id)
    upload.mark_excess(detail.model_dump(mode="json"))
    emit(
        ExcessContentProvisioned(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=upload.rev,
            file_upload_id=upload.pk,
            rev=upload.rev,
            filename=upload.filename,
            text_storage_id=upload.text_id,
        )
    )


def mark_duplicate(upload: FileUpload, original: FileUpload) -> None:
    """Keep the file as a duplicate of ``original`` and tell."""
    detail = make_detail(
        ErrorCode.DUPLICATE_CONTENT, "assign", upload.correlation_id, duplicate_of=str(original.pk)
    )
    upload.mark_duplicate(original, detail.model_dump(mode="json"))
    emit(
        DuplicateContentDetected(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=upload.rev,
            file_upload_id=upload.pk,
            rev=upload.rev,
            duplicate_of=original.pk,
        )
    )


def fill_free_slots(batch: Batch) -> None:
    """Give open places to files that wait, the oldest first, duplicates whose original left included."""
    waits = [FileUpload.Status.DUPLICATE]
    if free_slot(batch) is not None:
        waits.append(FileUpload.Status.EXCESS)
    waiting = FileUpload.objects.filter(batch=batch, status__in=waits, text_storage_id__isnull=False)
    for upload in waiting.select_for_update(of=("self",)).order_by("created_at", "pk"):
        upload.batch = batch
        original = find_original(upload)
        if original is not None:
            if upload.status == FileUpload.Status.EXCESS and original.status == FileUpload.Status.ASSIGNED:
                mark_duplicate(upload, original)
            continue
        slot = free_slot(batch)
        if slot is not None:
            assign(upload, slot)
        elif upload.status == FileUpload.Status.DUPLICATE:
            mark_excess(upload)
