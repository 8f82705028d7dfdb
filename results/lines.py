"""One essay, and one file, as every list and page of results has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet

from batches.models import Batch
from essays.accepted import accepted_in
from essays.languages import is_stray, language_of
from essays.notes import is_read, note_of
from files.models import FileUpload
from files.records import shown_words
from results.marks import SPELLCHECK, figures_without
from results.models import EssayResult

UNREAD = "unread"
Kept = Mapping[str, Mapping[str, Any]]  # phase → its step's status, error and figures


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is told of a file, essay or not.

    ``status`` is the essay's, or that of a file that is none; ``stray``: not in the batch's language, so that
    figures of the class leave it out; ``phases``: what is kept of each step that has ended on it; ``read``
    and ``note`` are its teacher's.
    """

    file_upload_id: UUID
    filename: str
    folder: str
    format: str | None
    size: int
    status: str
    words: int | None
    language: str
    stray: bool
    phases: Kept
    read: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class EssayLine(Line):
    """One essay."""

    essay_id: UUID
    number: int
    characters: int | None
    file_status: ClassVar[str] = str(FileUpload.Status.ASSIGNED)

    @property
    def essay_status(self) -> str:
        """The essay's."""
        return self.status

    @property
    def kind(self) -> str:
        """The format its bytes showed."""
        return self.format or ""

    @property
    def error(self) -> Mapping[str, Any] | None:
        """What went wrong on it, in the order of its phases."""
        return first_error(self.phases)

    @property
    def error_code(self) -> str:
        """The code of that, empty when nothing did."""
        return str((self.error or {}).get("error_code", ""))


@dataclass(frozen=True, kw_only=True)
class FileLine(Line):
    """One file; ``number``, ``essay_id`` and ``essay_status`` are those of the essay it became.

    ``kind`` is the format its bytes showed, read or not; empty while that is not known.
    """

    number: int | None
    essay_id: UUID | None
    essay_status: str
    error_code: str
    kind: str = ""

    @property
    def file_status(self) -> str:
        """The file's."""
        return self.status


def essay_results(batch: Batch) -> QuerySet[EssayResult]:
    """The batch's essay results with what a line shows, in order of essay numbers."""
    read = EssayResult.objects.filter(batch=batch, file__status=FileUpload.Status.ASSIGNED)
    return read.select_related("slot", "file__essay_note").order_by("slot__number")


def essay_lines(batch: Batch) -> list[EssayLine]:
    """The batch's essays by number; three queries at most."""
    phases = Phases(batch)
    return [essay_line(result, batch, phases.of(result)) for result in essay_results(batch)]


class Phases:
    """What is kept of the steps on a batch's essays, marks on accepted words left out."""

    def __init__(self, batch: Batch) -> None:
        self.accepted = accepted_in(batch)
        self._other: Mapping[UUID, Mapping[str, float]] = figures_without(batch, self.accepted)

    def of(self, result: EssayResult) -> Kept:
        """What is kept of one essay's steps."""
        return self.counted(result.slot_id, result.phases)

    def by_file(self, batch: Batch) -> dict[UUID, Kept]:
        """File id → what is kept of the steps on the essay that it is."""
        rows = essay_results(batch).values_list("file_id", "slot_id", "phases")
        return {file_id: self.counted(slot_id, kept) for file_id, slot_id, kept in rows}

    def counted(self, slot_id: UUID, kept: Kept) -> Kept:
        """What counts of the ``kept`` of one essay's steps."""
        other = self._other.get(slot_id)
        if other is None or SPELLCHECK not in kept:
            return kept
        return {**kept, SPELLCHECK: {**kept[SPELLCHECK], **other}}


def essay_line(result: EssayResult, batch: Batch, phases: Kept) -> EssayLine:
    """The line of one result, of which ``phases`` is kept."""
    return EssayLine(
        essay_id=result.slot_id,
        number=result.slot.number,
        file_upload_id=result.file_id,
        filename=result.file.filename,
        folder=result.file.folder,
        format=result.file.format,
        size=result.file.size,
        status=result.slot.status,
        words=result.words,
        characters=result.characters,
        language=language_of(result.file, batch),
        stray=is_stray(result.file, batch),
        phases=phases,
        read=is_read(result.file),
        note=note_of(result.file).text,
    )


def file_lines(batch: Batch) -> list[FileLine]:
    """Every file that was not removed: essays by number, then the others by name; four queries at most."""
    kept = Phases(batch).by_file(batch)
    files = FileUpload.objects.filter(batch=batch).present().select_related("slot", "essay_note")
    lines = [file_line(upload, kept.get(upload.pk, {}), batch) for upload in files]
    return sorted(lines, key=lambda line: (line.number is None, line.number or 0, line.filename.casefold()))


def file_line(upload: FileUpload, phases: Kept, batch: Batch) -> FileLine:
    """The line of one file; ``phases`` is what is kept of the essay that it may be."""
    assigned = upload.status == FileUpload.Status.ASSIGNED
    phases = phases if assigned else {}
    error = upload.error or first_error(phases) or {}
    slot = upload.slot if assigned else None
    return FileLine(
        number=slot.number if slot else None,
        essay_id=slot.pk if slot else None,
        essay_status=slot.status if slot else "",
        file_upload_id=upload.pk,
        filename=upload.filename,
        folder=upload.folder,
        format=upload.format,
        size=upload.size,
        status=upload.status,
        words=shown_words(upload),
        language=language_of(upload, batch),
        stray=assigned and is_stray(upload, batch),
        phases=phases,
        read=is_read(upload),
        note=note_of(upload).text,
        error_code=str(error.get("error_code", "")),
        kind=kind_of(upload),
    )


def kind_of(upload: FileUpload) -> str:
    """What the file's bytes showed; ``UNREAD`` of one that was never looked into, or not as far as that."""
    detected = str((upload.error or {}).get("details", {}).get("detected", ""))
    if upload.format or detected or upload.status == FileUpload.Status.PROCESSING:
        return upload.format or detected
    return UNREAD


def first_error(phases: Kept) -> Mapping[str, Any] | None:
    """What went wrong on an essay, in the order of its phases."""
    return next((kept["error"] for kept in phases.values() if kept.get("error")), None)
