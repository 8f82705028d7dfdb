"""The API of essays: reading one, and running one file's steps again."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.models import EssaySlot
from essays import actions, queries
from essays.shapes import EssayAnswer
from files import actions as file_actions
from files.api import file_detail, find_file
from files.shapes import FileDetail, FileReprocessBody
from files.upload import check_capacity
from huleedu.api_view import ApiView, parse_id, read_body, user_of
from huleedu.idempotency import once
from huleedu.schema import IDEMPOTENCY_KEY, answers


class EssayView(ApiView):
    """One essay."""

    @extend_schema(operation_id="get_essay", responses=answers({200: EssayAnswer}, 404, 409, 503))
    def get(self, request: Request, essay_id: str) -> Response:
        """Text and findings of one essay."""
        try:
            slot = queries.find_essay(user_of(request), parse_id(essay_id))
        except EssaySlot.DoesNotExist as error:
            raise Http404 from error
        return Response(queries.essay(slot))


class FileReprocessView(ApiView):
    """Trying one file again."""

    @extend_schema(
        operation_id="reprocess_file",
        parameters=[IDEMPOTENCY_KEY],
        request=FileReprocessBody,
        responses=answers({200: FileDetail}, 400, 404, 409, 422, 503),
    )
    def post(self, request: Request, file_upload_id: str) -> Response:
        """Read the file again, or run one step of its essay again. Brings a removed file back."""
        upload = find_file(request, file_upload_id)
        body = read_body(FileReprocessBody, request)

        def reprocess() -> Response:
            check_capacity()
            if body.phase == file_actions.EXTRACT:
                file_actions.reread(upload, user_of(request))
            else:
                actions.repeat_step(upload, user_of(request), body.phase)
            return Response(file_detail(find_file(request, file_upload_id)))

        return once(request, reprocess)
