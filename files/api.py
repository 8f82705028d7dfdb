"""The API of files: upload, replace, remove, read, trace, and the content store."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiRequest, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.api import find_batch
from files import content
from files.actions import removing, replacing, reports, restoring, storing
from files.actions.incoming import Incoming
from files.capacity import check_upload, check_work
from files.models import FileUpload, StoredContent
from files.multipart import MultipartView, Part, digest_of_form, read_fields, read_parts
from files.names import UNNAMED, name_on_disk
from files.records import file_detail
from files.seen import check_seen
from files.shapes import (
    FileDetail,
    IncompleteUpload,
    ManifestEntry,
    RestoreBody,
    StoredContentAnswer,
    Trace,
    UploadAnswer,
)
from files.upload import (
    Comparison,
    Receipt,
    are_all_here,
    compare,
    may_change_by_repeating,
    raise_if_none_kept,
    read_manifest,
    receive_all,
)
from huleedu.answers.problems import MEDIA_TYPE, Problem
from huleedu.api.api_view import (
    ApiView,
    CallerThrottle,
    answer,
    field_error,
    invalid,
    parse_id,
    read_body,
    user_of,
)
from huleedu.api.idempotency import Attempt, attempt_of, once, once_in_parts
from huleedu.api.schema import DESCRIPTIONS, IDEMPOTENCY_KEY, answers
from huleedu.api.throttle import Throttle
from huleedu.api.turns import Turns
from huleedu.events.feed import trace
from huleedu.events.outbox import tell
from huleedu.failures.errors import Refused
from huleedu.http.middleware import correlation_id_of
from huleedu.postgres.database import give_back

FILE = {"type": "string", "format": "binary"}
UPLOAD_FORM = OpenApiRequest(
    {
        "type": "object",
        "required": ["batch_id", "files"],
        "additionalProperties": False,
        "properties": {
            "batch_id": {"type": "string", "format": "uuid"},
            "files": {
                "type": "array",
                "items": FILE,
                "minItems": 1,
                "maxItems": settings.MAX_FILES_PER_BATCH,
            },
            "manifest": {
                "type": "array",
                "items": ManifestEntry.model_json_schema(),
                "maxItems": settings.MAX_FILES_PER_BATCH,
                "description": "One part with JSON, in the order of the files.",
            },
        },
    },
    encoding={"manifest": {"contentType": "application/json"}},
)
FILE_FORM = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": FILE},
    }
}
# A folder of thousands must not keep another teacher's class waiting: about as many at a time as keep the
# machine busy, and then whoever has sent least.
UPLOADS = Turns(at_once=2, pace=0.1, patience=2.0)
SANDBOX = "default-src 'none'; sandbox"


def find_file(request: Request, file_upload_id: str) -> FileUpload:
    """The caller's file with its slot. Raises ``Http404`` alike for missing, malformed and others' ids."""
    mine = FileUpload.objects.owned_by(user_of(request)).select_related("slot", "batch")
    return get_object_or_404(mine, pk=parse_id(file_upload_id))


class UploadThrottle(CallerThrottle):
    """Uploads come in bursts: a request for a few files of a folder, or for each."""

    per_user = Throttle("upload-user", limit=2000, seconds=10)
    per_token = Throttle("upload-token", limit=2000, seconds=10)


class UploadView(MultipartView):
    """Files for a batch."""

    throttle_classes = [UploadThrottle]

    @extend_schema(
        operation_id="upload_files",
        parameters=[IDEMPOTENCY_KEY],
        request={"multipart/form-data": UPLOAD_FORM},
        responses={
            **answers({201: UploadAnswer, 207: UploadAnswer}, 400, 404, 409, 410, 413, 503, 507),
            (422, MEDIA_TYPE): OpenApiResponse(IncompleteUpload, description=DESCRIPTIONS[422]),
        },
    )
    def post(self, request: Request) -> Response:
        """Take in files, each on its own: 201 when all are accepted, 207 when some are not."""
        upload = Upload(request, self.detector)
        with UPLOADS.taken(upload.user.pk, max(1, len(upload.parts)), give_back):
            return upload.answer()


class Upload:
    """One upload request on its way from form to answer."""

    def __init__(self, request: Request, detector: Any) -> None:
        self.request = request
        self.user = user_of(request)
        self.correlation_id = correlation_id_of(request._request)
        self.parts = read_parts(request, ["files"], detector)
        fields = read_fields(request, ["batch_id", "manifest", "files"])
        # What comes there as text may have been meant as a file: it did not arrive.
        self.unreadable = [UNNAMED] if "files" in fields else []
        self.complete = detector.complete and not self.unreadable
        self.fields = fields
        self.receipts: list[Receipt] = []

    def answer(self) -> Response:
        """Carry the upload out, or repeat the answer it got before. Raises API exceptions."""
        if "batch_id" not in self.fields:
            raise self.without_batch()
        self.batch = find_batch(self.request, self.fields["batch_id"])
        check_seen(self.request, self.batch.pk)
        compared = self.compared()
        digest = digest_of_form(self.fields, self.parts)
        attempt = attempt_of(self.request, digest)
        return once_in_parts(self.request, lambda: self.carry_out(compared, attempt), digest, self.is_final)

    def without_batch(self) -> Problem:
        """The refusal of a form that does not say where its files belong."""
        if self.complete:
            return invalid([field_error("batch_id", "missing", "Field required")])
        return Problem(422, "UPLOAD_INCOMPLETE", files=[], missing=[], unexpected=self.unreadable)

    def compared(self) -> Comparison:
        """Files against manifest. Raises ``Problem`` when the request holds no file at all."""
        manifest = read_manifest(self.fields["manifest"]) if "manifest" in self.fields else None
        if not self.parts and not manifest and self.complete:
            raise Problem(400, "NO_FILES")
        return compare(manifest, self.parts)

    def carry_out(self, compared: Comparison, attempt: Attempt | None) -> Response:
        """Take in what arrived whole, tell that the upload ended, and answer. Raises API exceptions."""
        key = attempt.key if attempt else None
        try:
            check_upload(self.user.pk, sum(part.size for part in self.parts))
        except Refused:
            if not are_all_here(self.batch, compared.arrivals, key):
                raise
        upload_id = uuid5(self.batch.pk, f"{key}:{attempt.fingerprint}") if attempt else uuid4()
        end = reports.upload_finished(self.batch, self.correlation_id, upload_id, len(compared.arrivals))
        self.receipts = receive_all(self.batch, self.user, compared.arrivals, self.correlation_id, key, end)
        raise_if_none_kept(self.receipts, self.batch.pk)
        if self.receipts and self.receipts[-1].row is None:
            tell(end)
        self.check_complete(compared)
        accepted = all(receipt.accepted for receipt in self.receipts)
        return Response(self.listing(), status=201 if accepted else 207)

    def listing(self) -> dict[str, Any]:
        """The answer's body."""
        return {
            "batch_id": self.batch.pk,
            "correlation_id": self.correlation_id,
            "files": [receipt.as_json() for receipt in self.receipts],
        }

    def check_complete(self, compared: Comparison) -> None:
        """Raise ``Problem`` with what was kept when something did not arrive whole."""
        if self.complete and not compared.missing and not compared.unexpected:
            return
        raise Problem(
            422,
            "UPLOAD_INCOMPLETE",
            batch_id=self.batch.pk,
            files=[receipt.as_json() for receipt in self.receipts],
            missing=[entry.model_dump() for entry in compared.missing],
            unexpected=[*compared.unexpected, *self.unreadable],
        )

    def is_final(self) -> bool:
        """True when repeating the request cannot lead further."""
        return not may_change_by_repeating(self.receipts)


def single_part(view: MultipartView, request: Request) -> Part:
    """The one file of a form, in ``file`` or ``files``. Raises ``Problem``."""
    parts = read_parts(request, ["file", "files"], view.detector)
    fields = read_fields(request, ["file", "files"])
    if not view.detector.complete or fields:
        raise Problem(422, "UPLOAD_INCOMPLETE", files=[], missing=[], unexpected=[UNNAMED] if fields else [])
    if not parts:
        raise Problem(400, "NO_FILES")
    if len(parts) > 1:
        raise invalid([field_error("file", "repeated", "Give exactly one file.")])
    return parts[0]


class ReplaceView(MultipartView):
    """One file's content."""

    @extend_schema(
        operation_id="replace_file",
        parameters=[IDEMPOTENCY_KEY],
        request=FILE_FORM,
        responses=answers({200: FileDetail}, 400, 404, 409, 410, 413, 422, 503),
    )
    def put(self, request: Request, file_upload_id: str) -> Response:
        """Put other content in the file's place; its essay number is kept."""
        upload = find_file(request, file_upload_id)
        part = single_part(self, request)

        def replace() -> Response:
            check_upload(user_of(request).pk, part.size)
            incoming = Incoming(file=part.file, filename=part.name, folder=part.folder)
            replacing.replace(upload, user_of(request), incoming)
            return answer(file_detail(find_file(request, file_upload_id)))

        return once(request, replace, digest_of_form({}, [part]))


class FileView(ApiView):
    """One file."""

    @extend_schema(operation_id="get_file", responses=answers({200: FileDetail}, 404))
    def get(self, request: Request, file_upload_id: str) -> Response:
        """The file as it is now."""
        return answer(file_detail(find_file(request, file_upload_id)))

    @extend_schema(
        operation_id="remove_file",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({200: FileDetail}, 404, 409, 410, 422),
    )
    def delete(self, request: Request, file_upload_id: str) -> Response:
        """Take the file out of its batch; it can be restored for some minutes, then it is erased."""
        upload = find_file(request, file_upload_id)

        def remove() -> Response:
            removing.remove(upload)
            return answer(file_detail(find_file(request, file_upload_id)))

        return once(request, remove)


class RestoreView(ApiView):
    """A removed file, or a replaced one."""

    @extend_schema(
        operation_id="restore_file",
        parameters=[IDEMPOTENCY_KEY],
        request=RestoreBody,
        responses=answers({200: FileDetail}, 400, 404, 409, 410, 422, 503),
    )
    def post(self, request: Request, file_upload_id: str) -> Response:
        """Bring back what was removed, to its place if that is free, or replaced, as long as limits say."""
        upload = find_file(request, file_upload_id)
        what = read_body(RestoreBody, request).what

        def restore() -> Response:
            check_work(user_of(request).pk)
            restoring.restore(upload, user_of(request), what)
            return answer(file_detail(find_file(request, file_upload_id)))

        return once(request, restore)


class TraceView(ApiView):
    """One file's life."""

    @extend_schema(operation_id="trace_file", responses=answers({200: Trace}, 404))
    def get(self, request: Request, file_upload_id: str) -> Response:
        """Every event about the file, from upload to result."""
        upload = find_file(request, file_upload_id)
        return Response(
            {
                "file_upload_id": upload.pk,
                "correlation_id": upload.correlation_id,
                "events": trace(upload.pk),
            }
        )


class ContentUploadView(MultipartView):
    """Content that belongs to no batch."""

    throttle_classes = [UploadThrottle]

    @extend_schema(
        operation_id="store_content",
        parameters=[IDEMPOTENCY_KEY],
        request=FILE_FORM,
        responses=answers({201: StoredContentAnswer}, 400, 409, 413, 422, 503),
    )
    def post(self, request: Request) -> Response:
        """Store one file's bytes; they never change, and end at `expires_at` if no file uses them."""
        part = single_part(self, request)
        if part.size > settings.MAX_FILE_BYTES:
            raise Refused("FILE_TOO_LARGE", limit=settings.MAX_FILE_BYTES)
        return once(request, lambda: store_content(request, part), digest_of_form({}, [part]))


def store_content(request: Request, part: Part) -> Response:
    """Make the bytes durable, then write their row. Raises ``StorageFailed`` and ``Refused``."""
    owner_id = user_of(request).pk
    check_upload(owner_id, part.size)
    stored = storing.store_loose(owner_id, part.file)
    row = StoredContent.objects.get(pk=stored.id)
    answer = {
        "content_id": row.pk,
        "kind": row.kind,
        "size": row.size,
        "sha256": row.sha256,
        "created_at": row.created_at,
        "expires_at": row.created_at + timedelta(seconds=settings.LOOSE_CONTENT_SECONDS),
    }
    return Response(answer, status=201)


class ContentView(ApiView):
    """Stored content."""

    @extend_schema(
        operation_id="get_content",
        responses={
            **answers({}, 404, 409, 503),
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (200, "text/plain"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, content_id: str) -> HttpResponse:
        """The bytes as a download: original files as they came, texts as UTF-8."""
        row = get_object_or_404(StoredContent.objects.owned_by(user_of(request)), pk=parse_id(content_id))
        is_text = row.kind == StoredContent.Kind.TEXT
        response = HttpResponse(
            content.read_row(row),
            content_type="text/plain; charset=utf-8" if is_text else "application/octet-stream",
        )
        disposition = content_disposition_header(True, download_name(row))
        response.headers["Content-Disposition"] = disposition or "attachment"
        response.headers["Content-Security-Policy"] = SANDBOX
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response


def download_name(row: StoredContent) -> str:
    """The name of the file whose content this is, or the content's id."""
    return file_name_of(row.batch_id, row.pk) or str(row.pk)


def file_name_of(batch_id: UUID | None, content_id: UUID) -> str:
    """How to save the batch's file that has this content now, a text's with ``.txt``; empty if none has."""
    holds = Q(raw_storage_id=content_id) | Q(text_storage_id=content_id)
    upload = FileUpload.objects.filter(holds, batch_id=batch_id).first() if batch_id else None
    if upload is None:
        return ""
    is_text = upload.text_storage_id == content_id and not upload.filename.lower().endswith(".txt")
    return name_on_disk(f"{upload.filename}.txt" if is_text else upload.filename)
