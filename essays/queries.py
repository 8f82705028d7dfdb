"""One essay as the API shows it."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from batches.models import Batch, EssaySlot
from essays.accepted import accepted_in
from essays.languages import is_stray, language_of
from essays.models import StepRun
from essays.notes import is_read, note_of
from essays.shapes import EssayAnswer, NoteAnswer
from files import content
from files.models import FileUpload
from huleedu.events.phase import EssayPhase
from huleedu.events.phases import essay_phases
from huleedu.failures.errors import Refused

Left = Callable[[EssayPhase, Mapping[str, Any]], Mapping[str, Any]]


def find_essay(user: User, essay_id: UUID) -> EssaySlot:
    """The user's essay with batch and file. Raises ``EssaySlot.DoesNotExist``."""
    mine = EssaySlot.objects.filter(batch__in=Batch.objects.owned_by(user))
    return mine.select_related("batch", "file", "file__essay_note").get(pk=essay_id)


def file_of(slot: EssaySlot) -> FileUpload | None:
    """The file that holds the slot."""
    return slot.file if hasattr(slot, "file") else None


def text_file(slot: EssaySlot) -> FileUpload | None:
    """The file whose text the slot shows: none while its file is read again."""
    upload = file_of(slot)
    return upload if upload is not None and upload.status == FileUpload.Status.ASSIGNED else None


def shown_status(slot: EssaySlot) -> str:
    """Where the slot stands: a place whose file is read again waits for content, whatever it held before."""
    return slot.status if text_file(slot) is not None else EssaySlot.Status.AWAITING_CONTENT.value


def note(slot: EssaySlot) -> NoteAnswer:
    """What its teacher noted of the essay that holds the slot. Raises ``Refused`` when none does."""
    upload = file_of(slot)
    if upload is None:
        raise Refused("NOT_AN_ESSAY")
    kept = note_of(upload)
    return NoteAnswer(
        essay_id=slot.pk,
        batch_id=slot.batch_id,
        file_upload_id=upload.pk,
        note=kept.text,
        read=is_read(upload),
        version=kept.version,
    )


def texts_of(slot: EssaySlot) -> dict[UUID, str]:
    """The text that the slot shows, by its id. Raises ``StorageFailed`` and ``ContentDamaged``."""
    if slot.text_storage_id is None or text_file(slot) is None:
        return {}
    return {slot.text_storage_id: content.read_text(slot.text_storage_id)}


def essay(slot: EssaySlot, texts: Mapping[UUID, str] | None = None) -> EssayAnswer:
    """Text, figures and findings of its present revision; a text that is among ``texts`` is not read again.

    Raises ``StorageFailed`` and ``ContentDamaged``.
    """
    holds, upload = file_of(slot), text_file(slot)
    text_id = slot.text_storage_id if upload else None
    text = None
    if text_id is not None:
        text = (texts if texts and text_id in texts else texts_of(slot))[text_id]
    chosen = holds.chosen_language if holds else ""
    return EssayAnswer.model_validate(
        {
            "essay_id": slot.pk,
            "number": slot.number,
            "batch_id": slot.batch_id,
            "file_upload_id": holds.pk if holds else None,
            "filename": holds.filename if holds else None,
            "folder": holds.folder if holds else None,
            "language": (language_of(upload, slot.batch) if upload else chosen or slot.batch.language)
            or None,
            "language_chosen": bool(chosen),
            "found_language": (upload.language or None) if upload else None,
            "other_language": upload is not None and is_stray(upload, slot.batch),
            "status": shown_status(slot),
            "text": text,
            "text_storage_id": text_id,
            "words": upload.words if upload else None,
            "characters": len(text) if text is not None else None,
            "read": holds is not None and is_read(holds),
            "note": note_of(holds).text if holds else "",
            "note_version": note_of(holds).version if holds else 0,
            **(
                steps_of(slot, upload, text or "")
                if upload
                else {phase.name: None for phase in essay_phases()}
            ),
        }
    )


def steps_of(slot: EssaySlot, upload: FileUpload, text: str) -> dict[str, dict[str, Any] | None]:
    """Each phase's step on the slot's present revision, None before it was asked for; two queries."""
    runs = {run.phase: run for run in StepRun.objects.filter(slot=slot, revision=slot.revision)}
    accepted = accepted_in(slot.batch)

    def left(phase: EssayPhase, output: Mapping[str, Any]) -> Mapping[str, Any]:
        return phase.leave_out(output, text, accepted.within(upload.pk)) if accepted and output else output

    return {phase.name: step_of(phase, runs.get(phase.name), left) for phase in essay_phases()}


def step_of(phase: EssayPhase, run: StepRun | None, left: Left) -> dict[str, Any] | None:
    """How the step stands, with what its phase shows of its output, accepted words left out."""
    if run is None:
        return None
    output = left(phase, run.output or {})
    fields = phase.shape.model_fields
    empty = {
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in fields.items()
    }
    known = {"status": run.status, "language": run.language or None, "error": run.error}
    return {name: {**empty, **output, **known}[name] for name in fields}
