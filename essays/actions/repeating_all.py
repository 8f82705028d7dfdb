"""Running a step of every essay of a batch again."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import report_change
from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot
from essays.actions.repeating import check_texts, refuse_repeat
from essays.actions.requesting import FILLED
from files.models import FileUpload
from huleedu.events.vocabulary import BatchReprocessRequested
from huleedu.failures.errors import Refused


def repeat_batch(batch_id: UUID, user: User, phase_name: str) -> Batch:
    """Run one step of every essay again.

    Raises ``Refused``, also when a text is not there whole, and ``StorageFailed``: then all stays as it is.
    """
    check_repeat_of_all(batch_id, phase_name)
    return begin_repeat_of_all(batch_id, user, phase_name)


def check_repeat_of_all(batch_id: UUID, phase_name: str) -> None:
    """Make sure that every essay's text can be read for the step, and lock nothing meanwhile.

    Raises ``Refused`` and ``StorageFailed``.
    """
    refuse_repeat(Batch.objects.still_there(batch_id), phase_name)
    check_texts(EssaySlot.objects.filter(batch_id=batch_id, file__status=FileUpload.Status.ASSIGNED))


@transaction.atomic
def begin_repeat_of_all(batch_id: UUID, user: User, phase_name: str) -> Batch:
    """Order the step once more for every essay and tell. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    refuse_repeat(batch, phase_name)
    slots = list(batch.slots.filter(status__in=FILLED, file__status=FileUpload.Status.ASSIGNED))
    if not slots:
        raise Refused("NO_ESSAYS")
    batch.change()
    for slot in slots:
        slot.repeat()
    reopen_if_done(batch)
    report_change(batch, BatchReprocessRequested, user.pk, None, phase_name)
    return batch
