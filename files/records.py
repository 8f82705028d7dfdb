"""One file as clients see it."""

from typing import Any

from files.models import FileUpload


def shown_words(upload: FileUpload) -> int | None:
    """How many words the file's text has; none while it is read, also when it had a text before."""
    return None if upload.status == FileUpload.Status.PROCESSING else upload.words


def file_record(upload: FileUpload) -> dict[str, Any]:
    """One file as clients see it; ``upload.slot`` should be loaded."""
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
