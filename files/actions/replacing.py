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
from files.undo import Earlier, earlier_version
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
    current = make_way(upload, owner)
    erasures.forget_version(owner.pk, current.batch_id, current.pk, current.revision)
    content.record(stored, owner.pk, current.batch_id)
    quotas.admit_file(owner.pk, stored.size)
    restart(
        current,
        clean_name(incoming.filename),
        clean_folder(incoming.folder) or current.folder,
        stored.size,
        stored.sha256,
        stored.id,
    )
    report_added(current)
    return current


def make_way(upload: FileUpload, owner: User) -> FileUpload:
    """Lock the file and tell that its present content leaves. Raises ``Refused``."""
    current = lock_changeable(upload.pk)
    if current.status == FileUpload.Status.REMOVED:
        raise Refused("FILE_REMOVED")
    if current.slot is not None or empty_slots(current.batch).exists():
        reopen_if_done(current.batch)
    bring_back(current.batch, owner.pk)
    report_removed(current, "replaced")
    return current


def put_back(upload: FileUpload, owner: User) -> FileUpload:
    """Put what the file was before it was replaced in its place; what it is now can be brought back then.

    Raises ``Refused``, also when it is too late, and ``StorageFailed``: then all stays as it is.
    """
    earlier = earlier_version(upload)
    if earlier is None:
        raise Refused("NOT_REMOVED")
    content.check_one(StoredContent.Kind.RAW, earlier.told.raw_storage_id)
    return exchange(upload, owner, earlier)


@transaction.atomic
def exchange(upload: FileUpload, owner: User, earlier: Earlier) -> FileUpload:
    """Write that the earlier content stands again and tell. Raises ``Refused``."""
    current = make_way(upload, owner)
    erasures.take_back(pk=earlier.erasure_id)
    erasures.forget_version(owner.pk, current.batch_id, current.pk, current.revision)
    told = earlier.told
    restart(
        current,
        told.filename,
        told.folder,
        told.size,
        told.content_hash,
        told.raw_storage_id,
        earlier.chosen_language,
    )
    report_added(current)
    return current


def restart(
    current: FileUpload,
    filename: str,
    folder: str,
    size: int,
    content_hash: str,
    raw_storage_id: UUID,
    chosen_language: str = "",
) -> None:
    """Read other content in the locked file's place; nothing is known of it yet but what was said of it."""
    current.restart(
        filename=filename,
        folder=folder,
        size=size,
        content_hash=content_hash,
        raw_storage_id=raw_storage_id,
        text_storage_id=None,
        format=None,
        words=None,
        characters=None,
        language="",
        chosen_language=chosen_language,
    )


def lock_changeable(file_upload_id: UUID) -> FileUpload:
    """Lock batch and file for other content in its place. Raises ``Refused`` for a cancelled batch."""
    upload = FileUpload.objects.locked(file_upload_id)
    refuse_cancelled(upload.batch)
    return upload
