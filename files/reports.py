"""What is told of a file's text."""

from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import EssayContentProvisioned


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
