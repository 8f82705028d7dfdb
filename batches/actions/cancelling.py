"""Stopping a batch for good."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batches.actions.deadline import READINESS_TIMER
from batches.actions.deciding import report_change
from batches.models import Batch
from huleedu.events.vocabulary import BatchCancelled
from huleedu.failures.errors import Refused
from huleedu.work.timers import clear_timer


@transaction.atomic
def cancel(batch_id: UUID, user: User, reason: str = "") -> Batch:
    """Stop a batch for good; its files stay. Repeating it changes nothing. Raises ``Refused``."""
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
