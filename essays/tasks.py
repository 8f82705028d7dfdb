"""Step tasks: each runs the pure step of a phase on one queued essay and hands the outcome to one action."""

from essays import actions, batch_wide, dead_letters
from files import content
from files.store import is_refused
from huleedu.events.phase import BatchWidePhase, Phase
from huleedu.events.phases import essay_phase
from huleedu.failures.errors import ContentDamaged, ErrorCode, StepError
from huleedu.models import WorkItem
from huleedu.work.handlers import Handler


def run_step(item: WorkItem) -> None:
    """Run one step on one essay's text and record how it ended."""
    run = actions.begin_step(item)
    if run is None:
        return
    try:
        outcome = essay_phase(item.step).step(content.read_text(run.text_storage_id), run.language)
    except StepError as error:
        actions.fail_step(item, error.code, error.details)
        return
    except ContentDamaged as error:
        actions.fail_step(item, ErrorCode.CONTENT_DAMAGED, error.facts)
        return
    actions.record_step(item, outcome)


def handler_of(phase: Phase) -> Handler:
    """Who does the work of ``phase``."""
    if isinstance(phase, BatchWidePhase):
        return batch_wide.handler_of(phase)
    return Handler(
        phase.name,
        run_step,
        actions.give_up_step,
        dead_letters.check,
        dead_letters.repeat,
        must_wait=is_refused,
    )
