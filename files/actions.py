"""What happens to an uploaded file. Each function is one transaction; the batch is locked before the file."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from batches.actions.deciding import refuse_cancelled
from batches.actions.places import check_open_for_content, empty_slots
from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot
from files import content
from files.content import Stored
from files.models import FileUpload, StoredContent
from files.names import clean_folder, clean_name
from files.reports import report_provisioned
from huleedu.accounts import erasures
from huleedu.answers.error_words import make_detail
from huleedu.api import quotas
from huleedu.erasure import Erasure, erased_if_gone
from huleedu.events.following import followed
from huleedu.events.outbox import emit, tell
from huleedu.events.vocabulary import (
    BatchFileAdded,
    BatchFileRemoved,
    EssayUploadFinished,
    EssayValidationFailed,
    FileProcessingStarted,
    FileReprocessRequested,
)
from huleedu.failures.errors import ErrorCode, Refused
from huleedu.failures.failpoints import failpoint
from huleedu.models import WorkItem
from huleedu.postgres.conflicts import retried
from huleedu.work import queue as work

EXTRACT = "extract"
PRESENT = Count("pk", filter=~Q(status=FileUpload.Status.REMOVED))


@dataclass(frozen=True)
class Incoming:
    """One file of an upload request. ``upload_key`` makes repeats of the request harmless."""

    file: "File[bytes]"
    filename: str
    folder: str = ""
    client_ref: str | None = None
    upload_key: str | None = None


@dataclass(frozen=True)
class ExtractedText:
    """A durable text with its measures; ``duration_ms`` is the time extraction took.

    ``language`` is the code found from the text, empty when undecided.
    """

    stored: Stored
    words: int
    characters: int
    format: str
    engine: str
    duration_ms: int
    language: str = ""


def receive(
    batch_id: UUID,
    owner: User,
    incoming: Incoming,
    correlation_id: UUID,
    end: EssayUploadFinished | None = None,
) -> FileUpload:
    """Take one file in: bytes durable first, then row and event together, and ``end`` if it is the last one.

    Returns the file's row, the earlier one when the request is a repeat. A file over the size limit becomes
    a failed row without content. Raises ``Refused`` (closed or full batch) and ``content.StorageFailed``.
    """
    if incoming.file.size > settings.MAX_FILE_BYTES:
        return refuse_too_large(batch_id, owner, incoming, correlation_id, end)
    stored = content.store(StoredContent.Kind.RAW, uuid4(), incoming.file)
    failpoint("upload.after_store")
    with content.discarded_when_refused(stored):
        upload = retried(lambda: add_file(batch_id, owner, incoming, stored, correlation_id, end))
    failpoint("upload.after_commit")
    return upload


def find_repeat(batch: Batch, incoming: Incoming) -> FileUpload | None:
    """The row that an earlier, identical request made in the locked batch.

    Raises ``Refused`` when there is none and the batch takes nothing more.
    """
    key = incoming.upload_key or ""  # which no row has
    counted = batch.files.aggregate(present=PRESENT, repeated=Count("pk", filter=Q(upload_key=key)))
    if counted["repeated"]:
        return batch.files.get(upload_key=key)
    check_open_for_content(batch)
    refuse_too_many(counted["present"])
    return None


@followed
def add_file(
    batch_id: UUID,
    owner: User,
    incoming: Incoming,
    stored: Stored,
    correlation_id: UUID,
    end: EssayUploadFinished | None,
) -> FileUpload:
    """Write the rows of durable bytes and tell. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    upload = find_repeat(batch, incoming)
    if upload:
        transaction.on_commit(lambda: content.discard(stored))
    else:
        content.record(stored, owner.pk, batch.pk)
        quotas.admit_file(owner.pk, stored.size)
        upload = make_row(batch, incoming, correlation_id, sha256=stored.sha256)
        upload.raw_storage_id = stored.id
        upload.save(force_insert=True)
        report_added(upload)
    if end:
        emit(told_now(end))
    return upload


def told_now(end: EssayUploadFinished) -> EssayUploadFinished:
    """``end`` at the time at which it is told."""
    return end.model_copy(update={"upload_ts": timezone.now()})


@followed
def refuse_too_large(
    batch_id: UUID, owner: User, incoming: Incoming, correlation_id: UUID, end: EssayUploadFinished | None
) -> FileUpload:
    """Keep a failed row, without content, for a file over the size limit. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    upload = find_repeat(batch, incoming) or keep_too_large(batch, owner, incoming, correlation_id)
    if end:
        emit(told_now(end))
    return upload


def keep_too_large(batch: Batch, owner: User, incoming: Incoming, correlation_id: UUID) -> FileUpload:
    """The failed row of a file over the size limit, and what tells of it. Raises ``Refused``."""
    quotas.admit_file(owner.pk, 0)
    upload = make_row(batch, incoming, correlation_id, sha256="")
    detail = make_detail(
        ErrorCode.FILE_TOO_LARGE, "receive", correlation_id, size=upload.size, limit=settings.MAX_FILE_BYTES
    )
    upload.status = FileUpload.Status.FAILED
    upload.error = detail.model_dump(mode="json")
    upload.save()
    report_failed(upload, ErrorCode.FILE_TOO_LARGE)
    return upload


def make_row(batch: Batch, incoming: Incoming, correlation_id: UUID, sha256: str) -> FileUpload:
    """An unsaved row for ``incoming``."""
    return FileUpload(
        batch=batch,
        upload_key=incoming.upload_key,
        client_ref=incoming.client_ref,
        correlation_id=correlation_id,
        filename=clean_name(incoming.filename),
        folder=clean_folder(incoming.folder),
        size=incoming.file.size,
        content_hash=sha256,
        created_at=timezone.now(),
        updated_at=timezone.now(),
    )


def check_room(batch: Batch) -> None:
    """Raise ``Refused("TOO_MANY_FILES")`` when the batch holds as many files as it may."""
    refuse_too_many(batch.files.aggregate(present=PRESENT)["present"])


def refuse_too_many(present: int) -> None:
    """Raise ``Refused("TOO_MANY_FILES")`` when ``present`` files are as many as a batch may hold."""
    if present >= settings.MAX_FILES_PER_BATCH:
        raise Refused("TOO_MANY_FILES", limit=settings.MAX_FILES_PER_BATCH)


def report_added(upload: FileUpload) -> None:
    """Emit ``BatchFileAdded`` for the file's present content."""
    emit(
        BatchFileAdded(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=upload.revision,
            file_upload_id=upload.pk,
            rev=upload.rev,
            filename=upload.filename,
            folder=upload.folder,
            size=upload.size,
            content_hash=upload.content_hash,
            raw_storage_id=upload.raw_id,
            client_ref=upload.client_ref,
            created_at=upload.created_at,
        )
    )


def report_failed(upload: FileUpload, code: str) -> None:
    """Emit ``EssayValidationFailed`` with the row's error."""
    emit(
        EssayValidationFailed(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=upload.revision,
            file_upload_id=upload.pk,
            rev=upload.rev,
            filename=upload.filename,
            raw_storage_id=upload.raw_storage_id,
            size=upload.size,
            validation_error_code=str(code),
            validation_error_detail=upload.error,
        )
    )


def upload_finished(
    batch: Batch, correlation_id: UUID, upload_id: UUID, file_count: int
) -> EssayUploadFinished:
    """What tells that an upload request with ``file_count`` files has ended."""
    return EssayUploadFinished(
        batch_id=batch.pk,
        correlation_id=correlation_id,
        expected_count=file_count,
        upload_ts=timezone.now(),
        upload_id=upload_id,
    )


def begin_extraction(item: WorkItem) -> FileUpload | None:
    """Tell that reading has begun; None when the file was replaced or removed meanwhile."""
    with erased_if_gone():
        upload = FileUpload.objects.get(pk=item.subject_id)
    if not is_current(upload, item):
        work.finish(item)
        return None
    tell(
        FileProcessingStarted(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=upload.revision,
            file_upload_id=upload.pk,
            rev=upload.rev,
        )
    )
    return upload


def is_current(upload: FileUpload, item: WorkItem) -> bool:
    """True while the work is about the content the file has now."""
    return upload.revision == item.revision and upload.status == FileUpload.Status.PROCESSING


@followed
def accept(item: WorkItem, text: ExtractedText) -> None:
    """The file's text is good: record it and tell. A late result of replaced content changes nothing."""
    upload = claim_result(item)
    if upload is None:
        transaction.on_commit(lambda: content.discard(text.stored))
        return
    content.record(text.stored, upload.batch.owner_id, upload.batch_id)
    upload.move_to(
        FileUpload.Status.PROCESSING,
        text_storage_id=text.stored.id,
        format=text.format,
        words=text.words,
        characters=text.characters,
        language=text.language,
        engine=text.engine[:80],
        duration_ms=text.duration_ms,
    )
    report_provisioned(upload)


@followed
def reject(item: WorkItem, code: str, details: dict[str, Any]) -> None:
    """The file cannot become an essay: record why and tell."""
    upload = claim_result(item)
    if upload is not None:
        fail_file(upload, code, details)


def fail_file(upload: FileUpload, code: str, details: dict[str, Any]) -> None:
    """Mark the locked file failed. One that was read before and is an essay keeps that text and its place."""
    slot = upload.slot
    detail = make_detail(code, EXTRACT, upload.correlation_id, **details)
    if (
        slot is not None
        and slot.text_storage_id is not None
        and slot.text_storage_id == upload.text_storage_id
    ):
        upload.move_to(FileUpload.Status.PROCESSING, error=detail.model_dump(mode="json"))
        report_provisioned(upload)
        return
    upload.mark_failed(detail.model_dump(mode="json"))
    if slot is not None and slot.text_storage_id is not None:
        slot.release()
    report_failed(upload, code)


def claim_result(item: WorkItem) -> FileUpload | None:
    """Lock the file for this attempt's result; None when the attempt or the content is outdated."""
    upload = FileUpload.objects.locked(item.subject_id)
    if not work.finish(item) or not is_current(upload, item):
        return None
    return upload


@transaction.atomic
def give_up(item: WorkItem) -> None:
    """Every try failed for reasons of ours: the file shows it, and can be tried again."""
    upload = FileUpload.objects.locked(item.subject_id)
    if is_current(upload, item):
        fail_file(upload, ErrorCode.EXTRACTION_FAILED, {"attempts": item.attempts})


def lock_changeable(file_upload_id: UUID) -> FileUpload:
    """Lock batch and file for other content in its place. Raises ``Refused`` for a cancelled batch."""
    upload = FileUpload.objects.locked(file_upload_id)
    refuse_cancelled(upload.batch)
    return upload


def replace(upload: FileUpload, owner: User, incoming: Incoming) -> FileUpload:
    """Put other content in the file's place, its essay number kept; bytes durable first.

    Raises ``Refused`` (closed batch, removed file, too large) and ``content.StorageFailed``.
    """
    if incoming.file.size > settings.MAX_FILE_BYTES:
        raise Refused("FILE_TOO_LARGE", limit=settings.MAX_FILE_BYTES)
    stored = content.store(StoredContent.Kind.RAW, uuid4(), incoming.file)
    with content.discarded_when_refused(stored):
        return put_content(upload, owner, incoming, stored)


@transaction.atomic
def put_content(upload: FileUpload, owner: User, incoming: Incoming, stored: Stored) -> FileUpload:
    """Write the replacement of durable bytes and tell. Raises ``Refused``."""
    current = lock_changeable(upload.pk)
    if current.status == FileUpload.Status.REMOVED:
        raise Refused("FILE_REMOVED")
    if current.slot is not None or empty_slots(current.batch).exists():
        reopen_if_done(current.batch)
    report_removed(current, "replaced")
    erasures.forget_version(owner.pk, current.batch_id, current.pk, current.revision)
    content.record(stored, owner.pk, current.batch_id)
    quotas.admit_file(owner.pk, stored.size)
    current.restart(
        filename=clean_name(incoming.filename),
        folder=clean_folder(incoming.folder) or current.folder,
        size=stored.size,
        content_hash=stored.sha256,
        raw_storage_id=stored.id,
        text_storage_id=None,
        format=None,
        words=None,
        characters=None,
        language="",
        chosen_language="",
    )
    report_added(current)
    return current


def report_removed(upload: FileUpload, reason: str, essay_id: UUID | None = None) -> None:
    """Emit ``BatchFileRemoved``; ``reason`` is removed or replaced."""
    emit(
        BatchFileRemoved.model_validate(
            {
                "batch_id": upload.batch_id,
                "correlation_id": upload.correlation_id,
                "revision": upload.revision,
                "file_upload_id": upload.pk,
                "rev": upload.rev,
                "filename": upload.filename,
                "reason": reason,
                "essay_id": essay_id,
            }
        )
    )


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
