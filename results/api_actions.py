"""The API of a teacher's decisions about a batch; each answers the snapshot."""

from collections.abc import Callable

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from batches.actions import cancelling, deadline, deciding, places
from batches.api import find_batch
from batches.models import Batch
from batches.shapes import CancelBody, ExpectBody, ExtendBody, LanguageBody, ReprocessBody, StartBody
from essays.actions import batch_language, repeating_all, repeating_batch_wide, starting
from files.capacity import check_work
from huleedu.api.api_view import ApiView, answer, read_body, user_of, versioned, versions_seen
from huleedu.api.idempotency import once
from huleedu.api.schema import IDEMPOTENCY_KEY, IF_MATCH, answers
from huleedu.events.phases import is_batch_wide
from huleedu.failures.errors import Refused
from results.queries import snapshot
from results.shapes import Snapshot

PARAMETERS = [IDEMPOTENCY_KEY, IF_MATCH]
RESPONSES = answers({200: Snapshot}, 400, 404, 409, 410, 412, 422)


def nothing() -> None:
    """What most decisions need beforehand."""


def decide(
    request: Request, batch: Batch, decision: Callable[[], Batch], check: Callable[[], None] = nothing
) -> Response:
    """Carry ``decision`` out once and answer the batch as it is then.

    With ``If-Match`` only while nobody has decided something else. Raises ``Refused`` then. ``check`` comes
    before the batch is locked: it may wait for the store.
    """
    seen = versions_seen(request)

    def effect() -> Response:
        check()
        return deciding.decide_as_seen(batch.pk, seen, lambda: answer(snapshot(decision())))

    return versioned(once(request, effect))


class StartView(ApiView):
    """Starting."""

    @extend_schema(operation_id="start_batch", parameters=PARAMETERS, request=StartBody, responses=RESPONSES)
    def post(self, request: Request, batch_id: str) -> Response:
        """Start with the essays that are here."""
        batch = find_batch(request, batch_id)
        read_body(StartBody, request)
        return decide(request, batch, lambda: starting.start(batch.pk, user_of(request)))


class ExtendView(ApiView):
    """More time."""

    @extend_schema(
        operation_id="extend_batch", parameters=PARAMETERS, request=ExtendBody, responses=RESPONSES
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Move the deadline on, from now if it has passed."""
        batch = find_batch(request, batch_id)
        body = read_body(ExtendBody, request)
        return decide(request, batch, lambda: deadline.extend(batch.pk, user_of(request), body.seconds))


class ExpectView(ApiView):
    """More or fewer essays."""

    @extend_schema(
        operation_id="expect_essays", parameters=PARAMETERS, request=ExpectBody, responses=RESPONSES
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Change the number of essays; files that wait for a place get it."""
        batch = find_batch(request, batch_id)
        body = read_body(ExpectBody, request)
        return decide(
            request, batch, lambda: places.expect(batch.pk, user_of(request), body.expected_essay_count)
        )


class LanguageView(ApiView):
    """The language of the batch."""

    @extend_schema(
        operation_id="set_batch_language",
        parameters=PARAMETERS,
        request=LanguageBody,
        responses=answers({200: Snapshot}, 400, 404, 409, 410, 412, 422, 503),
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Say in which language the batch is, null: as its essays. What it concerns is checked again."""
        batch = find_batch(request, batch_id)
        body = read_body(LanguageBody, request)

        language = body.language or ""

        def check() -> None:
            check_work(user_of(request).pk)
            batch_language.check_batch_language(batch.pk, language)

        def choose() -> Batch:
            return batch_language.change_batch_language(batch.pk, user_of(request), language)

        return decide(request, batch, choose, check)


class CancelView(ApiView):
    """Stopping."""

    @extend_schema(
        operation_id="cancel_batch", parameters=PARAMETERS, request=CancelBody, responses=RESPONSES
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Stop the batch; its files stay."""
        batch = find_batch(request, batch_id)
        body = read_body(CancelBody, request)
        return decide(request, batch, lambda: cancelling.cancel(batch.pk, user_of(request), body.reason))


class ResumeView(ApiView):
    """Going on."""

    @extend_schema(operation_id="resume_batch", parameters=PARAMETERS, request=None, responses=RESPONSES)
    def post(self, request: Request, batch_id: str) -> Response:
        """Take the cancellation back: what is not done yet is done."""
        batch = find_batch(request, batch_id)
        return decide(request, batch, lambda: cancelling.resume(batch.pk, user_of(request)))


class ReprocessView(ApiView):
    """Trying again."""

    @extend_schema(
        operation_id="reprocess_batch",
        parameters=PARAMETERS,
        request=ReprocessBody,
        responses=answers({200: Snapshot}, 400, 404, 409, 410, 412, 422, 503),
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Run one step of every essay again."""
        batch = find_batch(request, batch_id)
        body = read_body(ReprocessBody, request)
        phase = body.phase or first_step(batch)

        def check() -> None:
            check_work(user_of(request).pk)
            if is_batch_wide(phase):
                repeating_batch_wide.check_repeat(Batch.objects.still_there(batch.pk), phase)
            else:
                repeating_all.check_repeat_of_all(batch.pk, phase)

        def repeat() -> Batch:
            if is_batch_wide(phase):
                return repeating_batch_wide.begin_repeat(batch.pk, user_of(request), phase)
            return repeating_all.begin_repeat_of_all(batch.pk, user_of(request), phase)

        return decide(request, batch, repeat, check)


def first_step(batch: Batch) -> str:
    """The batch's first step. Raises ``Refused`` for a batch that only collects essays."""
    steps = batch.settings.steps
    if not steps:
        raise Refused("STEP_NOT_CONFIGURED")
    return steps[0]
