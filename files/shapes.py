"""Bodies of the API about files and stored content."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from batches.configuration import Step
from huleedu.api.idempotency import MAX_KEY
from huleedu.api.shapes import Answer, ProblemDetails, RequestBody
from huleedu.events.vocabulary import ErrorDetail

FileStatus = Literal["processing", "assigned", "failed", "excess", "duplicate", "removed"]


class FileRecord(Answer):
    """One file; ``rev`` grows with every change. ``folder`` is where it lay, empty when that is not known.

    ``language`` is the essay's own: chosen by the teacher, else found from the text (a code of BCP 47,
    ``und`` for one without a name here); null while it is not known or undecided: the batch's applies.
    """

    file_upload_id: UUID
    client_ref: str | None
    filename: str
    folder: str
    size: int
    content_hash: str
    format: str | None
    status: FileStatus
    rev: int
    essay_id: UUID | None
    essay_number: int | None
    words: int | None
    language: str | None
    language_chosen: bool
    error: ErrorDetail | None
    correlation_id: UUID
    created_at: datetime
    updated_at: datetime


class FileDetail(FileRecord):
    """One file with its batch, and what ``/v1/content/{id}`` has of it."""

    batch_id: UUID
    raw_storage_id: UUID | None
    text_storage_id: UUID | None


class ManifestEntry(RequestBody):
    """What the client says of one file; ``size`` in bytes, ``sha256`` in hexadecimal.

    ``folder`` is the path of the file's folder, such as ``Anna`` or ``9B/Anna``, without the file's name.
    ``idempotency_key`` makes a repeat of this file harmless in whatever request it comes, with which others.
    """

    client_ref: str | None = Field(default=None, max_length=200)
    filename: str = Field(min_length=1, max_length=4096)
    folder: str | None = Field(default=None, max_length=4096)
    size: int = Field(ge=0)
    sha256: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    idempotency_key: str | None = Field(default=None, pattern=f"^[ -~]{{1,{MAX_KEY}}}$")


class UploadError(Answer):
    """Why one file was not taken."""

    error_code: str
    message: str
    correlation_id: UUID
    timestamp: datetime
    operation: str
    details: dict[str, Any]


class ReceivedFile(Answer):
    """One file of an upload; without ``file_upload_id`` nothing was kept of it."""

    client_ref: str | None
    file_upload_id: UUID | None
    filename: str
    status: FileStatus
    error: UploadError | None = None


class UploadAnswer(Answer):
    """The files of one upload in the order in which they came."""

    batch_id: UUID
    correlation_id: UUID
    files: list[ReceivedFile]


class IncompleteUpload(ProblemDetails):
    """What was kept, what did not arrive whole, and names the manifest does not know.

    Only ``UPLOAD_INCOMPLETE`` has these.
    """

    batch_id: str | None = None
    files: list[ReceivedFile] | None = None
    missing: list[ManifestEntry] | None = None
    unexpected: list[str] | None = None


class FileReprocessBody(RequestBody):
    """Where to begin again: with reading the file, or with one step."""

    phase: Literal["extract"] | Step = "extract"


class RestoreBody(RequestBody):
    """What is to come back; a repeat brings nothing else: the ``removed`` file, or what was ``replaced``."""

    what: Literal["removed", "replaced"] | None = None


class TracedEvent(Answer):
    """One event in a file's life."""

    event_type: str
    topic: str
    event_id: str
    occurred_at: datetime
    relayed_at: datetime
    data: dict[str, Any]


class Trace(Answer):
    """A file's life in events, in order."""

    file_upload_id: UUID
    correlation_id: UUID
    events: list[TracedEvent]


class Share(Answer):
    """How much of something the caller may have, and has; ``used`` may be more than ``limit``."""

    limit: int
    used: int


class LimitsAnswer(Answer):
    """What may be sent; sizes in bytes, lengths of texts in characters.

    Counts of a day begin anew at ``day_ends_at``; ``waiting`` counts pieces of work, several for a file.
    A removed file can be restored for ``undo_seconds``, a deleted batch for ``bin_seconds``.
    """

    file_bytes: int
    request_bytes: int
    files_per_request: int
    files_per_batch: int
    essays_per_batch: int
    least_characters: int
    most_characters: int
    kept_bytes: Share
    files_today: Share
    batches_today: Share
    waiting: Share
    undo_seconds: int
    bin_seconds: int
    day_ends_at: datetime


class StoredContentAnswer(Answer):
    """Bytes in the content store; without a file that uses them they end at ``expires_at``."""

    content_id: UUID
    kind: Literal["raw", "text"]
    size: int
    sha256: str
    created_at: datetime
    expires_at: datetime
