"""Removed files that can be brought back, and until when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batches.models import Batch
from files.models import FileUpload
from huleedu.erasure import Erasure


@dataclass(frozen=True)
class Removed:
    """A removed file that can be brought back."""

    file_upload_id: UUID
    filename: str
    until: datetime


def undoable(batch: Batch) -> list[Removed]:
    """The batch's removed files that can be brought back, the last removed first, with until when."""
    open_ones = Erasure.objects.undoable().filter(kind=Erasure.Kind.FILE, batch_id=batch.pk)
    until = dict(open_ones.order_by("-asked_at").values_list("file_upload_id", "due_at"))
    files = FileUpload.objects.in_bulk([pk for pk in until if pk is not None])
    return [
        Removed(pk, files[pk].filename, due_at)
        for pk, due_at in until.items()
        if pk is not None and pk in files
    ]


def undo_until(upload: FileUpload) -> datetime | None:
    """Until when a removed file can be brought back; None when it cannot."""
    open_ones = Erasure.objects.undoable().filter(kind=Erasure.Kind.FILE, file_upload_id=upload.pk)
    return open_ones.values_list("due_at", flat=True).first()
