"""Starting with the essays that are here."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import open_batch, report_change
from batches.actions.progress import begin
from batches.models import Batch
from essays.actions.readiness import declare_ready
from files.models import FileUpload
from huleedu.events.vocabulary import BatchStarted
from huleedu.failures.errors import Refused


@transaction.atomic
def start(batch_id: UUID, user: User) -> Batch:
    """The teacher starts with what is here. Repeating it changes nothing. Raises ``Refused``."""
    batch = open_batch(batch_id)
    if batch.status == Batch.Status.PROCESSING:
        return batch
    if not batch.files.filter(status=FileUpload.Status.ASSIGNED).exists():
        raise Refused("NO_ESSAYS")
    old = batch.status
    batch.change()
    if batch.status == Batch.Status.AWAITING_CONTENT:
        declare_ready(batch)
    begin(batch)
    report_change(batch, BatchStarted, user.pk, old, batch.status)
    return batch
