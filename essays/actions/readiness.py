"""Whether a batch is ready: every place filled, or enough of them when its time is over.

Within the caller's transaction.
"""

from math import ceil

from django.db.models import QuerySet

from batches.actions.progress import references
from batches.models import Batch
from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchEssaysReady


def evaluate_readiness(batch: Batch) -> None:
    """Declare the locked batch ready: all slots filled, or enough at a passed deadline."""
    if batch.status != Batch.Status.AWAITING_CONTENT:
        return
    filled = batch.files.filter(status=FileUpload.Status.ASSIGNED).count()
    complete = filled == batch.expected_essay_count
    # Rounded first: 0.55 of 100 is 55, whatever binary fractions say.
    wanted = ceil(round(batch.settings.partial_batch_threshold * batch.expected_essay_count, 6))
    enough = filled > 0 and filled >= wanted
    if complete or (batch.timed_out_at is not None and enough and not is_reading(batch)):
        declare_ready(batch)


def is_reading(batch: Batch) -> bool:
    """True while a file of the batch is being read."""
    return being_read(batch).exists()


def being_read(batch: Batch) -> QuerySet[FileUpload]:
    """The batch's files that are being read."""
    return FileUpload.objects.filter(batch=batch, status=FileUpload.Status.PROCESSING)


def declare_ready(batch: Batch) -> None:
    """Move the batch to ready and tell, once per readiness."""
    batch.make_ready()
    by_status = {
        status: list(batch.files.filter(status=status).order_by("created_at").values_list("pk", flat=True))
        for status in (FileUpload.Status.FAILED, FileUpload.Status.EXCESS)
    }
    emit(
        BatchEssaysReady(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.run,
            ready_essays=references(batch),
            failed_files=by_status[FileUpload.Status.FAILED],
            excess_files=by_status[FileUpload.Status.EXCESS],
        )
    )
