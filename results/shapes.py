"""Bodies of the API about whole batches."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from batches.configuration import Configuration, Step
from batches.shapes import BatchStatus, Language
from essays.shapes import EssayStatus
from files.format_name import FormatName
from files.shapes import FileRecord, FileStatus
from huleedu.api.phase_fields import bounds_per_phase, field_per_phase
from huleedu.api.shapes import Answer, Query
from huleedu.events.phases import batch_wide_phases, essay_phases
from results.standing import Show

PhaseStatus = Literal["running", "succeeded", "succeeded_with_failures", "failed"]
# Microseconds since 1970, up to the year 2286, and a batch; between a rank and a transaction in the order of
# needs; an empty one is the first page.
PLACE = "[0-9]{1,16}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CURSOR = f"^({PLACE}|[0-3]_{PLACE}_[0-9]{{1,19}})?$"


class BatchCounts(Answer):
    """``expected = free + assigned``, ``received = assigned + failed + excess + duplicate + in_progress``."""

    free: int
    assigned: int
    received: int
    in_progress: int
    failed: int
    excess: int
    duplicate: int


class BatchSummary(Answer):
    """One batch as a list shows it.

    ``language`` is the teacher's choice or comes from the first essays; null until these show one.
    It is kept to the end of ``ends_on``, for ever when that is null. ``archived_at``: null while it is not.
    """

    batch_id: UUID
    correlation_id: UUID
    title: str
    class_name: str
    language: Language | None
    language_chosen: bool
    status: BatchStatus
    expected_essay_count: int
    deadline: datetime
    ends_on: date | None
    archived_at: datetime | None
    timed_out_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    counts: BatchCounts


class BatchPage(Answer):
    """Some batches; ``next`` is the cursor of the page after this.

    ``moved``, in the order of needs: those that changed since the page before and so may have moved past it.
    Some of them you have already.
    """

    results: list[BatchSummary]
    moved: list[BatchSummary]
    next: str | None


class EssayPlace(Answer):
    """One place for an essay, and the file that holds it."""

    essay_id: UUID
    number: int
    status: EssayStatus
    file_upload_id: UUID | None


class BinnedBatch(Answer):
    """A deleted batch: it can be restored until ``erased_at``, unless it is being erased already."""

    batch_id: UUID
    title: str
    class_name: str
    deleted_at: datetime
    erased_at: datetime | None


class BinPage(Answer):
    """All that lies in the bin, what was deleted last first."""

    results: list[BinnedBatch]


class BatchHead(BatchSummary):
    """A batch without its files; live messages after ``seq`` of ``epoch`` continue it.

    ``version`` counts the teacher's decisions, for ``If-Match``.
    """

    seq: int
    epoch: UUID | None
    version: int
    configuration: Configuration


class Snapshot(BatchHead):
    """The whole batch."""

    files: list[FileRecord]
    essays: list[EssayPlace]


class PhaseFigures(Answer):
    """One phase of the present run."""

    status: PhaseStatus
    succeeded: int | None
    failed: int | None
    duration_ms: int


class PhasesAnswer(BatchSummary):
    """Status, counts and phases."""

    phases: dict[str, PhaseFigures]


class StatusAnswer(PhasesAnswer):
    """The same, and how long the work will take.

    ``seconds_left``: 0 when nothing is being done, null when this installation has never done such work.
    """

    seconds_left: int | None


@field_per_phase(essay_phases, lambda phase: phase.figures)
class EssayRow(Answer):
    """One essay's result; ``other_language``: not in its batch's, so class figures leave it out.

    ``read`` and ``note`` are its teacher's.
    """

    essay_id: UUID
    number: int
    file_upload_id: UUID
    filename: str
    folder: str
    format: str | None
    size: int
    status: EssayStatus
    words: int | None
    characters: int | None
    language: str | None
    other_language: bool
    read: bool
    note: str


@field_per_phase(batch_wide_phases, lambda phase: phase.figures)
class ResultsAnswer(PhasesAnswer):
    """Every essay's result, and every file that is no essay. Filters narrow these two lists only."""

    essays: list[EssayRow]
    files: list[FileRecord]


class FeedEvent(Answer):
    """One live message, as the WebSocket sends it."""

    type: Literal["event"]
    event: str
    seq: int
    timestamp: datetime
    correlation_id: UUID
    data: dict[str, Any]


class EventsAnswer(Answer):
    """Messages after a position; ``resync`` asks for a snapshot instead."""

    epoch: UUID
    seq: int
    resync: bool
    events: list[FeedEvent]


class BatchesQuery(Query):
    """Which batches to list."""

    q: str = Field(default="", max_length=200, description="Words, each in title, class or file names")
    status: BatchStatus | None = None
    show: Show = Field(default="all", description="`all` is without what is archived")
    order: Literal["newest", "needs"] = Field(
        default="newest",
        description="`needs`: what needs you, waits for your decision, runs, is done; each newest first",
    )
    cursor: str | None = Field(default=None, pattern=CURSOR, description="`next` of the page before")
    limit: int = Field(default=50, ge=1, le=200)


class EventsQuery(Query):
    """Where the reader stands; without ``epoch`` the present numbering is meant."""

    after: int = 0
    epoch: str | None = Field(default=None, max_length=100)


@bounds_per_phase(essay_phases)
class ResultsQuery(Query):
    """Which rows of the results to show; several filters must all hold."""

    q: str = Field(default="", max_length=200, description="Words, each in the file's name or folder")
    format: FormatName | None = None
    status: EssayStatus | FileStatus | None = None
    error_code: str | None = Field(default=None, max_length=40)
    step: Step | None = Field(default=None, description="Essays on which this step has ended")
    min_words: int | None = Field(default=None, ge=0)
    max_words: int | None = Field(default=None, ge=0)
    min_characters: int | None = Field(default=None, ge=0)
    max_characters: int | None = Field(default=None, ge=0)
    min_size: int | None = Field(default=None, ge=0, description="Bytes")
    max_size: int | None = Field(default=None, ge=0, description="Bytes")


class Spread(Answer):
    """Smallest, middle, largest and sum."""

    min: int
    median: float
    max: int
    total: int


class Bin(Answer):
    """Values from ``start`` up to but not including ``end``; the last bin has no end."""

    start: int
    end: int | None
    count: int


class Distribution(Answer):
    """Null spread: there are no values."""

    spread: Spread | None
    histogram: list[Bin]


class FormatCount(Answer):
    """Files of one format, null for those not read; sizes in bytes."""

    format: str | None
    count: int
    size: int


class FailureCount(Answer):
    """Files and essays that failed for one reason, by the step that failed."""

    error_code: str
    step: str
    count: int


class DuplicateGroup(Answer):
    """Files with the same text as another."""

    duplicate_of: UUID
    file_upload_ids: list[UUID]


class SameText(Answer):
    """Essays with one text, word for word or almost, in order of numbers: a question, not an error."""

    file_upload_ids: list[UUID]
    word_for_word: bool


class StepTimes(Answer):
    """How long a step took, in milliseconds, over all its runs; null before the first."""

    runs: int
    median_ms: float | None
    p95_ms: float | None


class LeftOut(Answer):
    """An essay in another language than its batch; ``language`` is null when it is not known."""

    essay_id: UUID
    number: int
    file_upload_id: UUID
    filename: str
    language: str | None


class Analytics(Answer):
    """What the batch is made of, without removed files; ``words`` of the essays in the batch's language."""

    batch_id: UUID
    files: int
    statuses: dict[FileStatus, int]
    formats: list[FormatCount]
    sizes: Distribution
    words: Distribution
    failures: list[FailureCount]
    duplicates: list[DuplicateGroup]
    same_texts: list[SameText]
    left_out: list[LeftOut]
    steps: dict[str, StepTimes]
