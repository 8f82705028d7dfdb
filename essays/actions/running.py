"""A step on an essay, from the queue to its end."""

from typing import Any

from django.db import transaction

from batches.models import Batch, EssaySlot
from essays.models import StepRun
from huleedu.answers.error_words import make_detail
from huleedu.events.following import followed
from huleedu.events.outbox import emit
from huleedu.events.phase import StepOutcome
from huleedu.events.phases import PHASES, essay_phase, is_batch_wide
from huleedu.models import WorkItem
from huleedu.postgres.held import held
from huleedu.postgres.kept import NUMBER, ONE, Kept
from huleedu.work import queue as work

LOCKED = Kept(
    lambda slot_id, phase, revision: (
        StepRun.objects.filter(slot_id=slot_id, phase=phase, revision=revision)
        .select_related("slot__batch")
        .select_for_update(of=("slot__batch", "slot", "self"), no_key=True)
    ),
    ONE,
    "phase",
    NUMBER,
)


def begin_step(item: WorkItem) -> StepRun | None:
    """Mark the run as running and return it; None when it is outdated."""
    run = StepRun.begin(item.subject_id, item.step, item.revision)
    if run is None:
        work.finish(item)
    return run


@followed
def record_step(item: WorkItem, outcome: StepOutcome) -> None:
    """A step succeeded: keep its output and tell."""
    locked = lock_run(item)
    if locked is None:
        return
    run, slot, batch = locked
    run.succeed(outcome.engine, outcome.output)
    report_completed(run, slot, batch, outcome.figures)


@followed
def fail_step(item: WorkItem, code: str, details: dict[str, Any]) -> None:
    """A step cannot be done on this text: keep why and tell."""
    locked = lock_run(item)
    if locked is not None:
        end_failed(*locked, code, details)


@transaction.atomic
def give_up_step(item: WorkItem) -> None:
    """Every try failed for reasons of ours: the essay shows it, and can be tried again."""
    run = find_run(item)
    if run is not None and run.status not in StepRun.ENDED:
        end_failed(run, run.slot, run.slot.batch, PHASES[run.phase].gave_up, {"attempts": item.attempts})


def find_run(item: WorkItem) -> StepRun | None:
    """The run that ``item`` was queued for, with its slot and batch, the batch locked first."""
    run = LOCKED.first(item.subject_id, item.step, item.revision)
    if run is not None:
        run.slot.batch = held(run.slot.batch_id, lambda: run.slot.batch)
    return run


def lock_run(item: WorkItem) -> tuple[StepRun, EssaySlot, Batch] | None:
    """Lock what a step's result touches, the batch first; None when this attempt is outdated."""
    run = find_run(item)
    if not work.finish(item) or run is None or run.status in StepRun.ENDED:
        return None
    return run, run.slot, run.slot.batch


def end_failed(run: StepRun, slot: EssaySlot, batch: Batch, code: str, details: dict[str, Any]) -> None:
    """Mark the locked run failed and tell."""
    run.fail(make_detail(code, run.phase, run.correlation_id, **details).model_dump(mode="json"))
    report_completed(run, slot, batch, {})


def report_completed(run: StepRun, slot: EssaySlot, batch: Batch, figures: dict[str, Any]) -> None:
    """Emit the phase's completed event; settle the essay when it was its last step on its present text."""
    if slot.revision == run.revision:
        settle(run, slot, batch)
    emit(
        essay_phase(run.phase).completed.model_validate(
            {
                "batch_id": batch.pk,
                "correlation_id": run.correlation_id,
                "revision": run.revision,
                "essay_id": slot.pk,
                "file_upload_id": run.file_upload_id,
                "status": run.status,
                "error": run.error,
                "duration_ms": run.duration_ms,
                "engine": run.engine,
                "language": run.language or None,
                "essay_status": slot.status if slot.revision == run.revision else None,
                **figures,
            }
        )
    )


def settle(run: StepRun, slot: EssaySlot, batch: Batch) -> None:
    """Set the essay's state from its runs: failed if one failed, completed when all steps have succeeded."""
    steps = [step for step in batch.settings.steps if not is_batch_wide(step)]
    runs = {run.phase: run.status}
    if set(steps) != set(runs):
        runs |= dict(slot.step_runs.filter(revision=slot.revision).values_list("phase", "status"))
    if StepRun.Status.FAILED in runs.values():
        slot.move_to(EssaySlot.Status.FAILED)
    elif all(runs.get(step) == StepRun.Status.SUCCEEDED for step in steps):
        slot.move_to(EssaySlot.Status.COMPLETED)
