"""A teacher has read an essay, and notes something of it for herself. The batch is locked first."""

from collections.abc import Container

from django.contrib.auth.models import User
from django.db import transaction

from essays.models import EssayNote
from essays.notes import is_read, note_of
from files.models import FileUpload
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import EssayNoteChanged
from huleedu.failures.errors import Refused


@transaction.atomic
def note(
    upload: FileUpload,
    user: User,
    *,
    text: str | None = None,
    read: bool | None = None,
    versions: Container[int] | None = None,
) -> EssayNote:
    """Keep ``text`` as the note on the file's essay, and whether it is ``read``; None: as it is.

    With ``versions`` the text is changed only while the note has one of them. What it says already changes
    nothing, whichever version it has: a repeat is no conflict. Raises ``Refused``.
    """
    current = FileUpload.objects.locked(upload.pk)
    if current.slot_id is None:
        raise Refused("NOT_AN_ESSAY")
    found = note_of(current)
    rewritten = text is not None and text != found.text
    if rewritten and versions is not None and found.version not in versions:
        raise Refused("NOTE_CHANGED", version=found.version)
    ticked = read is not None and read != is_read(current)
    if rewritten:
        found.text, found.version = text or "", found.version + 1
    if ticked:
        found.read_hash = current.content_hash if read else ""
    if rewritten or ticked:
        found.revision += 1
        found.save()
        report(current, user, found)
    return found


def report(upload: FileUpload, user: User, found: EssayNote) -> None:
    """Tell other windows that there is another note, not what it says."""
    emit(
        EssayNoteChanged(
            batch_id=upload.batch_id,
            correlation_id=upload.correlation_id,
            revision=found.revision,
            file_upload_id=upload.pk,
            rev=upload.rev,
            essay_id=upload.slot_id,
            who=user.pk,
            is_read=found.read_hash == upload.content_hash,
            note_version=found.version,
        )
    )
