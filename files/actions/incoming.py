"""One file of an upload request: what comes in, whether it came before, and its row."""

from dataclasses import dataclass
from uuid import UUID

from django.core.files.base import File
from django.db.models import Count, Q
from django.utils import timezone

from batches.actions.archiving import bring_back
from batches.actions.places import check_open_for_content
from batches.models import Batch
from files.actions.room import PRESENT, refuse_too_many
from files.models import FileUpload
from files.names import clean_folder, clean_name


@dataclass(frozen=True)
class Incoming:
    """One file of an upload request. ``upload_key`` makes repeats of the request harmless."""

    file: "File[bytes]"
    filename: str
    folder: str = ""
    client_ref: str | None = None
    upload_key: str | None = None


def find_repeat(batch: Batch, incoming: Incoming) -> FileUpload | None:
    """The row that an earlier, identical request made in the locked batch.

    Raises ``Refused`` when there is none and the batch takes nothing more.
    """
    key = incoming.upload_key or ""  # which no row has
    counted = batch.files.aggregate(present=PRESENT, repeated=Count("pk", filter=Q(upload_key=key)))
    if counted["repeated"]:
        return batch.files.get(upload_key=key)
    check_open_for_content(batch)
    bring_back(batch, batch.owner_id)
    refuse_too_many(counted["present"])
    return None


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
