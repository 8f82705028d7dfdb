"""The orchestrator: what events make of a batch. Each runs in the relay's transaction."""

from batches.actions.deadline import READINESS_TIMER
from batches.actions.progress import begin, initiate_next, reopen_if_done
from batches.models import Batch, EssaySlot
from huleedu.events.phases import is_batch_wide
from huleedu.events.vocabulary import BatchEssaysReady, BatchPhaseConcluded, BatchResultsReady
from huleedu.work.timers import clear_timer

UNSETTLED = (EssaySlot.Status.READY, EssaySlot.Status.PROCESSING)


def begin_processing(event: BatchEssaysReady) -> None:
    """Readiness starts the first phase, unless the batch waits for its teacher."""
    batch = Batch.objects.locked(event.batch_id)
    clear_timer(READINESS_TIMER, batch.pk)
    if batch.status == Batch.Status.READY and batch.settings.auto_start:
        begin(batch)


def start_next_phase(event: BatchPhaseConcluded) -> None:
    """One phase concluded: order the next."""
    batch = Batch.objects.locked(event.batch_id)
    if batch.status == Batch.Status.PROCESSING and event.revision == batch.run:
        initiate_next(batch)


def complete(event: BatchResultsReady) -> None:
    """The results of this run are there: the batch is done, or goes on with essays that came meanwhile."""
    batch = Batch.objects.locked(event.batch_id)
    if batch.status != Batch.Status.PROCESSING or event.revision != batch.run:
        return
    batch.complete(event.status)
    if has_come_meanwhile(batch):
        reopen_if_done(batch)


def has_come_meanwhile(batch: Batch) -> bool:
    """Whether an essay came too late for this run, which has concluded."""
    wide = [step for step in batch.settings.steps if is_batch_wide(step)]
    if len(wide) < len(batch.settings.steps) and batch.slots.filter(status__in=UNSETTLED).exists():
        return True
    phases = batch.phases.filter(run=batch.run, phase__in=wide) if wide else []
    essays = batch.files.filter(status="assigned").count() if wide else 0
    return any(phase.essays != essays for phase in phases)
