"""Stopping a batch, and going on with it after all."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batches.actions.deadline import READINESS_TIMER
from batches.actions.deciding import report_change
from batches.actions.progress import initiate_next
from batches.models import Batch
from huleedu.events.vocabulary import BatchCancelled, BatchResumed
from huleedu.failures.errors import Refused
from huleedu.work.timers import clear_timer, set_timer


@transaction.atomic
def cancel(batch_id: UUID, user: User, reason: str = "") -> Batch:
    """Stop a batch; its files stay. Repeating it changes nothing. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    if batch.status == Batch.Status.CANCELLED:
        return batch
    if batch.is_closed:
        raise Refused("BATCH_CLOSED", status=batch.status)
    old = batch.status
    batch.move_to(Batch.Status.CANCELLED)
    batch.change(completed_at=timezone.now())
    clear_timer(READINESS_TIMER, batch.pk)
    report_change(batch, BatchCancelled, user.pk, old, batch.status, reason=reason)
    return batch


@transaction.atomic
def resume(batch_id: UUID, user: User) -> Batch:
    """Take a cancellation back: the batch waits for essays again, or a new run does what is not done yet.

    What lay between is made up by whoever hears of it. Repeating it changes nothing. Raises ``Refused``.
    """
    batch = Batch.objects.locked(batch_id)
    if batch.status != Batch.Status.CANCELLED:
        return batch
    batch.change()
    if batch.started_at is None:
        batch.wait_again()
        if batch.timed_out_at is None:
            set_timer(READINESS_TIMER, batch.pk, batch.deadline)
    else:
        batch.reopen()
    report_change(batch, BatchResumed, user.pk, Batch.Status.CANCELLED, batch.status)
    # After the change is told, so that waiting files have their places before the phase is ordered.
    if batch.status == Batch.Status.PROCESSING:
        initiate_next(batch)
    return batch
