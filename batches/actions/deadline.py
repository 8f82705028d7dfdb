"""Until when a batch waits for its essays."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batches.actions.deciding import open_batch, report_change
from batches.actions.progress import references
from batches.configuration import MAX_READINESS_SECONDS
from batches.models import Batch
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchDeadlineExtended, BatchReadinessTimeout
from huleedu.failures.errors import Refused
from huleedu.postgres.clock import database_now
from huleedu.work.timers import set_timer

READINESS_TIMER = "readiness"


@transaction.atomic
def extend(batch_id: UUID, user: User, seconds: int) -> Batch:
    """Move the readiness deadline ``seconds`` on, from now if it has passed. Raises ``Refused``."""
    batch = open_batch(batch_id)
    change_deadline(batch, user, max(batch.deadline, database_now()) + timedelta(seconds=seconds))
    return batch


@transaction.atomic
def move(batch_id: UUID, user: User, deadline: datetime) -> Batch:
    """Wait for essays until ``deadline``. The same again changes nothing. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    if deadline == batch.deadline:
        return batch
    batch = open_batch(batch_id)
    change_deadline(batch, user, deadline)
    return batch


def change_deadline(batch: Batch, user: User, deadline: datetime) -> None:
    """Set the locked batch's deadline and tell. Raises ``Refused``."""
    if batch.status != Batch.Status.AWAITING_CONTENT:
        raise Refused("BATCH_ALREADY_STARTED", status=batch.status)
    now = database_now()
    if deadline <= now:
        raise Refused("DEADLINE_PASSED")
    if deadline > now + timedelta(seconds=MAX_READINESS_SECONDS):
        raise Refused("DEADLINE_TOO_FAR", limit_seconds=MAX_READINESS_SECONDS)
    old = batch.deadline
    batch.change(deadline=deadline, timed_out_at=None)
    set_timer(READINESS_TIMER, batch.pk, deadline)
    report_change(batch, BatchDeadlineExtended, user.pk, old.isoformat(), deadline.isoformat())


@transaction.atomic
def pass_deadline(batch_id: UUID) -> None:
    """The readiness timer rang: report what is missing; readiness itself is decided by whoever hears it."""
    batch = Batch.objects.locked(batch_id)
    if batch.status != Batch.Status.AWAITING_CONTENT:
        return
    ready = references(batch)
    missing = batch.slots.exclude(pk__in=[reference.essay_id for reference in ready]).order_by("number")
    missing_ids = list(missing.values_list("pk", flat=True))
    batch.note_timeout(timezone.now())
    emit(
        BatchReadinessTimeout(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.version,
            ready_essays=ready,
            missing_n=len(missing_ids),
            missing_essay_ids=missing_ids,
            expected_count=batch.expected_essay_count,
            actual_count=len(ready),
            timeout_seconds=round((batch.deadline - batch.created_at).total_seconds()),
        )
    )
