"""Step tasks: each takes one queued essay, runs the pure step, hands the outcome to one action."""

from essays import actions
from essays.phases import PHASES
from files import content
from files.store import STORE
from huleedu import work
from huleedu.errors import ContentDamaged, ErrorCode, StepError
from huleedu.models import WorkItem


def spellcheck_next() -> bool:
    """Run the next queued spelling check; False when there is none."""
    return run_next("spellcheck")


def run_next(phase_name: str) -> bool:
    """Run the next queued step of a phase; False when there is none, or while the store is left alone."""
    if STORE.breaker.is_refusing:
        return work.abstain()
    with work.claimed(phase_name) as item:
        if item is not None:
            work.run(item, run_step, actions.give_up_step)
    return item is not None


def run_step(item: WorkItem) -> None:
    """Run one step on one essay's text and record how it ended."""
    run = actions.begin_step(item)
    if run is None:
        return
    try:
        outcome = PHASES[item.step].step(content.read_text(run.text_storage_id), run.language)
    except StepError as error:
        actions.fail_step(item, error.code, error.details)
        return
    except ContentDamaged as error:
        actions.fail_step(item, ErrorCode.CONTENT_DAMAGED, error.facts)
        return
    actions.record_step(item, outcome)
