"""A file over the size limit: a failed row without content."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User

from batches.models import Batch
from files.actions.incoming import Incoming, find_repeat, make_row
from files.actions.reports import report_failed, told_now
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from huleedu.api import quotas
from huleedu.events.following import followed
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import EssayUploadFinished
from huleedu.failures.errors import ErrorCode


@followed
def refuse_too_large(
    batch_id: UUID, owner: User, incoming: Incoming, correlation_id: UUID, end: EssayUploadFinished | None
) -> FileUpload:
    """Keep a failed row, without content, for a file over the size limit. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    upload = find_repeat(batch, incoming) or keep_too_large(batch, owner, incoming, correlation_id)
    if end:
        emit(told_now(end))
    return upload


def keep_too_large(batch: Batch, owner: User, incoming: Incoming, correlation_id: UUID) -> FileUpload:
    """The failed row of a file over the size limit, and what tells of it. Raises ``Refused``."""
    quotas.admit_file(owner.pk, 0)
    upload = make_row(batch, incoming, correlation_id, sha256="")
    detail = make_detail(
        ErrorCode.FILE_TOO_LARGE, "receive", correlation_id, size=upload.size, limit=settings.MAX_FILE_BYTES
    )
    upload.status = FileUpload.Status.FAILED
    upload.error = detail.model_dump(mode="json")
    upload.save()
    report_failed(upload, ErrorCode.FILE_TOO_LARGE)
    return upload
