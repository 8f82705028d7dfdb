"""Removed files and replaced contents that can be brought back, and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from batches.models import Batch
from files.models import FileUpload
from huleedu.erasure import Erasure
from huleedu.events.vocabulary import BatchFileAdded, BatchFileRemoved
from huleedu.models import LoggedEvent

ADDED, REPLACED = BatchFileAdded.__name__, BatchFileRemoved.__name__
EVENTS: dict[str, type[BatchFileAdded | BatchFileRemoved]] = {
    ADDED: BatchFileAdded,
    REPLACED: BatchFileRemoved,
}


@dataclass(frozen=True)
class Undoable:
    """What can be brought back: a file that was removed, or what it was before it was ``replaced``."""

    file_upload_id: UUID
    filename: str
    until: datetime
    revision: int
    replaced: bool = False


@dataclass(frozen=True)
class Earlier:
    """What a file was before it was replaced, as it was told when it was added; ``erasure_id`` ends it.

    ``chosen_language`` is what its teacher had said of it when it was replaced.
    """

    erasure_id: UUID
    until: datetime
    told: BatchFileAdded
    chosen_language: str


def undoable(batch: Batch) -> list[Undoable]:
    """What can be brought back to the batch, the last removed or replaced first."""
    open_ones = Erasure.objects.undoable().filter(kind=Erasure.Kind.FILE, batch_id=batch.pk)
    until = dict(open_ones.values_list("file_upload_id", "due_at"))
    files = FileUpload.objects.in_bulk([pk for pk in until if pk is not None])
    removed = [
        Undoable(pk, files[pk].filename, due_at, files[pk].revision)
        for pk, due_at in until.items()
        if pk is not None and pk in files
    ]
    present = {upload.pk: upload for upload in batch.files.exclude(status=FileUpload.Status.REMOVED)}
    replaced = [
        Undoable(pk, earlier.told.filename, earlier.until, present[pk].revision, replaced=True)
        for pk, earlier in earlier_ones(present.values()).items()
    ]
    return sorted(removed + replaced, key=lambda each: each.until, reverse=True)


def undo_until(upload: FileUpload) -> datetime | None:
    """Until when a removed file, or what it was before, can be brought back; None when it cannot."""
    if upload.status != FileUpload.Status.REMOVED:
        earlier = earlier_version(upload)
        return earlier.until if earlier else None
    open_ones = Erasure.objects.undoable().filter(kind=Erasure.Kind.FILE, file_upload_id=upload.pk)
    return open_ones.values_list("due_at", flat=True).first()


def earlier_version(upload: FileUpload) -> Earlier | None:
    """What the file was before it was last replaced, as long as that can be brought back."""
    return earlier_ones([upload]).get(upload.pk)


def earlier_ones(files: Iterable[FileUpload]) -> dict[UUID, Earlier]:
    """The same for many files, by their ids, in two queries."""
    ids = [upload.pk for upload in files]
    versions = Erasure.objects.undoable().filter(kind=Erasure.Kind.VERSION, file_upload_id__in=ids)
    last = {version.file: version for version in versions.order_by("asked_at")}
    rows = LoggedEvent.objects.filter(event_type__in=(ADDED, REPLACED), file_upload_id__in=last)
    told: dict[UUID, BatchFileAdded] = {}
    chosen: dict[UUID, str] = {}
    for kind, envelope in rows.order_by("id").values_list("event_type", "envelope"):
        if envelope.get("redacted"):
            continue
        event = EVENTS[kind].read(envelope["data"])
        revision = last[event.file_upload_id].revision or 0
        if isinstance(event, BatchFileAdded) and event.revision <= revision:
            told[event.file_upload_id] = event
        elif isinstance(event, BatchFileRemoved) and event.revision == revision:
            chosen[event.file_upload_id] = event.chosen_language
    return {
        pk: Earlier(last[pk].pk, last[pk].due_at, event, chosen.get(pk, "")) for pk, event in told.items()
    }
