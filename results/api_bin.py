"""The API of a batch's end: out of the way, how long it is kept, and the bin."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.actions import archiving, binning
from batches.api import find_batch
from batches.models import Batch
from batches.shapes import KeepBody
from huleedu.api.api_view import ApiView, answer, parse_id, read_body, user_of, versioned
from huleedu.api.idempotency import once
from huleedu.api.schema import IDEMPOTENCY_KEY, answers
from results import bin as waste
from results.api_actions import PARAMETERS, RESPONSES, decide
from results.queries import snapshot
from results.shapes import BinnedBatch, BinPage, Snapshot


def find_binned(request: Request, batch_id: str) -> Batch:
    """The caller's deleted batch. Raises ``Http404`` alike for missing, malformed and other teachers' ids."""
    return get_object_or_404(Batch.objects.binned_by(user_of(request)), pk=parse_id(batch_id))


class KeepView(ApiView):
    """How long."""

    @extend_schema(operation_id="keep_batch", parameters=PARAMETERS, request=KeepBody, responses=RESPONSES)
    def post(self, request: Request, batch_id: str) -> Response:
        """Keep the batch to the end of a day, within what the school allows; then it goes to the bin."""
        batch = find_batch(request, batch_id)
        body = read_body(KeepBody, request)
        return decide(request, batch, lambda: binning.keep(batch.pk, user_of(request), body.until))


class ArchiveView(ApiView):
    """Out of the way."""

    @extend_schema(operation_id="archive_batch", parameters=PARAMETERS, request=None, responses=RESPONSES)
    def post(self, request: Request, batch_id: str) -> Response:
        """Archive the batch: only the lists change. A file that is put into it brings it back."""
        batch = find_batch(request, batch_id)
        return decide(request, batch, lambda: archiving.archive(batch.pk, user_of(request)))


class UnarchiveView(ApiView):
    """Back from the archive."""

    @extend_schema(operation_id="unarchive_batch", parameters=PARAMETERS, request=None, responses=RESPONSES)
    def post(self, request: Request, batch_id: str) -> Response:
        """Bring the batch back to where it was."""
        batch = find_batch(request, batch_id)
        return decide(request, batch, lambda: archiving.unarchive(batch.pk, user_of(request)))


class BinView(ApiView):
    """The bin."""

    @extend_schema(operation_id="get_bin", responses=answers({200: BinPage}))
    def get(self, request: Request) -> Response:
        """All that lies in the bin."""
        return answer(BinPage(results=waste.contents(user_of(request))))


class BinnedView(ApiView):
    """One batch in the bin."""

    @extend_schema(
        operation_id="erase_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({200: BinnedBatch}, 404, 409, 422),
    )
    def delete(self, request: Request, batch_id: str) -> Response:
        """Erase it now, for good."""
        batch = find_binned(request, batch_id)

        def erase() -> Response:
            binning.erase_now(batch.pk)
            return answer(waste.binned(batch))

        return once(request, erase)


class BinRestoreView(ApiView):
    """Out of the bin."""

    @extend_schema(
        operation_id="restore_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({200: Snapshot}, 404, 409, 410, 422),
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Restore it with everything it had; it is kept for 30 more days at least."""
        batch = find_binned(request, batch_id)
        return versioned(once(request, lambda: answer(snapshot(binning.restore(batch.pk, user_of(request))))))
