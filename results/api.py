"""The API of whole batches: list, snapshot, status, results, events, composition."""

from contextlib import suppress
from dataclasses import asdict
from uuid import UUID

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.actions import binning
from batches.api import find_batch
from batches.models import Batch
from huleedu.api.api_view import ApiView, answer, read_query, user_of, versioned
from huleedu.api.idempotency import once
from huleedu.api.schema import IDEMPOTENCY_KEY, answers, query_parameters
from huleedu.events import feed
from huleedu.events.feed import Missed
from results import bin as waste
from results import queries
from results.analytics import analytics
from results.filters import narrow
from results.listing import page
from results.shapes import (
    Analytics,
    BatchesQuery,
    BatchPage,
    BinnedBatch,
    EventsAnswer,
    EventsQuery,
    ResultsAnswer,
    ResultsQuery,
    Snapshot,
    StatusAnswer,
)


class BatchesView(ApiView):
    """The caller's batches."""

    @extend_schema(
        operation_id="list_batches",
        parameters=query_parameters(BatchesQuery),
        responses=answers({200: BatchPage}, 400),
    )
    def get(self, request: Request) -> Response:
        """One page of batches, in the order that is asked for."""
        return answer(batch_page(user_of(request), read_query(BatchesQuery, request)))


def batch_page(owner: User, query: BatchesQuery) -> BatchPage:
    """One page with the cursor of the next."""
    found = page(owner, query.q, query.cursor or "", query.status, query.limit, query.show, query.order)
    return BatchPage(
        results=queries.summaries(found.batches),
        moved=queries.summaries(found.moved),
        next=found.next_cursor or None,
    )


class BatchView(ApiView):
    """One batch."""

    @extend_schema(operation_id="get_batch", responses=answers({200: Snapshot}, 404))
    def get(self, request: Request, batch_id: str) -> Response:
        """The whole batch, with the position from which live messages continue it."""
        return versioned(answer(queries.snapshot(find_batch(request, batch_id))))

    @extend_schema(
        operation_id="delete_batch",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses=answers({200: BinnedBatch}, 404, 409, 410, 422),
    )
    def delete(self, request: Request, batch_id: str) -> Response:
        """Put the batch into the bin; it can be restored until `erased_at`."""
        batch = find_batch(request, batch_id)
        owner_id = user_of(request).pk
        return once(request, lambda: answer(waste.binned(binning.delete(batch.pk, owner_id))))


class StatusView(ApiView):
    """Where a batch stands."""

    @extend_schema(operation_id="get_batch_status", responses=answers({200: StatusAnswer}, 404))
    def get(self, request: Request, batch_id: str) -> Response:
        """Status, counts and phases."""
        return answer(queries.status(find_batch(request, batch_id)))


class ResultsView(ApiView):
    """What came of a batch."""

    @extend_schema(
        operation_id="get_batch_results",
        parameters=query_parameters(ResultsQuery),
        responses=answers({200: ResultsAnswer}, 400, 404),
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """Every essay's result and every file that is no essay, narrowed by the filters."""
        batch = find_batch(request, batch_id)
        query = read_query(ResultsQuery, request)
        return answer(narrow(queries.results(batch), query))


class EventsView(ApiView):
    """Live messages for those who cannot hold a socket."""

    @extend_schema(
        operation_id="get_batch_events",
        parameters=query_parameters(EventsQuery),
        responses=answers({200: EventsAnswer}, 400, 404),
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """Messages after a position, in order; ``resync`` when it cannot be continued."""
        batch = find_batch(request, batch_id)
        return Response(asdict(missed(batch, read_query(EventsQuery, request))))


def missed(batch: Batch, query: EventsQuery) -> Missed:
    """Messages after the reader's position; an epoch that is none of ours asks for a resync."""
    if query.epoch is None:
        place = feed.position(batch.pk)
        return feed.missed(batch.pk, query.after, place.epoch if place else None)
    epoch: UUID | None = None
    with suppress(ValueError):
        epoch = UUID(query.epoch)
    return feed.missed(batch.pk, query.after, epoch)


class AnalyticsView(ApiView):
    """What a batch is made of."""

    @extend_schema(operation_id="get_batch_analytics", responses=answers({200: Analytics}, 404))
    def get(self, request: Request, batch_id: str) -> Response:
        """Formats, sizes, words, failures, duplicates and times."""
        return answer(analytics(find_batch(request, batch_id)))
