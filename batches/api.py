"""The API of batches: registration, and finding one's own."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.actions import registering
from batches.actions.registering import Registration
from batches.models import Batch
from batches.shapes import RegisterBody, RegisteredBatch
from huleedu.api.api_view import ApiView, parse_id, read_body, user_of
from huleedu.api.idempotency import once
from huleedu.api.schema import IDEMPOTENCY_KEY, answers
from huleedu.http.middleware import correlation_id_of


def find_batch(request: Request, batch_id: str) -> Batch:
    """The caller's batch. Raises ``Http404`` alike for missing, malformed and other teachers' ids."""
    return get_object_or_404(Batch.objects.owned_by(user_of(request)), pk=parse_id(batch_id))


class RegisterView(ApiView):
    """New batches."""

    @extend_schema(
        operation_id="register_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=RegisterBody,
        responses=answers({201: RegisteredBatch}, 400, 409, 422),
    )
    def post(self, request: Request) -> Response:
        """Register a batch; its essay ids exist from now on."""
        body = read_body(RegisterBody, request)
        return once(request, lambda: register(request, body))


def register(request: Request, body: RegisterBody) -> Response:
    """Carry the registration out."""
    registration = Registration(
        expected_essay_count=body.expected_essay_count,
        title=body.title.strip(),
        class_name=body.class_name.strip(),
        language=body.language or "",
        assignment=body.assignment,
        configuration=body.configuration,
    )
    batch = registering.register(user_of(request), registration, correlation_id_of(request._request))
    slots = batch.slots.order_by("number").values_list("pk", "number")
    answer = {
        "batch_id": batch.pk,
        "correlation_id": batch.correlation_id,
        "essays": [{"essay_id": essay_id, "number": number} for essay_id, number in slots],
        "deadline": batch.deadline,
    }
    return Response(answer, status=201)
