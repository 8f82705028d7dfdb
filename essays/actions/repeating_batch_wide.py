"""Running a step on a whole batch again."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import report_change
from batches.actions.progress import reopen_if_done
from batches.models import Batch
from huleedu.events.vocabulary import BatchReprocessRequested
from huleedu.failures.errors import Refused


def check_repeat(batch: Batch, phase_name: str) -> None:
    """Raise ``Refused`` unless the batch has the phase and is done: until then it is ordered anyway."""
    if phase_name not in batch.settings.steps:
        raise Refused("STEP_NOT_CONFIGURED", phase=phase_name)
    if not batch.is_closed or batch.status == Batch.Status.CANCELLED:
        raise Refused("BATCH_ALREADY_STARTED", status=batch.status)


@transaction.atomic
def begin_repeat(batch_id: UUID, user: User, phase_name: str) -> Batch:
    """Run the batch once more; essays that have all their steps keep them. Raises ``Refused``."""
    batch = Batch.objects.locked(batch_id)
    check_repeat(batch, phase_name)
    batch.change()
    reopen_if_done(batch)
    report_change(batch, BatchReprocessRequested, user.pk, None, phase_name)
    return batch
