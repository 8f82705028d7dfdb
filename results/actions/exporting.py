"""The life of an export: asked for, begun, ended, called off. Each function is one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from batches.models import Batch
from files import content
from files.capacity import check_work
from files.content import Stored
from files.models import FileUpload, StoredContent
from huleedu.api import quotas
from huleedu.erasure import Erasure
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import ExportEnded
from huleedu.failures.errors import Refused
from huleedu.models import WorkItem
from huleedu.outside import disks
from huleedu.postgres.clock import database_now
from huleedu.work import queue as work
from results.exports.kind import EXPORT_FAILED, WITH_NOTE, LeftOut
from results.exports.registry import KINDS
from results.models import Export

EXPORT = "export"  # the name of its work
TIMEOUT_SECONDS = 110  # of a worker, which is replaced after ``HULEEDU_TASK_SECONDS``
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExportOrder:
    """What is wished: the kind, the language of its words, and options of the kind."""

    kind: str
    language: str
    options: Mapping[str, str | bool] = field(default_factory=dict)


def ordered(kind: str, language: str, *, with_note: bool = False) -> ExportOrder:
    """An order with those options that its kind takes."""
    return ExportOrder(kind, language, {WITH_NOTE: True} if with_note and KINDS[kind].takes_note else {})


@transaction.atomic
def ask(batch_id: UUID, order: ExportOrder, correlation_id: UUID) -> tuple[Export, bool]:
    """Have an export made, by a worker; with True, or the same one that is being made already, with False.

    Raises ``Refused`` when there is nothing to export, or no room.
    """
    batch = Batch.objects.locked(batch_id)
    if batch.binned_at is not None:
        raise Refused("BATCH_DELETED")
    same = open_one(batch, order.kind, order.language, order.options)
    if same is not None:
        return same, False
    check_room(batch, order.kind)
    export = Export(
        batch=batch,
        kind=order.kind,
        language=order.language,
        options=dict(order.options),
        correlation_id=correlation_id,
        ends_at=database_now() + timedelta(seconds=settings.EXPORT_SECONDS),
    )
    export.save()
    queue(export)
    return export, True


@transaction.atomic
def ask_again(export_id: UUID) -> tuple[Export, bool]:
    """Have an export made anew that failed, was called off or is kept no longer.

    Another one that is the same and is being made is given instead, with False. Raises ``Refused``, and
    ``InvalidTransition`` for one that is ready.
    """
    export = Export.objects.locked(export_id)
    same = open_one(export.batch, export.kind, export.language, export.options)
    if same is not None:
        return same, False
    check_room(export.batch, export.kind)
    restart(export)
    return export, True


def open_one(batch: Batch, kind: str, language: str, options: Mapping[str, object]) -> Export | None:
    """The export of this kind that is being made; the caller has locked the batch."""
    wished = {"kind": kind, "language": language, "options": dict(options)}
    return Export.objects.open().filter(batch=batch, **wished).first()


def check_room(batch: Batch, kind: str) -> None:
    """Refuse an export of nothing, and one too many. Raises ``Refused``."""
    if KINDS[kind].needs_essays and not batch.files.filter(status=FileUpload.Status.ASSIGNED).exists():
        raise Refused("NO_ESSAYS")
    check_work(batch.owner_id)
    disks.check_room()
    state = quotas.state_of(batch.owner_id, [EXPORT])
    quotas.check_share(state.kept + 1, state.most_bytes, state.kept_by_all - state.kept, 1)


def restart(export: Export) -> None:
    """Queue the export once more, from its beginning; it is locked.

    Bytes that somebody had not come to delete have no row from now on, and are tidied away.
    """
    if export.storage_id is not None:
        StoredContent.objects.filter(pk=export.storage_id, kind=StoredContent.Kind.MADE).delete()
    export.move_to(
        Export.Status.QUEUED,
        attempt=export.attempt + 1,
        done=0,
        storage_id=None,
        size=None,
        error_code="",
        left_out=[],
        ended_at=None,
        ends_at=database_now() + timedelta(seconds=settings.EXPORT_SECONDS),
    )
    queue(export)


def queue(export: Export) -> None:
    """Order the work, in the transaction that wants it."""
    work.enqueue(
        work.WorkOrder(
            step=EXPORT,
            subject_id=export.pk,
            revision=export.attempt,
            batch_id=export.batch_id,
            owner_id=export.batch.owner_id,
            correlation_id=export.correlation_id,
            max_retries=export.batch.settings.max_retries,
            timeout_seconds=TIMEOUT_SECONDS,
        )
    )


@transaction.atomic
def begin(item: WorkItem) -> Export | None:
    """The export that ``item`` is about, being made from now on; None when nobody wants it any more."""
    try:
        export = Export.objects.locked(item.subject_id)
    except Refused:
        work.finish(item)
        return None
    if export.status not in Export.OPEN or export.attempt != item.revision:
        work.finish(item)
        return None
    if export.batch.binned_at is not None:
        end(export, Export.Status.CANCELLED)
        work.finish(item)
        return None
    essays = export.batch.files.filter(status=FileUpload.Status.ASSIGNED).count()
    export.move_to(Export.Status.RUNNING, started_at=database_now(), done=0, total=essays)
    return export


def advance(export: Export, done: int) -> bool:
    """Tell how many essays are done; False when the export is not wanted any more. One statement."""
    running = Export.objects.filter(pk=export.pk, status=Export.Status.RUNNING, attempt=export.attempt)
    return running.update(done=done) > 0


@transaction.atomic
def complete(item: WorkItem, stored: Stored, left_out: list[LeftOut]) -> bool:
    """The export is ready: its bytes are ``stored``; False when they are not what is wanted any more.

    What was called off meanwhile stays so. What was made while something of the batch was being erased may
    hold it, and is made anew. Raises ``Refused`` when its owner has no room.
    """
    export = still_made(item)
    if export is None:
        return False
    if was_erased_since(export):
        work.finish(item)
        restart(export)
        return False
    state = quotas.state_of(export.batch.owner_id, [EXPORT])
    kept = state.kept + stored.size
    quotas.check_share(kept, state.most_bytes, state.kept_by_all - state.kept, stored.size)
    if not work.finish(item):
        return False
    content.record(stored, export.batch.owner_id, export.batch_id)
    told = [
        {"essay": each.essay, "code": each.code} | ({"signs": each.signs} if each.signs else {})
        for each in left_out
    ]
    made = {"storage_id": stored.id, "size": stored.size, "left_out": told, "done": export.total}
    end(export, Export.Status.READY, **made)
    return True


def was_erased_since(export: Export) -> bool:
    """Whether something of the batch began to be erased after the export was begun."""
    since = Erasure.objects.filter(batch_id=export.batch_id, begun_at__gte=export.started_at)
    return since.exclude(kind=Erasure.Kind.BATCH).exists()


def still_made(item: WorkItem) -> Export | None:
    """The export of ``item``, locked; None, and the work forgotten, when it is not being made any more."""
    try:
        export = Export.objects.locked(item.subject_id)
    except Refused:
        work.finish(item)
        return None
    if export.status != Export.Status.RUNNING or export.attempt != item.revision:
        work.finish(item)
        return None
    return export


@transaction.atomic
def forget(item: WorkItem) -> None:
    """Nobody wants any more what the work is about."""
    work.finish(item)


@transaction.atomic
def fail(item: WorkItem, code: str) -> None:
    """The export cannot be made, for the reason ``code``."""
    export = still_made(item)
    if export is not None and work.finish(item):
        end(export, Export.Status.FAILED, error_code=code)


def give_up(item: WorkItem) -> None:
    """Every try failed; in the transaction that buries the work."""
    export = Export.objects.locked(item.subject_id)
    if export.status in Export.OPEN and export.attempt == item.revision:
        end(export, Export.Status.FAILED, error_code=EXPORT_FAILED)


@transaction.atomic
def cancel(export_id: UUID) -> Export:
    """Call an export off that is being made. One that has ended stays as it is. Raises ``Refused``."""
    export = Export.objects.locked(export_id)
    if export.status in Export.OPEN:
        WorkItem.objects.filter(step=EXPORT, subject_id=export.pk, state=WorkItem.State.QUEUED).delete()
        end(export, Export.Status.CANCELLED)
    return export


def end(export: Export, status: Export.Status, **fields: object) -> None:
    """Say how an export ended; what nobody was waiting for is not told to browsers."""
    export.move_to(status, ended_at=database_now(), **fields)
    log.info("export.ended", export_id=str(export.pk), kind=export.kind, status=status, size=export.size)
    if status == Export.Status.CANCELLED:
        return
    emit(
        ExportEnded(
            batch_id=export.batch_id,
            correlation_id=export.correlation_id,
            export_id=export.pk,
            kind_of_export=export.kind,
            attempt=export.attempt,
            status="ready" if status == Export.Status.READY else "failed",
            essays=export.total,
        )
    )
