"""What a batch is called, what it is about, and whether it starts by itself."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from batches.actions.deciding import report_change
from batches.actions.progress import begin
from batches.models import Batch
from huleedu.events.vocabulary import BatchSettingsChanged

AUTO_START = "auto_start"


@transaction.atomic
def describe(batch_id: UUID, user: User, said: dict[str, str | bool]) -> Batch:
    """Set ``title``, ``class_name``, ``assignment`` or ``auto_start``, those that ``said`` has, at any time.

    A batch that waits for its start begins when it is to start by itself. What it says already changes
    nothing. Raises ``Refused`` when the batch was erased.
    """
    batch = Batch.objects.locked(batch_id)
    changed = [name for name, value in said.items() if value != value_of(batch, name)]
    if not changed:
        return batch
    fields: dict[str, Any] = {name: said[name] for name in changed if name != AUTO_START}
    if AUTO_START in changed:
        fields["configuration"] = {**batch.configuration, AUTO_START: said[AUTO_START]}
    batch.change(**fields)
    report_change(batch, BatchSettingsChanged, user.pk, None, None, settings=changed)
    if batch.status == Batch.Status.READY and batch.settings.auto_start:
        begin(batch)
    return batch


def value_of(batch: Batch, name: str) -> str | bool:
    """What the batch says now."""
    if name == AUTO_START:
        return batch.settings.auto_start
    return str(getattr(batch, name))
