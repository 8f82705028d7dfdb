"""What support staff do with dead letters. Each change is one transaction and may be repeated."""

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batches.models import Batch
from essays import actions as essay_actions
from files import actions as file_actions
from files.models import FileUpload
from huleedu.erasure import erased_if_gone
from huleedu.errors import Refused
from huleedu.models import LANES, DeadLetter, OutboxMessage
from huleedu.waking import wake

log = structlog.get_logger(__name__)


def replay(dead_letter: DeadLetter, user: User) -> DeadLetter:
    """Try it again: an event goes back to the outbox, failed work is asked for anew as a repeat by ``user``.

    A letter that was handled before stays as it is. Raises ``Refused`` when its file has moved on since or
    cannot be read, and ``StorageFailed``.
    """
    check_replay(dead_letter)
    return set_going(dead_letter, user)


def check_replay(dead_letter: DeadLetter) -> None:
    """Make sure that what failed work needs can be read, and lock nothing meanwhile.

    Raises ``Refused`` and ``StorageFailed``.
    """
    with erased_if_gone():
        letter = DeadLetter.objects.get(pk=dead_letter.pk)
    if letter.status == DeadLetter.Status.DEAD and letter.kind == DeadLetter.Kind.WORK:
        check_work(letter)


@transaction.atomic
def set_going(dead_letter: DeadLetter, user: User) -> DeadLetter:
    """Do it and close the letter, if it still is dead. Raises ``Refused``."""
    letter = locked(dead_letter)
    if letter.status != DeadLetter.Status.DEAD:
        return letter
    if letter.kind == DeadLetter.Kind.EVENT:
        put_back(letter)
    else:
        repeat_work(letter, user)
    return close(letter, user, DeadLetter.Status.REPLAYED)


@transaction.atomic
def discard(dead_letter: DeadLetter, user: User) -> DeadLetter:
    """Nothing more is to be done. A letter that was handled before stays as it is. Raises ``Refused``."""
    letter = locked(dead_letter)
    if letter.status != DeadLetter.Status.DEAD:
        return letter
    return close(letter, user, DeadLetter.Status.DISCARDED)


def locked(dead_letter: DeadLetter) -> DeadLetter:
    """The letter as it is now, locked. Raises ``Refused`` when it has been erased."""
    with erased_if_gone():
        return DeadLetter.objects.select_for_update().get(pk=dead_letter.pk)


def put_back(letter: DeadLetter) -> None:
    """The event is due again with all its attempts; what consumed it before is not repeated."""
    message = OutboxMessage(
        event_id=letter.event_id,
        event_type=letter.event_type,
        batch_id=letter.batch_id,
        lane=letter.batch_id.int % LANES,
        envelope=letter.envelope,
    )
    OutboxMessage.objects.bulk_create([message], ignore_conflicts=True)
    wake()


def repeat_work(letter: DeadLetter, user: User) -> None:
    """Its failure ended the file or the essay, so only a new revision can bring another outcome."""
    list(Batch.objects.select_for_update(no_key=True).filter(pk=letter.batch_id))
    upload = upload_of(letter)
    if letter.event_type == file_actions.EXTRACT:
        file_actions.begin_reread(upload, user)
    else:
        essay_actions.begin_repeat(upload, user, letter.event_type)


def check_work(letter: DeadLetter) -> None:
    """Make sure that what failed work needs can be read: the store is not waited for under a lock.

    Raises ``Refused`` and ``StorageFailed``.
    """
    upload = upload_of(letter)
    if letter.event_type == file_actions.EXTRACT:
        file_actions.check_reread(upload)
    else:
        essay_actions.check_repeat(upload, letter.event_type)


def upload_of(letter: DeadLetter) -> FileUpload:
    """The file on which the work failed, with its slot. Raises ``Refused`` when it has moved on since."""
    upload = FileUpload.objects.select_related("slot").filter(pk__in=[letter.file_upload_id]).first()
    if upload is None or not is_current(letter, upload):
        raise Refused("DEAD_LETTER_OUTDATED")
    return upload


def is_current(letter: DeadLetter, upload: FileUpload) -> bool:
    """True while the file or essay still is what the work failed on."""
    revision = letter.envelope["revision"]
    if letter.event_type == file_actions.EXTRACT:
        # One that was an essay already still is, with the error of reading it again.
        told = upload.status in {FileUpload.Status.FAILED, FileUpload.Status.ASSIGNED}
        return told and upload.error is not None and upload.revision == revision
    slot = upload.slot
    return slot is not None and str(slot.pk) == letter.envelope["subject_id"] and slot.revision == revision


def close(letter: DeadLetter, user: User, status: DeadLetter.Status) -> DeadLetter:
    """Record who handled the letter, how and when."""
    letter.status = status
    letter.handled_by_id = user.pk
    letter.handled_at = timezone.now()
    letter.save(update_fields=["status", "handled_by_id", "handled_at"])
    log.info(
        "dead_letter.handled",
        corr_id=str(letter.correlation_id),
        batch_id=str(letter.batch_id),
        phase=letter.event_type,
        status=status.value,
        handled_by=user.pk,
    )
    return letter
