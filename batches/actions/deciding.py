"""Decisions about a batch: whether one may be taken, on what was seen of it, and what tells of it."""

from collections.abc import Callable, Container
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from batches.models import Batch
from huleedu.events.outbox import emit
from huleedu.events.vocabulary import BatchChange
from huleedu.failures.errors import Refused

Decided = TypeVar("Decided")


def open_batch(batch_id: UUID) -> Batch:
    """The batch, locked; raises ``Refused("BATCH_CLOSED")`` when it has ended."""
    batch = Batch.objects.locked(batch_id)
    if batch.is_closed:
        raise Refused("BATCH_CLOSED", status=batch.status)
    return batch


def refuse_cancelled(batch: Batch) -> None:
    """Raise ``Refused`` for a cancelled batch: nothing of it is read or checked any more."""
    if batch.status == Batch.Status.CANCELLED:
        raise Refused("BATCH_CLOSED", status=batch.status)


@transaction.atomic
def decide_as_seen(
    batch_id: UUID, versions: Container[int] | None, decision: Callable[[], Decided]
) -> Decided:
    """Carry ``decision`` out while the batch has one of ``versions``, with None whichever it has.

    Raises ``Refused`` when somebody has decided something that the caller has not seen.
    """
    if versions is not None:
        check_version(batch_id, versions)
    return decision()


def check_version(batch_id: UUID, versions: Container[int]) -> None:
    """Lock the batch within the caller's transaction if its version is one of ``versions``.

    Raises ``Refused("BATCH_CHANGED")`` when somebody has decided something that the caller has not seen.
    """
    version = Batch.objects.locked(batch_id).version
    if version not in versions:
        raise Refused("BATCH_CHANGED", version=version)


def report_change(
    batch: Batch,
    kind: type[BatchChange],
    who: int,
    old: object,
    new: object,
    **more: str | bool | list[str] | None,
) -> None:
    """Emit a teacher's decision with the batch as it is now; ``more`` are fields of that kind alone.

    Within the caller's transaction, the batch locked.
    """
    fields = {
        "batch_id": batch.pk,
        "correlation_id": batch.correlation_id,
        "revision": batch.version,
        "who": who,
        "old": old,
        "new": new,
        "status": batch.status,
        "expected_essay_count": batch.expected_essay_count,
        "deadline": batch.deadline,
        **more,
    }
    emit(kind.model_validate(fields))
