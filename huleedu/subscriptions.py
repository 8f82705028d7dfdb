"""THE TABLE: event → what reacts to it, in order. This screen is the whole flow."""

from collections.abc import Callable

import batches.reactions as batch
import essays.reactions as essay
import files.reactions as file
import results.reactions as result
from batches.actions.deadline import READINESS_TIMER, pass_deadline
from huleedu.accounts import erasures
from huleedu.events.following import TABLE
from huleedu.events.phase import EssayPhase, Phase
from huleedu.events.phases import PHASES
from huleedu.forgetting import erasing
from huleedu.work.timers import TimerHandler

SUBSCRIPTIONS: dict[str, tuple[Callable[..., None], ...]] = {
    "BatchFileAdded": (file.queue_extraction,),
    "FileReprocessRequested": (file.queue_extraction, essay.repeat_requested_step),
    "BatchFileRemoved": (result.forget, essay.offer_places, result.conclude_without_steps),
    "EssayContentProvisioned": (essay.assign_slot,),
    "EssayValidationFailed": (result.forget, essay.offer_places, result.conclude_without_steps),
    "EssaySlotAssigned": (
        result.record_assigned,
        essay.stream_first_step,
        essay.note_progress,
        result.conclude_without_steps,
    ),
    "ExcessContentProvisioned": (essay.note_progress, result.conclude_without_steps),
    "DuplicateContentDetected": (result.forget, essay.offer_places, result.conclude_without_steps),
    "BatchResumed": (essay.offer_places, essay.note_progress, result.conclude_without_steps),
    "BatchExpectationChanged": (essay.offer_places, result.conclude_without_steps),
    "BatchReadinessTimeout": (essay.note_progress,),
    "BatchEssaysReady": (essay.find_language, batch.begin_processing, result.conclude_without_steps),
    "BatchStarted": (result.conclude_without_steps,),
    "BatchReprocessRequested": (essay.repeat_requested_phase,),
    "BatchPhaseConcluded": (batch.start_next_phase, result.conclude),
    "BatchResultsReady": (batch.complete,),
}
TABLE.reactions = SUBSCRIPTIONS


def reactions_of(phase: Phase) -> dict[str, tuple[Callable[..., None], ...]]:
    """What follows from the events of one phase: its order, its request for each essay, its end."""
    if not isinstance(phase, EssayPhase):
        return {phase.initiate.__name__: (essay.order_batch_step,)}
    return {
        phase.initiate.__name__: (essay.request_phase,),
        phase.request.__name__: (essay.queue_step,),
        phase.completed.__name__: (result.record_step, essay.note_step),
    }


for each in PHASES.values():
    SUBSCRIPTIONS |= reactions_of(each)

# These recognise a repeated event themselves and answer it again.
REPEATABLE: frozenset[Callable[..., None]] = frozenset({essay.assign_slot})

TIMERS: dict[str, TimerHandler] = {READINESS_TIMER: pass_deadline, erasures.TIMER: erasing.queue}
