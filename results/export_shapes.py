"""Bodies of the API about exports."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from batches.shapes import Language
from huleedu.api.shapes import Answer, RequestBody
from results.exports.registry import KindName

ExportStatus = Literal["queued", "running", "ready", "failed", "cancelled", "ended"]


class ExportBody(RequestBody):
    """What to make of a batch; ``language`` is that of the words in it, null: the reader's."""

    kind: KindName
    language: Language | None = Field(default=None, description="Of the words in it; null: the reader’s")
    with_note: bool = Field(
        default=False,
        description="The teacher’s private notes, too, on PDF files; other kinds ignore it",
    )


class ExportNote(Answer):
    """What could not be done for one essay."""

    essay_number: int
    code: str
    message: str


class ExportFailure(Answer):
    """Why an export could not be made, and what to do."""

    code: str
    message: str


class ExportAnswer(Answer):
    """One export. ``done`` of ``total`` essays are in it so far.

    ``content_url`` is where it can be had until ``ends_at``; null while it is not ready, and afterwards.
    """

    export_id: UUID
    batch_id: UUID
    kind: str
    language: Language
    with_note: bool
    status: ExportStatus
    done: int
    total: int
    filename: str
    size: int | None
    error: ExportFailure | None
    notes: list[ExportNote]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    ends_at: datetime
    content_url: str | None


class ExportList(Answer):
    """A batch's exports, the newest first."""

    results: list[ExportAnswer]
