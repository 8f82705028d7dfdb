"""What the API takes: the configured limits, and how much of them the caller has used."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.models import MAX_ESSAYS
from files.capacity import STEPS
from files.shapes import LimitsAnswer, Share
from huleedu.api import quotas
from huleedu.api.api_view import ApiView, answer, user_of
from huleedu.api.schema import answers
from huleedu.postgres.clock import database_now


class LimitsView(ApiView):
    """Limits."""

    @extend_schema(operation_id="get_limits", responses=answers({200: LimitsAnswer}))
    def get(self, request: Request) -> Response:
        """What may be sent, kept and added in a day, and what the caller has of it."""
        return answer(limits_of(user_of(request).pk))


def limits_of(owner_id: int) -> LimitsAnswer:
    """All limits that a client can keep by itself, with what the teacher has used."""
    state = quotas.state_of(owner_id, STEPS)
    return LimitsAnswer(
        file_bytes=settings.MAX_FILE_BYTES,
        request_bytes=settings.MAX_REQUEST_BYTES,
        files_per_request=settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        files_per_batch=settings.MAX_FILES_PER_BATCH,
        essays_per_batch=MAX_ESSAYS,
        least_characters=settings.MIN_TEXT_CHARACTERS,
        most_characters=settings.MAX_TEXT_CHARACTERS,
        kept_bytes=Share(limit=state.most_bytes, used=state.kept),
        files_today=Share(limit=state.most_files, used=state.files),
        batches_today=Share(limit=state.most_batches, used=state.batches),
        waiting=Share(limit=settings.TEACHER_QUEUED_WORK, used=state.waiting),
        undo_seconds=settings.UNDO_SECONDS,
        bin_seconds=settings.BIN_SECONDS,
        day_ends_at=quotas.next_day(database_now()),
    )
