"""Step tasks: each runs the pure step of a phase on what is queued and hands the outcome to one action."""

from functools import partial

from essays import dead_letters
from essays.actions import batch_wide, running
from essays.actions.batch_wide import Failure
from files import content
from files.store import is_refused
from huleedu.events.phase import BatchWidePhase, Phase, StepOutcome
from huleedu.events.phases import essay_phase
from huleedu.failures.errors import ContentDamaged, ErrorCode, StepError
from huleedu.models import WorkItem
from huleedu.work.handlers import Handler


def run_step(item: WorkItem) -> None:
    """Run one step on one essay's text and record how it ended."""
    run = running.begin_step(item)
    if run is None:
        return
    try:
        outcome = essay_phase(item.step).step(content.read_text(run.text_storage_id), run.language)
    except StepError as error:
        running.fail_step(item, error.code, error.details)
        return
    except ContentDamaged as error:
        running.fail_step(item, ErrorCode.CONTENT_DAMAGED, error.facts)
        return
    running.record_step(item, outcome)


def run_batch_wide(phase: BatchWidePhase, item: WorkItem) -> None:
    """Run the step of ``phase`` on the batch's essays as they are now, and record how it ended."""
    if not batch_wide.has_begun(item):
        return
    essays = batch_wide.essays_of(item.batch)
    try:
        ended: StepOutcome | Failure = phase.step([each.read() for each in essays])
    except StepError as error:
        ended = Failure(error.code, error.details)
    except ContentDamaged as error:
        ended = Failure(ErrorCode.CONTENT_DAMAGED, error.facts)
    batch_wide.record(item, essays, ended)


def handler_of(phase: Phase) -> Handler:
    """Who does the work of ``phase``."""
    if isinstance(phase, BatchWidePhase):
        return Handler(
            phase.name,
            partial(run_batch_wide, phase),
            batch_wide.give_up,
            dead_letters.check_batch_wide,
            dead_letters.repeat_batch_wide,
            must_wait=is_refused,
        )
    return Handler(
        phase.name,
        run_step,
        running.give_up_step,
        dead_letters.check,
        dead_letters.repeat,
        must_wait=is_refused,
    )
