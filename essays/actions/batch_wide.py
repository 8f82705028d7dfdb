"""A phase on a whole batch: its one step, from the queue to the phase's conclusion."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from batches.models import Batch, BatchPhase
from essays.actions.concluding import conclude_phase, report_concluded
from files import content
from files.models import FileUpload
from huleedu.answers.error_words import make_detail
from huleedu.events.outbox import emit
from huleedu.events.phase import EssayText, StepOutcome
from huleedu.events.phases import PHASES
from huleedu.models import WorkItem
from huleedu.work import queue as work


@dataclass(frozen=True)
class Failure:
    """Why a step on a batch failed."""

    code: str
    details: dict[str, Any]


@dataclass(frozen=True)
class Held:
    """An essay of the batch, and what of it the step depends on."""

    essay_id: UUID
    number: int
    revision: int
    text_id: UUID
    language: str

    def read(self) -> EssayText:
        """The essay with its text. Raises ``StorageFailed`` and ``ContentDamaged``."""
        return EssayText(self.essay_id, self.number, content.read_text(self.text_id), self.language)


@transaction.atomic
def has_begun(item: WorkItem) -> bool:
    """Whether the phase still waits for ``item``; an outdated item is finished."""
    if open_phase(item) is not None:
        return True
    work.finish(item)
    return False


@transaction.atomic
def record(item: WorkItem, essays: list[Held], ended: StepOutcome | Failure) -> None:
    """The step ended: keep how, and tell; nothing when this attempt is outdated.

    When the batch has other essays by now, or other texts, the step is queued anew for them.
    """
    found = open_phase(item)
    if not work.finish(item) or found is None:
        return
    batch, phase = found
    if essays_of(batch.pk) != essays:
        conclude_phase(batch)
        return
    conclude(batch, phase, item, essays, ended)


def give_up(item: WorkItem) -> None:
    """Every try failed for reasons of ours: the phase has failed, and the batch goes on.

    Within the caller's transaction.
    """
    found = open_phase(item)
    if found is not None:
        batch, phase = found
        failure = Failure(PHASES[item.step].gave_up, {"attempts": item.attempts})
        conclude(batch, phase, item, essays_of(batch.pk), failure)


def conclude(
    batch: Batch, phase: BatchPhase, item: WorkItem, essays: list[Held], ended: StepOutcome | Failure
) -> None:
    """Keep what the step found of the locked batch, or why it failed, and tell."""
    if isinstance(ended, Failure):
        detail = make_detail(ended.code, item.step, item.correlation_id, **ended.details)
        phase.conclude("failed", 0, len(essays), error=detail.model_dump(mode="json"))
    else:
        phase.conclude("succeeded", len(essays), 0, engine=ended.engine[:120], output=ended.output)
    emit(
        PHASES[item.step].completed.model_validate(
            {
                "batch_id": batch.pk,
                "correlation_id": batch.correlation_id,
                "revision": batch.run,
                "status": phase.status,
                "error": phase.error,
                "duration_ms": phase.duration_ms,
                "engine": phase.engine,
                **({} if isinstance(ended, Failure) else ended.figures),
            }
        )
    )
    report_concluded(batch, phase, [each.essay_id for each in essays] if phase.status == "failed" else [])


def open_phase(item: WorkItem) -> tuple[Batch, BatchPhase] | None:
    """The batch, locked, and its phase that ``item`` works for; None when the batch has moved on."""
    batch = Batch.objects.locked(item.batch)
    phase = batch.phases.filter(run=item.revision, phase=item.step, concluded_at__isnull=True).first()
    if phase is None or batch.status != Batch.Status.PROCESSING or batch.run != item.revision:
        return None
    return batch, phase


def essays_of(batch_id: UUID) -> list[Held]:
    """The batch's essays as they are now, in their order."""
    files = FileUpload.objects.filter(batch=batch_id, status=FileUpload.Status.ASSIGNED)
    uploads = files.select_related("slot", "batch").order_by("slot__number")
    return [
        Held(
            slot.pk,
            slot.number,
            slot.revision,
            slot.text_storage_id,
            upload.own_language or upload.batch.language,
        )
        for upload in uploads
        if (slot := upload.slot) is not None and slot.text_storage_id is not None
    ]
