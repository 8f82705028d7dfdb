"""What lies in a teacher's bin."""

from django.contrib.auth.models import User

from batches.models import Batch
from huleedu.erasure import Erasure
from results.shapes import BinnedBatch

MOST = 500


def binned(batch: Batch) -> BinnedBatch:
    """One batch in the bin."""
    return rows_of([batch])[0]


def contents(owner: User) -> list[BinnedBatch]:
    """The owner's deleted batches, the last first; two queries."""
    return rows_of(list(Batch.objects.binned_by(owner).order_by("-binned_at")[:MOST]))


def rows_of(batches: list[Batch]) -> list[BinnedBatch]:
    """Each with the time until which it can be restored, None when it is being erased."""
    asked = Erasure.objects.undoable().filter(
        kind=Erasure.Kind.BATCH, batch_id__in=[each.pk for each in batches]
    )
    until = dict(asked.values_list("batch_id", "due_at"))
    return [
        BinnedBatch(
            batch_id=batch.pk,
            title=batch.title,
            class_name=batch.class_name,
            deleted_at=batch.binned_at,
            erased_at=until.get(batch.pk),
        )
        for batch in batches
    ]
