"""The API of exports: what works, whose it is, and bad input."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from rest_framework.test import APIClient

from batches.models import Batch
from results.export_shapes import ExportAnswer, ExportList
from results.exports.registry import KINDS
from results.models import Export
from tests.api import body_of, checked, client_of, problem
from tests.pipeline import Pipeline
from tests.results.exports.material import ask, made

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """One essay that is done."""
    return pipeline.completed(teacher, make_essay(1))


@pytest.fixture
def api(teacher: User) -> APIClient:
    """The teacher's client."""
    return client_of(teacher)


def address(batch: Batch) -> str:
    return f"/v1/batches/{batch.pk}/exports"


def test_ask_look_and_have_the_file(api: APIClient, batch: Batch, pipeline: Pipeline) -> None:
    asked = checked(ExportAnswer, api.post(address(batch), {"kind": "csv"}, format="json"), 201)
    assert (asked["status"], asked["language"], asked["content_url"]) == ("queued", "en", None)
    own = f"/v1/exports/{asked['export_id']}"
    problem(api.get(f"{own}/content"), 409, "EXPORT_NOT_READY")
    pipeline.run()
    ready = checked(ExportAnswer, api.get(own))
    assert (ready["status"], ready["done"], ready["total"]) == ("ready", 1, 1)
    assert ready["content_url"] == f"{own}/content"
    response: Any = api.get(ready["content_url"])
    data = b"".join(response.streaming_content)
    assert response.headers["Content-Disposition"] == 'attachment; filename="Table.csv"'
    assert int(response.headers["Content-Length"]) == len(data) == ready["size"]
    assert response.headers["Cache-Control"] == "no-store"
    assert checked(ExportList, api.get(address(batch)))["results"] == [ready]


def test_a_title_with_a_stroke_is_whole_in_the_name(api: APIClient, batch: Batch) -> None:
    Batch.objects.filter(pk=batch.pk).update(class_name="9A/B", title="Essay 1/2 \\ C: home")
    asked = checked(ExportAnswer, api.post(address(batch), {"kind": "csv"}, format="json"), 201)
    assert asked["filename"] == "9A-B Essay 1-2 - C_ home – table.csv"


def test_the_same_is_given_again_while_it_is_made(api: APIClient, batch: Batch) -> None:
    first = checked(ExportAnswer, api.post(address(batch), {"kind": "csv"}, format="json"), 201)
    again = checked(ExportAnswer, api.post(address(batch), {"kind": "csv"}, format="json"), 200)
    assert again["export_id"] == first["export_id"]


def test_a_repeat_under_the_same_key_asks_once(api: APIClient, batch: Batch, pipeline: Pipeline) -> None:
    key = {"Idempotency-Key": "one"}
    first = api.post(address(batch), {"kind": "csv"}, format="json", headers=key)
    pipeline.run()
    again = api.post(address(batch), {"kind": "csv"}, format="json", headers=key)
    assert body_of(first) == body_of(again)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Export.objects.count() == 1


def test_the_words_are_in_the_language_that_is_asked_for(api: APIClient, batch: Batch) -> None:
    body = {"kind": "csv", "language": "sv"}
    assert checked(ExportAnswer, api.post(address(batch), body, format="json"), 201)["language"] == "sv"
    swedish = api.post(address(batch), {"kind": "csv"}, format="json", headers={"Accept-Language": "sv"})
    assert body_of(swedish)["language"] == "sv"


def test_call_off_and_ask_again(api: APIClient, batch: Batch, pipeline: Pipeline) -> None:
    export = ask(batch)
    own = f"/v1/exports/{export.pk}"
    assert checked(ExportAnswer, api.delete(own))["status"] == "cancelled"
    assert checked(ExportAnswer, api.post(f"{own}/retry"))["status"] == "queued"
    pipeline.run()
    problem(api.post(f"{own}/retry"), 409, "INVALID_STATE")
    assert checked(ExportAnswer, api.delete(own))["status"] == "ended"
    problem(api.get(f"{own}/content"), 410, "EXPORT_ENDED")


def test_a_link_ends(api: APIClient, batch: Batch, pipeline: Pipeline) -> None:
    export = made(pipeline, batch)
    Export.objects.update(ends_at=F("ends_at") - timedelta(days=8))
    own = f"/v1/exports/{export.pk}"
    ended = checked(ExportAnswer, api.get(own))
    assert (ended["status"], ended["content_url"]) == ("ended", None)
    problem(api.get(f"{own}/content"), 410, "EXPORT_ENDED")


def test_strangers_and_missing_are_alike(
    batch: Batch, pipeline: Pipeline, colleague: User, make_essay: Essays
) -> None:
    export = made(pipeline, batch)
    stranger = client_of(colleague)
    for own in (f"/v1/exports/{export.pk}", f"/v1/exports/{uuid4()}", "/v1/exports/x"):
        problem(stranger.get(own), 404, "NOT_FOUND")
        problem(stranger.get(f"{own}/content"), 404, "NOT_FOUND")
        problem(stranger.delete(own), 404, "NOT_FOUND")
        problem(stranger.post(f"{own}/retry"), 404, "NOT_FOUND")
    problem(stranger.get(address(batch)), 404, "NOT_FOUND")
    problem(stranger.post(address(batch), {"kind": "csv"}, format="json"), 404, "NOT_FOUND")
    problem(APIClient().get(address(batch)), 401, "NOT_SIGNED_IN")


def test_no_other_address_gives_the_bytes(api: APIClient, batch: Batch, pipeline: Pipeline) -> None:
    export = made(pipeline, batch)
    problem(api.get(f"/v1/content/{export.storage_id}"), 404, "NOT_FOUND")


def test_a_read_token_looks_and_asks_for_nothing(batch: Batch, pipeline: Pipeline, teacher: User) -> None:
    export = made(pipeline, batch)
    reader = client_of(teacher, "read")
    checked(ExportAnswer, reader.get(f"/v1/exports/{export.pk}"))
    problem(reader.post(address(batch), {"kind": "csv"}, format="json"), 403, "FORBIDDEN")
    problem(reader.delete(f"/v1/exports/{export.pk}"), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "docx"}, {"kind": "csv", "language": "de"}, {"kind": "csv", "x": 1}, {"kind": 7}, []],
)
def test_bad_input(api: APIClient, batch: Batch, body: object) -> None:
    problem(api.post(address(batch), body, format="json"), 400, "INVALID")


def test_the_description_names_every_kind(api: APIClient) -> None:
    schemas = body_of(api.get("/v1/schema/"))["components"]["schemas"]
    assert schemas["ExportBody"]["properties"]["kind"]["enum"] == list(KINDS)
