"""The places for essays in a batch: how many, which are free, and whether files still come in."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from batches.actions.deciding import refuse_cancelled, report_change
from batches.actions.progress import reopen_if_done
from batches.models import Batch, EssaySlot, takes_files
from huleedu.events.vocabulary import BatchExpectationChanged
from huleedu.failures.errors import Refused


@transaction.atomic
def expect(batch_id: UUID, user: User, expected_essay_count: int) -> Batch:
    """Raise or lower the number of essays. Lowering removes empty slots only.

    A completed batch goes on when files wait for the new places. Raises ``Refused``.
    """
    batch = Batch.objects.locked(batch_id)
    refuse_cancelled(batch)
    old = batch.expected_essay_count
    if expected_essay_count == old:
        return batch
    if expected_essay_count > old:
        highest = max(batch.slots.values_list("number", flat=True))
        add_slots(batch, first=highest + 1, last=highest + expected_essay_count - old)
    else:
        remove_empty_slots(batch, old - expected_essay_count)
    batch.change(expected_essay_count=expected_essay_count)
    report_change(batch, BatchExpectationChanged, user.pk, old, expected_essay_count)
    # After the change is told, so that waiting files have their places before the phase is ordered.
    if expected_essay_count > old and batch.files.filter(status="excess").exists():
        reopen_if_done(batch)
    return batch


def add_slots(batch: Batch, first: int, last: int) -> list[EssaySlot]:
    """Make the slots numbered ``first`` to ``last``."""
    numbers = range(first, last + 1)
    return EssaySlot.objects.bulk_create(EssaySlot(batch=batch, number=number) for number in numbers)


def remove_empty_slots(batch: Batch, count: int) -> None:
    """Remove the ``count`` highest-numbered slots that no file holds, or refuse."""
    doomed = list(empty_slots(batch).order_by("-number").values_list("pk", flat=True)[:count])
    if len(doomed) < count:
        raise Refused("COUNT_BELOW_ASSIGNED", smallest=batch.expected_essay_count - len(doomed))
    EssaySlot.objects.filter(pk__in=doomed).delete()


def empty_slots(batch: Batch) -> QuerySet[EssaySlot]:
    """The slots that no file holds."""
    return batch.slots.filter(status=EssaySlot.Status.AWAITING_CONTENT, file__isnull=True)


def check_open_for_content(batch: Batch) -> None:
    """Content may be added to the locked batch; one that had ended goes on where a place is free for it.

    Raises ``Refused("BATCH_CLOSED")`` when it was cancelled or lies in the bin.
    """
    if batch.binned_at is not None or not takes_files(batch.status):
        raise Refused("BATCH_CLOSED", status=batch.status)
    if batch.is_closed and empty_slots(batch).exists():
        reopen_if_done(batch)
