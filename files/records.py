"""One file as clients see it."""

from files.models import FileUpload
from files.shapes import FileDetail, FileRecord


def shown_words(upload: FileUpload) -> int | None:
    """How many words the file's text has; none while it is read, also when it had a text before."""
    return None if upload.status == FileUpload.Status.PROCESSING else upload.words


def file_record(upload: FileUpload) -> FileRecord:
    """One file as clients see it; ``upload.slot`` should be loaded."""
    return FileRecord.model_validate(facts(upload))


def file_detail(upload: FileUpload) -> FileDetail:
    """One file with its batch and the ids of its contents."""
    return FileDetail.model_validate(
        {
            **facts(upload),
            "batch_id": upload.batch_id,
            "raw_storage_id": upload.raw_storage_id,
            "text_storage_id": upload.text_storage_id,
        }
    )


def facts(upload: FileUpload) -> dict[str, object]:
    """What both tell."""
    slot = upload.slot if upload.status == FileUpload.Status.ASSIGNED else None
    return {
        "file_upload_id": upload.pk,
        "client_ref": upload.client_ref,
        "filename": upload.filename,
        "folder": upload.folder,
        "size": upload.size,
        "content_hash": upload.content_hash,
        "format": upload.format,
        "status": upload.status,
        "rev": upload.rev,
        "essay_id": slot.pk if slot else None,
        "essay_number": slot.number if slot else None,
        "words": shown_words(upload),
        "language": upload.own_language or None,
        "language_chosen": bool(upload.chosen_language),
        "error": upload.error,
        "correlation_id": upload.correlation_id,
        "created_at": upload.created_at,
        "updated_at": upload.updated_at,
    }
