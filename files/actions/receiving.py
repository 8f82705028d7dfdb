"""Taking a file in: bytes durable first, then row and event together."""

from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from batches.models import Batch
from files import content
from files.actions.incoming import Incoming, find_repeat, make_row
from files.actions.reports import report_added, told_now
from files.actions.too_large import refuse_too_large
from files.content import Stored
from files.models import FileUpload, StoredContent
from huleedu.api import quotas
from huleedu.events.following import followed
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import EssayUploadFinished
from huleedu.failures.failpoints import failpoint
from huleedu.postgres.conflicts import retried


def receive(
    batch_id: UUID,
    owner: User,
    incoming: Incoming,
    correlation_id: UUID,
    end: EssayUploadFinished | None = None,
) -> FileUpload:
    """Take one file in: bytes durable first, then row and event together, and ``end`` if it is the last one.

    Returns the file's row, the earlier one when the request is a repeat. A file over the size limit becomes
    a failed row without content. Raises ``Refused`` (closed or full batch) and ``content.StorageFailed``.
    """
    if incoming.file.size > settings.MAX_FILE_BYTES:
        return refuse_too_large(batch_id, owner, incoming, correlation_id, end)
    stored = content.store(StoredContent.Kind.RAW, uuid4(), incoming.file)
    failpoint("upload.after_store")
    with content.discarded_when_refused(stored):
        upload = retried(lambda: add_file(batch_id, owner, incoming, stored, correlation_id, end))
    failpoint("upload.after_commit")
    return upload


@followed
def add_file(
    batch_id: UUID,
    owner: User,
    incoming: Incoming,
    stored: Stored,
    correlation_id: UUID,
    end: EssayUploadFinished | None,
) -> FileUpload:
    """Write the rows of durable bytes and tell. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    upload = find_repeat(batch, incoming)
    if upload:
        transaction.on_commit(lambda: content.discard(stored))
    else:
        content.record(stored, owner.pk, batch.pk)
        quotas.admit_file(owner.pk, stored.size)
        upload = make_row(batch, incoming, correlation_id, sha256=stored.sha256)
        upload.raw_storage_id = stored.id
        upload.save(force_insert=True)
        report_added(upload)
    if end:
        emit(told_now(end))
    return upload
