"""The vocabulary: one frozen class per fact or command. Names, topics and fields are a public contract.

Unknown fields are rejected when an event is made and ignored when it is read. A text is ``Named`` when it may
tell of a person, and then goes when that is erased (``huleedu.events.redaction``); else it is ``Plain``.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from huleedu.events.choices import OneOf
from huleedu.personal import HARMLESS, PERSONAL, Named, Plain

UNDETERMINED = "und"  # a language that is not known (BCP 47)
SEPARATOR = "\x1f"  # a control character that no id, phase or outcome can hold
Kind = Literal["event", "command"]
Aggregate = Literal["batch", "file", "essay"]


def every_code() -> list[str]:
    """The codes of files and essays, those of phases among them."""
    from huleedu.events import phases  # which declare events themselves

    return phases.every_code()


class ErrorDetail(BaseModel):
    """What went wrong with one file or essay; safe to show to clients."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    error_code: Annotated[str, HARMLESS, OneOf(every_code)]
    message: Named
    correlation_id: UUID
    timestamp: datetime
    operation: Plain
    details: Annotated[dict[str, Any], PERSONAL] = Field(default_factory=dict)


def make_event_id(batch_id: UUID, subject: UUID, phase: str, revision: int, outcome: str) -> str:
    """Hex SHA-256 of what makes a fact the same fact: a replay has the same id."""
    parts = (str(batch_id), str(subject), phase, str(revision), outcome)
    return hashlib.sha256(SEPARATOR.join(parts).encode()).hexdigest()


class Event(BaseModel):
    """A fact or command about one batch, file or essay; ``revision`` counts deliberate repeats."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: ClassVar[str]
    phase_name: ClassVar[str]
    kind: ClassVar[Kind] = "event"
    aggregate: ClassVar[Aggregate] = "batch"
    version: ClassVar[int] = 1

    batch_id: UUID
    correlation_id: UUID
    revision: int = 0

    @classmethod
    def read(cls, data: dict[str, Any]) -> Self:
        """The event whose stored JSON is ``data``; fields of newer versions are ignored."""
        return cls.model_validate(data, extra="ignore")

    @property
    def outcome(self) -> str:
        """What tells this fact from others of the same subject, phase and revision."""
        return type(self).__name__

    @property
    def subject(self) -> UUID:
        """The id of the aggregate this event is about."""
        return self.batch_id

    @property
    def event_id(self) -> str:
        """Deterministic id, see ``make_event_id``."""
        return make_event_id(self.batch_id, self.subject, self.phase_name, self.revision, self.outcome)

    def data(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return self.model_dump(mode="json")


class FileEvent(Event):
    """An event about one uploaded file; ``rev`` is the row's revision as clients compare it."""

    aggregate: ClassVar[Aggregate] = "file"
    file_upload_id: UUID
    rev: int = 0

    @property
    def subject(self) -> UUID:
        return self.file_upload_id


class EssayEvent(Event):
    """An event about one essay slot."""

    aggregate: ClassVar[Aggregate] = "essay"
    essay_id: UUID

    @property
    def subject(self) -> UUID:
        return self.essay_id


class EssayReference(BaseModel):
    """An essay and the text it holds."""

    model_config = ConfigDict(frozen=True)
    essay_id: UUID
    text_storage_id: UUID


class BatchEssaysRegistered(Event):
    topic = "huleedu.batch.essays.registered.v1"
    phase_name = "register"
    owner_id: int
    expected_essay_count: int
    essay_ids: list[UUID]
    language: Plain
    configuration: Annotated[dict[str, Any], HARMLESS]


class BatchFileAdded(FileEvent):
    topic = "huleedu.file.batch.file.added.v1"
    phase_name = "intake"
    filename: Named
    folder: Named = ""
    size: int
    content_hash: Named
    raw_storage_id: UUID
    client_ref: Annotated[str | None, PERSONAL] = None
    created_at: datetime


class BatchFileRemoved(FileEvent):
    """``chosen_language`` is what the teacher had said of the content that leaves, empty if nothing."""

    topic = "huleedu.file.batch.file.removed.v1"
    phase_name = "intake"
    filename: Named
    reason: Literal["removed", "replaced"]
    essay_id: UUID | None = None
    chosen_language: Plain = ""


class EssayUploadFinished(Event):
    topic = "huleedu.file.essay.upload.finished.v1"
    phase_name = "intake"
    event: Literal["essay.upload.finished"] = "essay.upload.finished"
    expected_count: int
    upload_ts: datetime
    upload_id: UUID

    @property
    def outcome(self) -> str:
        return f"{type(self).__name__}:{self.upload_id}"


class FileProcessingStarted(FileEvent):
    topic = "huleedu.file.processing.started.v1"
    phase_name = "extract"


class Extraction(BaseModel):
    """Which engine read the file, and how long it took in milliseconds."""

    model_config = ConfigDict(frozen=True)
    engine: Plain
    duration_ms: int


class EssayContentProvisioned(FileEvent):
    topic = "huleedu.file.essay.content.provisioned.v1"
    phase_name = "extract"
    filename: Named
    raw_storage_id: UUID
    text_storage_id: UUID
    content_hash: Named
    size: int
    words: int
    characters: int
    format: Plain
    language: Annotated[str | None, HARMLESS] = None
    extraction: Extraction
    error: ErrorDetail | None = None


class EssayValidationFailed(FileEvent):
    topic = "huleedu.file.essay.validation.failed.v1"
    phase_name = "extract"
    filename: Named
    raw_storage_id: UUID | None
    size: int
    validation_error_code: Plain
    validation_error_detail: ErrorDetail


class EssaySlotAssigned(EssayEvent):
    topic = "huleedu.essay.lifecycle.essay.slot.assigned.v1"
    phase_name = "assign"
    essay_number: int
    file_upload_id: UUID
    text_storage_id: UUID
    filename: Named
    words: int | None = None
    characters: int | None = None
    format: Annotated[str | None, HARMLESS] = None
    language: Annotated[str | None, HARMLESS] = None
    rev: int = 0
    error: ErrorDetail | None = None

    @property
    def outcome(self) -> str:
        return f"assigned:{self.file_upload_id}"


class ExcessContentProvisioned(FileEvent):
    topic = "huleedu.essay.lifecycle.excess.content.provisioned.v1"
    phase_name = "assign"
    filename: Named
    text_storage_id: UUID
    reason: Literal["no_free_slot"] = "no_free_slot"


class DuplicateContentDetected(FileEvent):
    topic = "huleedu.essay.lifecycle.duplicate.content.detected.v1"
    phase_name = "assign"
    duplicate_of: UUID


class BatchEssaysReady(Event):
    topic = "huleedu.essay.lifecycle.batch.essays.ready.v1"
    phase_name = "readiness"
    ready_essays: list[EssayReference]
    failed_files: list[UUID]
    excess_files: list[UUID]


class BatchReadinessTimeout(Event):
    topic = "huleedu.batch.readiness.timeout.v1"
    phase_name = "readiness"
    ready_essays: list[EssayReference]
    missing_n: int
    missing_essay_ids: list[UUID]
    expected_count: int
    actual_count: int
    timeout_seconds: int


class PhaseInitiate(Event):
    """The orchestrator's order to run one phase over the batch."""

    kind: ClassVar[Kind] = "command"
    essays_to_process: list[EssayReference]
    language: Plain


class EssayPhaseRequest(EssayEvent):
    """The lifecycle's order to run one phase on one essay."""

    kind: ClassVar[Kind] = "command"
    file_upload_id: UUID
    text_storage_id: UUID
    language: Plain


class PhaseCompleted(EssayEvent):
    """One phase ended on one essay, well or not.

    ``essay_status`` is the essay's from now on, None when its text has changed meanwhile.
    """

    file_upload_id: UUID
    status: Literal["succeeded", "failed"]
    error: ErrorDetail | None = None
    duration_ms: int
    engine: Plain
    language: Annotated[str | None, HARMLESS] = None
    essay_status: Annotated[str | None, HARMLESS] = None

    @property
    def outcome(self) -> str:
        return self.status


class BatchPhaseCompleted(Event):
    """One phase ended on the whole batch, well or not; ``revision`` is the batch's run."""

    status: Literal["succeeded", "failed"]
    error: ErrorDetail | None = None
    duration_ms: int
    engine: Plain

    @property
    def outcome(self) -> str:
        return self.status


class BatchPhaseConcluded(Event):
    topic = "huleedu.batch.phase.concluded.v1"
    phase_name = "conclude"
    phase: Plain
    status: Literal["succeeded", "succeeded_with_failures", "failed"]
    succeeded: int
    failed: int
    essay_ids_failed: list[UUID]
    duration_ms: int

    @property
    def outcome(self) -> str:
        return f"concluded:{self.phase}"


class PhaseCounts(BaseModel):
    """How one phase ended over a batch."""

    model_config = ConfigDict(frozen=True)
    status: Plain
    succeeded: int
    failed: int
    duration_ms: int


class BatchResultsReady(Event):
    topic = "huleedu.results.batch.results.ready.v1"
    phase_name = "results"
    status: Literal["completed", "completed_with_failures", "failed"]
    essays: int
    succeeded: int
    failed: int
    duration_seconds: float
    phases: dict[str, PhaseCounts]


class ExportEnded(Event):
    """An export is ready, or could not be made; ``attempt`` counts how often it was asked for anew."""

    topic = "huleedu.results.export.ended.v1"
    phase_name = "export"
    export_id: UUID
    kind_of_export: Plain
    attempt: int
    status: Literal["ready", "failed"]
    essays: int

    @property
    def outcome(self) -> str:
        return f"{self.export_id}:{self.attempt}:{self.status}"


class FileReprocessRequested(FileEvent):
    topic = "huleedu.file.reprocess.requested.v1"
    phase_name = "reprocess"
    from_phase: Plain
    requested_by: int

    @property
    def outcome(self) -> str:
        return f"{type(self).__name__}:{self.from_phase}"


class FileLanguageChanged(FileEvent):
    """The teacher said in which language an essay is; ``language`` is its own from now on."""

    topic = "huleedu.file.language.changed.v1"
    phase_name = "language"
    who: int
    old: Annotated[str | None, HARMLESS]
    language: Annotated[str | None, HARMLESS]
    language_chosen: bool


class EssayNoteChanged(FileEvent):
    """A teacher has read an essay, or wrote her note on it; not what it says."""

    topic = "huleedu.essay.note.changed.v1"
    phase_name = "note"
    essay_id: UUID | None
    who: int
    is_read: bool
    note_version: int


class BatchLanguageFound(Event):
    """The first essays show the batch's language, which nobody chose."""

    topic = "huleedu.batch.language.found.v1"
    phase_name = "language"
    language: Plain

    @property
    def outcome(self) -> str:
        return f"found:{self.language}"


class BatchChange(Event):
    """A teacher's decision about a batch; ``who`` is the user id."""

    phase_name = "change"
    who: int
    old: Annotated[Any, HARMLESS] = None
    new: Annotated[Any, HARMLESS] = None
    status: Plain
    expected_essay_count: int
    deadline: datetime | None = None


class BatchCancelled(BatchChange):
    topic = "huleedu.batch.cancelled.v1"
    reason: Named = ""


class BatchResumed(BatchChange):
    """The batch is no longer cancelled."""

    topic = "huleedu.batch.resumed.v1"


class BatchExpectationChanged(BatchChange):
    topic = "huleedu.batch.expectation.changed.v1"


class BatchDeadlineExtended(BatchChange):
    topic = "huleedu.batch.deadline.extended.v1"


class BatchLanguageChanged(BatchChange):
    """``language`` is the batch's from now on, None when its essays do not show one."""

    topic = "huleedu.batch.language.changed.v1"
    language: Annotated[str | None, HARMLESS]
    language_chosen: bool


class BatchSettingsChanged(BatchChange):
    """``settings`` names what was changed; what the teacher wrote is with the batch alone."""

    topic = "huleedu.batch.settings.changed.v1"
    settings: Annotated[list[str], HARMLESS]


class BatchMarksChanged(BatchChange):
    """A teacher said that a word is no error, or that it is one; ``scope``: essay, batch or always."""

    topic = "huleedu.batch.marks.changed.v1"
    scope: Plain


class BatchDeleted(BatchChange):
    """The batch lies in the bin from now on; ``who`` is 0 when its time was over."""

    topic = "huleedu.batch.deleted.v1"


class BatchRestored(BatchChange):
    """The batch is out of the bin again."""

    topic = "huleedu.batch.restored.v1"


class BatchArchived(BatchChange):
    """The batch is off the overview from now on."""

    topic = "huleedu.batch.archived.v1"


class BatchUnarchived(BatchChange):
    """The batch is on the overview again: by its teacher, or by a file that was put into it."""

    topic = "huleedu.batch.unarchived.v1"


class BatchEndChanged(BatchChange):
    topic = "huleedu.batch.end.changed.v1"


class BatchStarted(BatchChange):
    topic = "huleedu.batch.started.v1"


class BatchReprocessRequested(BatchChange):
    topic = "huleedu.batch.reprocess.requested.v1"


class BatchHandedOver(BatchChange):
    """``old`` and ``new`` are the user ids of the owners."""

    topic = "huleedu.batch.handed.over.v1"


def concrete_events(base: type[Event] = Event) -> dict[str, type[Event]]:
    """All event classes that have a topic, by name."""
    found: dict[str, type[Event]] = {}
    for child in base.__subclasses__():
        if "topic" in vars(child):
            found[child.__name__] = child
        found.update(concrete_events(child))
    return found
