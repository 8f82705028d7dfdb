"""What events make of files. Each runs in the relay's transaction."""

from batches.models import Batch
from files.actions.reading import EXTRACT
from huleedu.events.vocabulary import BatchFileAdded, FileReprocessRequested
from huleedu.work import queue as work


def queue_extraction(event: BatchFileAdded | FileReprocessRequested) -> None:
    """New bytes, or a wish to read them again: queue the extraction."""
    if isinstance(event, FileReprocessRequested) and event.from_phase != EXTRACT:
        return
    # Whether the file still has this content is asked by whoever takes the work.
    batch = Batch.objects.locked(event.batch_id)
    configuration = batch.settings
    work.enqueue(
        work.WorkOrder(
            step=EXTRACT,
            subject_id=event.file_upload_id,
            revision=event.revision,
            batch_id=batch.pk,
            owner_id=batch.owner_id,
            file_upload_id=event.file_upload_id,
            correlation_id=event.correlation_id,
            priority=configuration.priority,
            max_retries=configuration.max_retries,
            timeout_seconds=configuration.timeout_seconds,
        )
    )
