"""Out of the way and back: an archived batch leaves the overview and stays whole. Each is one transaction."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from batches.actions.binning import locked
from batches.actions.deciding import report_change
from batches.models import Batch
from huleedu.events.vocabulary import BatchArchived, BatchUnarchived


@transaction.atomic
def archive(batch_id: UUID, user: User) -> Batch:
    """Take the batch off the overview; all else goes on. A repeat changes nothing. Raises ``Refused``."""
    batch = locked(batch_id)
    if batch.archived_at is None:
        batch.change(archived_at=timezone.now())
        report_change(batch, BatchArchived, user.pk, None, None)
    return batch


@transaction.atomic
def unarchive(batch_id: UUID, user: User) -> Batch:
    """Bring the batch back to the overview. A repeat changes nothing. Raises ``Refused``."""
    batch = locked(batch_id)
    bring_back(batch, user.pk)
    return batch


def bring_back(batch: Batch, who: int) -> None:
    """As ``unarchive``, for the locked batch within the caller's transaction."""
    if batch.archived_at is not None:
        batch.change(archived_at=None)
        report_change(batch, BatchUnarchived, who, None, None)
