"""The runs of a batch and the order of their phases, within the caller's transaction, the batch locked."""

from batches.actions.deciding import refuse_cancelled
from batches.models import Batch, BatchPhase
from huleedu.events.outbox import emit
from huleedu.events.phases import PHASES
from huleedu.events.vocabulary import UNDETERMINED, EssayReference


def begin(batch: Batch) -> None:
    """Start processing; the caller holds the batch lock."""
    batch.begin()
    initiate_next(batch)


def initiate_next(batch: Batch) -> None:
    """Order the first phase of this run that has not been started, if there is one."""
    started = set(batch.phases.filter(run=batch.run).values_list("phase", flat=True))
    phase = next((step for step in batch.settings.steps if step not in started), None)
    if phase is None:
        return
    BatchPhase.objects.create(batch=batch, phase=phase, run=batch.run)
    emit(
        PHASES[phase].initiate(
            batch_id=batch.pk,
            correlation_id=batch.correlation_id,
            revision=batch.run,
            essays_to_process=references(batch),
            language=batch.language or UNDETERMINED,
        )
    )


def reopen_if_done(batch: Batch) -> None:
    """A deliberate repeat on a completed batch starts another run; the caller holds the batch lock.

    Raises ``Refused`` for a cancelled batch.
    """
    refuse_cancelled(batch)
    if batch.is_closed:
        batch.reopen()
        initiate_next(batch)


def references(batch: Batch) -> list[EssayReference]:
    """The slots whose file is read, in order of their numbers."""
    filled = batch.slots.filter(file__status="assigned").order_by("number")
    return [
        EssayReference(essay_id=slot.pk, text_storage_id=slot.text_storage_id)
        for slot in filled
        if slot.text_storage_id is not None
    ]
