"""A teacher's batches go to a colleague, with all that belongs to them."""

from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from batches.actions import report_change
from batches.models import Batch
from files.models import StoredContent
from huleedu.events import BatchHandedOver
from huleedu.models import Feed, IdempotencyRecord, WorkItem
from huleedu.security_kinds import SecurityKind
from huleedu.security_log import record

log = structlog.get_logger(__name__)


def hand_over(owner: User, colleague: User) -> int:
    """Give every batch of ``owner`` to ``colleague``, one transaction each; returns how many.

    Cut off in between, it can be repeated for the rest. Content that no batch uses stays where it is, and so
    do counts of the day; bytes kept are counted where the content is.
    """
    batches = Batch.objects.owned_by(owner).order_by("created_at").values_list("pk", flat=True)
    count = sum(hand_over_batch(batch_id, owner, colleague) for batch_id in list(batches))
    # Answers that were kept for repeats tell of what is no longer hers.
    IdempotencyRecord.objects.filter(owner=owner).delete()
    record(SecurityKind.ACCOUNT_HANDED_OVER, account=owner, subject=colleague, details={"counted": count})
    log.info("account.handed_over", user_id=owner.pk, to_user_id=colleague.pk, count=count)
    return count


@transaction.atomic
def hand_over_batch(batch_id: UUID, owner: User, colleague: User) -> bool:
    """Give one batch away; False when it is not ``owner``'s any more.

    From the commit on every look-up finds the colleague, and the feed tells her. Pages that the former owner
    has open hear that the batch changed, ask for it, and get 404; their sockets close when they look again.
    """
    batch = Batch.objects.owned_by(owner).select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None or owner.pk == colleague.pk:
        return False
    batch.owner = colleague
    batch.version += 1
    batch.save(update_fields=["owner", "version"])
    StoredContent.objects.filter(batch=batch).update(owner=colleague)
    WorkItem.objects.filter(batch_id=batch.pk).update(owner_id=colleague.pk)
    report_change(batch, BatchHandedOver, colleague.pk, owner.pk, colleague.pk)
    Feed.objects.filter(batch_id=batch.pk).update(owner_id=colleague.pk)
    return True
