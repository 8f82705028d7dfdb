"""One export as clients and pages see it, and its file to be saved."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import translation
from django.utils.http import content_disposition_header

from batches.models import Batch
from files import content
from files.models import StoredContent
from files.names import clean_name, name_on_disk
from huleedu.failures.errors import ContentDamaged, Refused
from huleedu.postgres.clock import database_now
from results.export_shapes import ExportAnswer, ExportFailure, ExportList, ExportNote
from results.exports.kind import WITH_NOTE
from results.exports.registry import KINDS
from results.exports.words import failure_in_words, note_in_words
from results.models import Export

MOST = 100  # in one list
SECONDS = 15.0  # for one export out of the store; the database waits no longer for who reads
PIECE = 256 * 1024
SLASHES = re.compile(r"[/\\]")
STEM = 100  # characters of a file's name, before its ending


def listed(batch: Batch) -> ExportList:
    """The batch's exports, the newest first."""
    found = Export.objects.filter(batch=batch).order_by("-created_at", "pk")[:MOST]
    return ExportList(results=[record(export) for export in found])


def record(export: Export) -> ExportAnswer:
    """One export; its batch should be loaded."""
    over = export.has_ended(database_now())
    ready = export.status == Export.Status.READY and not over
    return ExportAnswer.model_validate(
        {
            "export_id": export.pk,
            "batch_id": export.batch_id,
            "kind": export.kind,
            "language": export.language,
            "with_note": bool(export.options.get(WITH_NOTE)),
            "status": Export.Status.ENDED if over else export.status,
            "done": export.done,
            "total": export.total,
            "filename": filename(export),
            "size": export.size,
            "error": failure(export),
            "notes": [note(each) for each in export.left_out],
            "created_at": export.created_at,
            "started_at": export.started_at,
            "ended_at": export.ended_at,
            "ends_at": export.ends_at,
            "content_url": f"/v1/exports/{export.pk}/content" if ready else None,
        }
    )


def failure(export: Export) -> ExportFailure | None:
    """Why it could not be made."""
    code = export.error_code
    return ExportFailure(code=code, message=failure_in_words(code)) if code else None


def note(told: dict[str, object]) -> ExportNote:
    """One thing that could not be done."""
    code = str(told["code"])
    return ExportNote.model_validate(
        {
            "essay_number": told["essay"],
            "code": code,
            "message": note_in_words(code, str(told.get("signs", ""))),
        }
    )


def filename(export: Export) -> str:
    """How to save it: class and title of the batch, and what it is, as every system can save it."""
    kind = KINDS[export.kind]
    with translation.override(export.language):
        stem = str(kind.stem)
    named = " ".join(part for part in (export.batch.class_name, export.batch.title) if part)
    named = SLASHES.sub("-", named)  # a name ends at the last one
    whole = f"{named[:STEM].strip()} – {stem}" if named else stem.capitalize()
    return name_on_disk(clean_name(f"{whole}.{kind.ending}"))


def download(request: HttpRequest, export: Export) -> StreamingHttpResponse:
    """The file, to be saved. Raises ``Refused`` unless it can be had, and ``StorageFailed``."""
    row = stored(export)
    with ExitStack() as unsent:
        file = unsent.enter_context(TemporaryFile())
        content.copy(row, file, SECONDS)
        file.seek(0)
        unsent.pop_all()  # closed with the answer
    response = StreamingHttpResponse(
        PiecesLater(file) if isinstance(request, ASGIRequest) else Pieces(file),
        content_type=KINDS[export.kind].media_type,
    )
    response.headers["Content-Length"] = str(row.size)
    response.headers["Content-Disposition"] = (
        content_disposition_header(True, filename(export)) or "attachment"
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def stored(export: Export) -> StoredContent:
    """The row of its bytes. Raises ``Refused`` for one that is not ready, or kept no longer."""
    if export.has_ended(database_now()):
        raise Refused("EXPORT_ENDED")
    if export.status != Export.Status.READY:
        raise Refused("EXPORT_NOT_READY")
    row = StoredContent.objects.filter(pk=export.content_id, kind=StoredContent.Kind.MADE).first()
    if row is None:
        raise ContentDamaged(export.content_id, StoredContent.Kind.MADE, "missing")
    return row


class Pieces:
    """A file in pieces; it is closed with the answer, also when nobody has read it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.file.read(PIECE):
            yield piece


class PiecesLater:
    """The same for a server that waits for nothing."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.close = file.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await sync_to_async(self.file.read)(PIECE):
            yield piece


def some_open(exports: Iterable[ExportAnswer]) -> bool:
    """Whether one of them is being made, or waits for it."""
    return any(each.status in {"queued", "running"} for each in exports)
