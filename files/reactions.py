"""What events make of files. Each runs in the relay's transaction."""

from files.actions import EXTRACT
from files.models import FileUpload
from huleedu.events.vocabulary import BatchFileAdded, FileReprocessRequested
from huleedu.work import queue as work


def queue_extraction(event: BatchFileAdded | FileReprocessRequested) -> None:
    """New bytes, or a wish to read them again: queue the extraction."""
    if isinstance(event, FileReprocessRequested) and event.from_phase != EXTRACT:
        return
    upload = FileUpload.objects.select_related("batch").filter(pk=event.file_upload_id).first()
    if upload is None or upload.revision != event.revision:
        return
    configuration = upload.batch.settings
    work.enqueue(
        work.WorkOrder(
            step=EXTRACT,
            subject_id=upload.pk,
            revision=upload.revision,
            batch_id=upload.batch_id,
            owner_id=upload.batch.owner_id,
            file_upload_id=upload.pk,
            correlation_id=upload.correlation_id,
            priority=configuration.priority,
            max_retries=configuration.max_retries,
            timeout_seconds=configuration.timeout_seconds,
        )
    )
