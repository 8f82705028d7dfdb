"""What is told of files, within the transaction of what happened to them."""

from uuid import UUID

from django.utils import timezone

from batches.models import Batch
from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import (
    BatchFileAdded,
    BatchFileRemoved,
    EssayContentProvisioned,
    EssayUploadFinished,
    EssayValidationFailed,
)


def report_provisioned(upload: FileUpload) -> None:
    """Emit ``EssayContentProvisioned`` with the row's text; an error says why it is still the earlier one."""
    emit(
        EssayContentProvisioned.model_validate(
            {
                "batch_id": upload.batch_id,
                "correlation_id": upload.correlation_id,
                "revision": upload.revision,
                "file_upload_id": upload.pk,
                "rev": upload.rev,
                "filename": upload.filename,
                "raw_storage_id": upload.raw_storage_id,
                "text_storage_id": upload.text_storage_id,
                "content_hash": upload.content_hash,
                "size": upload.size,
                "words": upload.words,
                "characters": upload.characters,
                "format": upload.format,
                "language": upload.language or None,
                "extraction": {"engine": upload.engine, "duration_ms": upload.duration_ms or 0},
                "error": upload.error,
            }
        )
    )


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
                "chosen_language": upload.chosen_language,
            }
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


def told_now(end: EssayUploadFinished) -> EssayUploadFinished:
    """``end`` at the time at which it is told."""
    return end.model_copy(update={"upload_ts": timezone.now()})
