"""The API of essays: reading one, and running one file's steps again."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.models import EssaySlot
from batches.shapes import LanguageBody
from essays import queries
from essays.actions import accepting, essay_language, noting, repeating
from essays.shapes import AcceptBody, EssayAnswer, NoteAnswer, NoteBody
from files.actions import rereading
from files.actions.reading import EXTRACT
from files.api import find_file
from files.capacity import check_work
from files.records import file_detail
from files.shapes import FileDetail, FileReprocessBody
from huleedu.api.api_view import ApiView, answer, parse_id, read_body, user_of, versioned, versions_seen
from huleedu.api.idempotency import once
from huleedu.api.schema import IDEMPOTENCY_KEY, IF_MATCH, answers
from huleedu.failures.errors import Refused


def find_essay(request: Request, essay_id: str) -> EssaySlot:
    """The caller's essay. Raises ``Http404`` alike for missing, malformed and other teachers' ids."""
    try:
        return queries.find_essay(user_of(request), parse_id(essay_id))
    except EssaySlot.DoesNotExist as error:
        raise Http404 from error


class EssayView(ApiView):
    """One essay."""

    @extend_schema(operation_id="get_essay", responses=answers({200: EssayAnswer}, 404, 409, 503))
    def get(self, request: Request, essay_id: str) -> Response:
        """Text and findings of one essay."""
        return answer(queries.essay(find_essay(request, essay_id)))


class EssayLanguageView(ApiView):
    """The language of one essay."""

    @extend_schema(
        operation_id="set_essay_language",
        parameters=[IDEMPOTENCY_KEY],
        request=LanguageBody,
        responses=answers({200: EssayAnswer}, 400, 404, 409, 410, 422, 503),
    )
    def post(self, request: Request, essay_id: str) -> Response:
        """Say in which language the essay is, or null: as found. It is checked again when that changes it."""
        slot = find_essay(request, essay_id)
        body = read_body(LanguageBody, request)

        def choose() -> Response:
            check_work(user_of(request).pk)
            upload = queries.file_of(slot)
            if upload is None:
                raise Refused("NOT_AN_ESSAY")
            language = body.language or ""
            essay_language.check_essay_language(upload, language)
            # What the answer needs of the store is read before anything is locked.
            texts = queries.texts_of(slot)
            essay_language.change_essay_language(upload, user_of(request), language)
            return answer(queries.essay(find_essay(request, essay_id), texts))

        return once(request, choose)


class AcceptedView(ApiView):
    """Words of an essay that are no errors."""

    @extend_schema(
        operation_id="accept_word",
        parameters=[IDEMPOTENCY_KEY],
        request=AcceptBody,
        responses=answers({200: EssayAnswer}, 400, 404, 409, 410, 422, 503),
    )
    def post(self, request: Request, essay_id: str) -> Response:
        """Say that a word is no error in the essay, in its batch or always, or that it is one after all."""
        slot = find_essay(request, essay_id)
        body = read_body(AcceptBody, request)

        def say() -> Response:
            upload = queries.file_of(slot)
            if upload is None:
                raise Refused("NOT_AN_ESSAY")
            said = accepting.accept if body.accepted else accepting.mark_again
            said(upload, user_of(request), body.word, body.scope)
            return answer(queries.essay(slot))

        return once(request, say)


class NoteView(ApiView):
    """What a teacher notes of an essay for herself."""

    @extend_schema(operation_id="get_essay_note", responses=answers({200: NoteAnswer}, 404, 409))
    def get(self, request: Request, essay_id: str) -> Response:
        """The private note on the essay, and whether it is read."""
        return versioned(answer(queries.note(find_essay(request, essay_id))))

    @extend_schema(
        operation_id="change_essay_note",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=NoteBody,
        responses=answers({200: NoteAnswer}, 400, 404, 409, 410, 412, 422, 503),
    )
    def patch(self, request: Request, essay_id: str) -> Response:
        """Change the private note, or whether the essay is read; ``If-Match`` concerns the note alone."""
        slot = find_essay(request, essay_id)
        body = read_body(NoteBody, request)
        seen = versions_seen(request)

        def write() -> Response:
            upload = queries.file_of(slot)
            if upload is None:
                raise Refused("NOT_AN_ESSAY")
            noting.note(upload, user_of(request), text=body.note, read=body.read, versions=seen)
            return answer(queries.note(find_essay(request, essay_id)))

        return versioned(once(request, write))


class FileReprocessView(ApiView):
    """Trying one file again."""

    @extend_schema(
        operation_id="reprocess_file",
        parameters=[IDEMPOTENCY_KEY],
        request=FileReprocessBody,
        responses=answers({200: FileDetail}, 400, 404, 409, 410, 422, 503),
    )
    def post(self, request: Request, file_upload_id: str) -> Response:
        """Read the file again, or run one step of its essay again. Brings a removed file back."""
        upload = find_file(request, file_upload_id)
        body = read_body(FileReprocessBody, request)

        def reprocess() -> Response:
            check_work(user_of(request).pk)
            if body.phase == EXTRACT:
                rereading.reread(upload, user_of(request))
            else:
                repeating.repeat_step(upload, user_of(request), body.phase)
            return answer(file_detail(find_file(request, file_upload_id)))

        return once(request, reprocess)
