"""Other content in a file's place."""

from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.archiving import bring_back
from batches.actions.deciding import refuse_cancelled
from batches.actions.places import empty_slots
from batches.actions.progress import reopen_if_done
from files import content
from files.actions.incoming import Incoming
from files.actions.reports import report_added, report_removed
from files.content import Stored
from files.models import FileUpload, StoredContent
from files.names import clean_folder, clean_name
from huleedu.accounts import erasures
from huleedu.api import quotas
from huleedu.failures.errors import Refused


def replace(upload: FileUpload, owner: User, incoming: Incoming) -> FileUpload:
    """Put other content in the file's place, its essay number kept; bytes durable first.

    Raises ``Refused`` (closed batch, removed file, too large) and ``content.StorageFailed``.
    """
    if incoming.file.size > settings.MAX_FILE_BYTES:
        raise Refused("FILE_TOO_LARGE", limit=settings.MAX_FILE_BYTES)
    stored = content.store(StoredContent.Kind.RAW, uuid4(), incoming.file)
    with content.discarded_when_refused(stored):
        return put_content(upload, owner, incoming, stored)


@transaction.atomic
def put_content(upload: FileUpload, owner: User, incoming: Incoming, stored: Stored) -> FileUpload:
    """Write the replacement of durable bytes and tell. Raises ``Refused``."""
    current = lock_changeable(upload.pk)
    if current.status == FileUpload.Status.REMOVED:
        raise Refused("FILE_REMOVED")
    if current.slot is not None or empty_slots(current.batch).exists():
        reopen_if_done(current.batch)
    bring_back(current.batch, owner.pk)
    report_removed(current, "replaced")
    erasures.forget_version(owner.pk, current.batch_id, current.pk, current.revision)
    content.record(stored, owner.pk, current.batch_id)
    quotas.admit_file(owner.pk, stored.size)
    current.restart(
        filename=clean_name(incoming.filename),
        folder=clean_folder(incoming.folder) or current.folder,
        size=stored.size,
        content_hash=stored.sha256,
        raw_storage_id=stored.id,
        text_storage_id=None,
        format=None,
        words=None,
        characters=None,
        language="",
        chosen_language="",
    )
    report_added(current)
    return current


def lock_changeable(file_upload_id: UUID) -> FileUpload:
    """Lock batch and file for other content in its place. Raises ``Refused`` for a cancelled batch."""
    upload = FileUpload.objects.locked(file_upload_id)
    refuse_cancelled(upload.batch)
    return upload
