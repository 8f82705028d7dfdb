"""The API of exports: ask for one, look, call it off, ask again, and have its file."""

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.api import find_batch
from batches.models import Batch
from huleedu.api.api_view import ApiView, answer, parse_id, read_body, user_of
from huleedu.api.idempotency import once
from huleedu.api.schema import IDEMPOTENCY_KEY, answers
from huleedu.http.middleware import correlation_id_of
from results.actions import ending_exports, exporting
from results.export_records import download, listed, record
from results.export_shapes import ExportAnswer, ExportBody, ExportList
from results.exports.registry import KINDS
from results.models import Export

# A file's type is its kind's.
FILES = {(200, kind.media_type.partition(";")[0]): OpenApiTypes.BINARY for kind in KINDS.values()}


def find_export(request: Request, export_id: str) -> Export:
    """The caller's export. Raises ``Http404`` alike for missing, malformed and other teachers' ids."""
    mine = Export.objects.owned_by(user_of(request)).select_related("batch")
    return get_object_or_404(mine, pk=parse_id(export_id))


def language_of_reader() -> str:
    """The language in which this request is answered, if exports have it."""
    active = (translation.get_language() or "")[:2]
    return active if active in Batch.Language.values else str(Batch.Language.ENGLISH)


class ExportsView(ApiView):
    """A batch's exports."""

    @extend_schema(operation_id="list_exports", responses=answers({200: ExportList}, 404))
    def get(self, request: Request, batch_id: str) -> Response:
        """The exports of the batch, the newest first."""
        return answer(listed(find_batch(request, batch_id)))

    @extend_schema(
        operation_id="make_export",
        parameters=[IDEMPOTENCY_KEY],
        request=ExportBody,
        responses=answers({200: ExportAnswer, 201: ExportAnswer}, 400, 404, 409, 422, 503, 507),
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Have an export made: 201, or 200 with the same one that is being made already."""
        batch = find_batch(request, batch_id)
        body = read_body(ExportBody, request)
        language = body.language or language_of_reader()
        order = exporting.ordered(body.kind, language, with_note=body.with_note)
        correlation_id = correlation_id_of(request._request)

        def make() -> Response:
            export, new = exporting.ask(batch.pk, order, correlation_id)
            return answer(record(export), 201 if new else 200)

        return once(request, make)


class ExportView(ApiView):
    """One export."""

    @extend_schema(operation_id="get_export", responses=answers({200: ExportAnswer}, 404))
    def get(self, request: Request, export_id: str) -> Response:
        """The export as it is now."""
        return answer(record(find_export(request, export_id)))

    @extend_schema(
        operation_id="remove_export",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({200: ExportAnswer}, 404, 409, 422, 503),
    )
    def delete(self, request: Request, export_id: str) -> Response:
        """Call it off while it is being made; end it when it is ready: then its file is erased."""
        export = find_export(request, export_id)

        def remove() -> Response:
            ending_exports.remove(export.pk)
            return answer(record(find_export(request, export_id)))

        return once(request, remove)


class ExportRetryView(ApiView):
    """Trying again."""

    @extend_schema(
        operation_id="retry_export",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({200: ExportAnswer}, 404, 409, 422, 503, 507),
    )
    def post(self, request: Request, export_id: str) -> Response:
        """Have it made anew, after it failed, was called off or ended."""
        export = find_export(request, export_id)

        def retry() -> Response:
            again, _ = exporting.ask_again(export.pk)
            return answer(record(again))

        return once(request, retry)


class ExportContentView(ApiView):
    """The file of an export."""

    @extend_schema(
        operation_id="get_export_content",
        responses={**answers({}, 404, 409, 410, 503), **FILES},
    )
    def get(self, request: Request, export_id: str) -> StreamingHttpResponse:
        """The file, as a download: until `ends_at`, then 410."""
        return download(request._request, find_export(request, export_id))
