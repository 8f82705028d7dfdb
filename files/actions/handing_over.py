"""A teacher's batches go to a colleague, with all that belongs to them."""

from typing import NamedTuple
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import report_change
from batches.models import Batch
from files.models import StoredContent
from huleedu.erasure import Erasure
from huleedu.events.vocabulary import BatchHandedOver
from huleedu.models import Feed, IdempotencyRecord, WorkItem
from huleedu.security.security_log import record
from huleedu.security_kinds import SecurityKind

log = structlog.get_logger(__name__)


class HandedOver(NamedTuple):
    """How many batches have another owner now, and how many of them lie in the bin."""

    batches: int
    binned: int


def hand_over(owner: User, colleague: User) -> HandedOver:
    """Give every batch of ``owner`` to ``colleague``, one transaction each; returns how many.

    Those in the bin go along: there they wait for the same day, and the colleague may restore them. Cut off
    in between, it can be repeated for the rest. Content that no batch uses stays where it is, and so do
    counts of the day; bytes kept are counted where the content is.
    """
    batches = Batch.objects.filter(owner=owner).order_by("created_at").values_list("pk", flat=True)
    moved = [hand_over_batch(batch_id, owner, colleague) for batch_id in list(batches)]
    binned = [batch.binned_at is not None for batch in moved if batch is not None]
    count = len(binned)
    # Answers that were kept for repeats tell of what is no longer hers.
    IdempotencyRecord.objects.filter(owner=owner).delete()
    record(SecurityKind.ACCOUNT_HANDED_OVER, account=owner, subject=colleague, details={"counted": count})
    log.info("account.handed_over", user_id=owner.pk, to_user_id=colleague.pk, count=count)
    return HandedOver(count, sum(binned))


@transaction.atomic
def hand_over_batch(batch_id: UUID, owner: User, colleague: User) -> Batch | None:
    """Give one batch away; None when it is not ``owner``'s any more.

    From the commit on every look-up finds the colleague, and the feed tells her. Pages that the former owner
    has open hear that the batch changed, ask for it, and get 404; their sockets close when they look again.
    """
    batch = Batch.objects.filter(owner=owner).select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None or owner.pk == colleague.pk:
        return None
    batch.owner = colleague
    batch.version += 1
    batch.save(update_fields=["owner", "version"])
    StoredContent.objects.filter(batch=batch).update(owner=colleague)
    WorkItem.objects.filter(batch_id=batch.pk).update(owner_id=colleague.pk)
    Erasure.objects.open().filter(batch_id=batch.pk).update(owner_id=colleague.pk)
    report_change(batch, BatchHandedOver, colleague.pk, owner.pk, colleague.pk)
    Feed.objects.filter(batch_id=batch.pk).update(owner_id=colleague.pk)
    return batch
