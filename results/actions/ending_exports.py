"""The end of what is kept of exports: first nobody can have it, then the bytes go, then what names them."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from files import content
from files.models import StoredContent
from huleedu.failures.errors import Refused
from huleedu.postgres.clock import database_now
from results.actions.exporting import cancel
from results.models import Export

# A link that has ended says so for a while, then it is as unknown as any other.
TOLD = timedelta(days=30)


def remove(export_id: UUID) -> Export:
    """Call the export off, or end what is kept of it now. Several transactions, harmless to repeat.

    Raises ``Refused`` when it has been erased with its batch, and ``StorageFailed``.
    """
    export = cancel(export_id)
    if export.status == Export.Status.READY:
        erase([export.pk])
        export.refresh_from_db()
    return export


def erase_of_batch(batch_id: UUID) -> None:
    """End what is kept of all exports of a batch: something of it is being erased. Raises ``StorageFailed``.

    Also of those that were being ended when somebody was killed.
    """
    kept = Export.objects.filter(batch_id=batch_id, storage_id__isnull=False)
    erase(list(kept.values_list("pk", flat=True)))


def end_due(limit: int) -> int:
    """End what was kept long enough, ``limit`` at most; returns how many. Raises ``StorageFailed``."""
    now = database_now()
    over = Export.objects.exclude(status__in=Export.OPEN).filter(
        Q(storage_id__isnull=False) & (Q(ends_at__lte=now) | Q(status=Export.Status.ENDED))
    )
    ids = list(over.order_by("ends_at").values_list("pk", flat=True)[:limit])
    erase(ids)
    old = Export.objects.exclude(status__in=Export.OPEN).filter(storage_id=None, ends_at__lt=now - TOLD)
    Export.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()
    return len(ids)


def erase(export_ids: Iterable[UUID]) -> None:
    """End these: their links, their bytes, their rows of content. Raises ``StorageFailed``."""
    for export_id in export_ids:
        content_id = close(export_id)
        if content_id is not None:
            content.delete([content_id])
            forget(export_id, content_id)


@transaction.atomic
def end_all() -> int:
    """End all exports whose bytes are not in the store, after a restore; returns how many there were.

    What still waits to be made is made.
    """
    kept = Export.objects.filter(storage_id__isnull=False)
    ended = kept.update(status=Export.Status.ENDED, storage_id=None, size=None, **Export.personal)
    StoredContent.objects.filter(kind=StoredContent.Kind.MADE).delete()
    return ended


@transaction.atomic
def close(export_id: UUID) -> UUID | None:
    """From now on nobody can have it; the content that is to be deleted, None when there is none."""
    try:
        export = Export.objects.locked(export_id)
    except Refused:
        return None  # erased with its batch
    if export.status == Export.Status.READY:
        export.move_to(Export.Status.ENDED, **Export.personal)
    return export.storage_id if export.status == Export.Status.ENDED else None


@transaction.atomic
def forget(export_id: UUID, content_id: UUID) -> None:
    """The bytes are gone: so are the rows that named them."""
    Export.objects.filter(pk=export_id, storage_id=content_id).update(storage_id=None, size=None)
    StoredContent.objects.filter(pk=content_id, kind=StoredContent.Kind.MADE).delete()
