"""The end of a batch: how long it is kept, the bin, and out of it. Each function is one transaction."""

from datetime import date
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from batches.actions.deciding import report_change
from batches.keeping import WARNING, latest_choice
from batches.models import Batch
from huleedu.accounts import erasures
from huleedu.erasure import Erasure
from huleedu.events.feed import close_feed
from huleedu.events.vocabulary import BatchDeleted, BatchEndChanged, BatchRestored
from huleedu.failures.errors import Refused
from huleedu.postgres.clock import database_now

NOBODY = 0  # who ended it: time did


@transaction.atomic
def keep(batch_id: UUID, user: User, until: date) -> Batch:
    """Keep the batch to the end of ``until``, a day of the school's time. Raises ``Refused``."""
    batch = locked(batch_id)
    today = timezone.localdate(database_now())
    latest = latest_choice(timezone.localdate(batch.created_at), batch.ends_on)
    if until < today or (latest is not None and until > latest):
        raise Refused(
            "END_NOT_ALLOWED", earliest=today.isoformat(), latest=latest.isoformat() if latest else ""
        )
    old = batch.ends_on
    batch.change(ends_on=until)
    report_change(batch, BatchEndChanged, user.pk, old.isoformat() if old else None, until.isoformat())
    return batch


@transaction.atomic
def delete(batch_id: UUID, who: int) -> Batch:
    """Put the batch into the bin: its pages close, and it is erased when its time there is over.

    Raises ``Refused`` when it lies there already.
    """
    batch = locked(batch_id)
    erasures.ask(Erasure.Kind.BATCH, batch.owner_id, settings.BIN_SECONDS, batch_id=batch.pk)
    batch.change(binned_at=Now())
    batch.refresh_from_db(fields=["binned_at"])
    report_change(batch, BatchDeleted, who, None, None)
    close_feed(batch.pk, True)
    return batch


@transaction.atomic
def restore(batch_id: UUID, user: User) -> Batch:
    """Take the batch out of the bin, for another month at least. Raises ``Refused`` when it is too late."""
    batch = Batch.objects.locked(batch_id)
    if batch.binned_at is None:
        raise Refused("NOT_REMOVED")
    erasures.take_back(kind=Erasure.Kind.BATCH, batch_id=batch.pk)
    soonest = timezone.localdate(database_now()) + WARNING
    ends_on = max(batch.ends_on, soonest) if batch.ends_on else None
    batch.change(binned_at=None, ends_on=ends_on)
    close_feed(batch.pk, False)
    report_change(batch, BatchRestored, user.pk, None, None)
    return batch


@transaction.atomic
def erase_now(batch_id: UUID) -> None:
    """Have a batch that lies in the bin erased at once. Raises ``Refused``."""
    batch = Batch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    if batch is None:
        return  # erased meanwhile, which is what is wished
    if batch.binned_at is None:
        raise Refused("NOT_REMOVED")
    for erasure in Erasure.objects.open().filter(kind=Erasure.Kind.BATCH, batch_id=batch.pk):
        erasures.hasten(erasure)


def locked(batch_id: UUID) -> Batch:
    """The batch, locked. Raises ``Refused`` when it lies in the bin."""
    batch = Batch.objects.locked(batch_id)
    if batch.binned_at is not None:
        raise Refused("BATCH_DELETED")
    return batch


def end_due(limit: int) -> int:
    """Put batches whose last day is over into the bin, ``limit`` at most; returns how many."""
    today = timezone.localdate(database_now())
    over = Batch.objects.filter(binned_at=None, ends_on__lt=today).order_by("ends_on")
    ids = list(over.values_list("pk", flat=True)[:limit])
    return sum(end_one(batch_id) for batch_id in ids)


@transaction.atomic
def end_one(batch_id: UUID) -> bool:
    """Put one into the bin, unless its teacher was quicker; True when it lies there."""
    batch = Batch.objects.select_for_update(no_key=True).filter(pk=batch_id).first()
    today = timezone.localdate(database_now())
    if batch is None or batch.binned_at is not None or batch.ends_on is None or batch.ends_on >= today:
        return False
    delete(batch_id, NOBODY)
    return True
