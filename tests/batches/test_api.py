"""Registration and the teacher's decisions over HTTP."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from batches.models import Batch
from batches.shapes import RegisteredBatch
from results.shapes import BatchPage, Snapshot
from tests.api import MOMENT, body_of, checked, client_of, problem, register
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]
Queries = Callable[[int], Any]


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


def test_registration_answers_ids_of_all_places(client: APIClient, teacher: User) -> None:
    correlation_id = str(uuid4())
    response = client.post(
        "/v1/batches/register",
        {"expected_essay_count": 3, "title": "Hösten", "configuration": {"priority": "HIGH"}},
        format="json",
        headers={"X-Correlation-ID": correlation_id},
    )
    answer = checked(RegisteredBatch, response, 201)
    assert answer["correlation_id"] == correlation_id == response.headers["X-Correlation-ID"]
    assert [essay["number"] for essay in answer["essays"]] == [1, 2, 3]
    batch = Batch.objects.get(pk=answer["batch_id"])
    assert (batch.owner, batch.title, batch.language) == (teacher, "Hösten", "")
    assert batch.settings.priority == "HIGH"


@pytest.mark.parametrize("count", [1, 200])
def test_expected_count_at_its_limits(client: APIClient, count: int) -> None:
    assert len(register(client, count)["essays"]) == count


@pytest.mark.parametrize("count", [0, 201, -1, "7", 3.5, 7.01, True, None, [], 10**40])
def test_expected_count_that_is_no_number_from_1_to_200(client: APIClient, count: object) -> None:
    response = client.post("/v1/batches/register", {"expected_essay_count": count}, format="json")
    (error,) = problem(response, 400, "INVALID")["errors"]
    assert error["path"] == "expected_essay_count"
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "expected_essay_count"),
        ({"expected_essay_count": 1, "color": "red"}, "color"),
        ({"expected_essay_count": 1, "title": "x" * 201}, "title"),
        ({"expected_essay_count": 1, "title": None}, "title"),
        ({"expected_essay_count": 1, "language": "de"}, "language"),
        ({"expected_essay_count": 1, "configuration": {"priority": "URGENT"}}, "configuration.priority"),
        ({"expected_essay_count": 1, "configuration": {"steps": ["grade"]}}, "configuration.steps.0"),
        ({"expected_essay_count": 1, "configuration": {"max_retries": "3"}}, "configuration.max_retries"),
        ({"expected_essay_count": 1, "configuration": {"extra": 1}}, "configuration.extra"),
        ({"expected_essay_count": 1, "configuration": {"steps": ["spellcheck"] * 11}}, "configuration.steps"),
        ([], ""),
        ("text", ""),
        (7, ""),
    ],
)
def test_wrong_values_are_named_by_their_path(client: APIClient, body: object, path: str) -> None:
    response = client.post("/v1/batches/register", body, format="json")
    assert path in [error["path"] for error in problem(response, 400, "INVALID")["errors"]]


@pytest.mark.parametrize("raw", ["{", "", "[1,", '{"a": NaN}', '{"a": 1, "a": 2}', "\xff", "[" * 100_000])
def test_what_is_not_json_is_refused(client: APIClient, raw: str) -> None:
    response = client.post("/v1/batches/register", raw.encode("latin-1"), content_type="application/json")
    assert response.status_code == 400
    assert body_of(response)["code"] in {"MALFORMED_JSON", "INVALID"}


@pytest.mark.parametrize(
    "raw",
    [
        '{"expected_essay_count": 1, "title": "a\\u0000b"}',
        '{"expected_essay_count": 1, "title": "\\ud800"}',
        '{"expected_essay_count": 1, "\\udfff": 1}',
        '{"expected_essay_count": 1, "configuration": {"steps": ["\\ud800"]}}',
    ],
)
def test_text_that_cannot_be_stored_is_refused(client: APIClient, raw: str) -> None:
    response = client.post("/v1/batches/register", raw, content_type="application/json")
    problem(response, 400, "INVALID_TEXT")


def test_emoji_and_paired_surrogates_are_text(client: APIClient) -> None:
    raw = '{"expected_essay_count": 1, "title": "\\ud83d\\ude00 Åsa"}'
    response = client.post("/v1/batches/register", raw, content_type="application/json")
    checked(RegisteredBatch, response, 201)
    assert Batch.objects.get().title == "😀 Åsa"


def test_a_body_of_another_type_or_too_large_is_refused(client: APIClient) -> None:
    problem(
        client.post("/v1/batches/register", "a=1", content_type="text/csv"), 415, "UNSUPPORTED_MEDIA_TYPE"
    )
    large = b'{"title": "' + b"x" * (1024 * 1024) + b'"}'
    response = client.post("/v1/batches/register", large, content_type="application/json")
    problem(response, 413, "REQUEST_TOO_LARGE")


def test_methods_an_address_does_not_take(client: APIClient) -> None:
    response = client.get("/v1/batches/register/")
    problem(response, 404, "NOT_FOUND")
    for method in ("put", "patch", "delete", "options"):
        problem(getattr(client, method)("/v1/batches/register"), 405, "METHOD_NOT_ALLOWED")


def test_unknown_addresses_answer_problems_without_signing_in() -> None:
    client = APIClient()
    for address in ("/v1/", "/v1/nothing", "/v1/batches/a/b/c", "/v1/%0A", "/v1/batches/"):
        for method in ("get", "post", "options"):
            problem(getattr(client, method)(address), 404, "NOT_FOUND")


def test_any_accept_header_gets_json(client: APIClient) -> None:
    checked(BatchPage, client.get("/v1/batches", headers={"Accept": "text/html"}))


def test_the_list_has_newest_first_in_pages(client: APIClient, colleague: User) -> None:
    ids = [register(client, 1, title=f"batch {number}")["batch_id"] for number in range(5)]
    register(client_of(colleague), 1)
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    for expected in (2, 2, 1):
        answer = checked(BatchPage, client.get("/v1/batches", query))
        assert len(answer["results"]) == expected
        found += [row["batch_id"] for row in answer["results"]]
        query["cursor"] = answer["next"]
    assert answer["next"] is None
    assert found == ids[::-1]


def test_the_list_is_searched_and_filtered(client: APIClient) -> None:
    first = register(client, 1, title="Höstens bok", class_name="9A")["batch_id"]
    second = register(client, 1, title="Vårens bok", class_name="9B")["batch_id"]
    client.post(f"/v1/batches/{second}/cancel", {}, format="json")

    def ids(**query: str) -> list[str]:
        return [row["batch_id"] for row in checked(BatchPage, client.get("/v1/batches", query))["results"]]

    assert ids(q="hÖsten") == [first]
    assert ids(q="9b") == [second]
    assert ids(status="cancelled") == [second]
    assert ids(q="bok", status="awaiting_content") == [first]
    assert ids(q="%") == []


@pytest.mark.parametrize(
    "query",
    ["colour=red", "status=sleeping", "limit=0", "limit=201", "limit=x", "cursor=x", "cursor=%C3%A5",
     "limit=1&limit=2", "cursor=MjAyMC0wMS0wMXwx"],
)  # fmt: skip
def test_wrong_list_queries(client: APIClient, query: str) -> None:
    problem(client.get(f"/v1/batches?{query}"), 400, "INVALID")


def test_a_query_with_nul(client: APIClient) -> None:
    problem(client.get("/v1/batches?q=%00"), 400, "INVALID_TEXT")


def test_the_list_costs_the_same_for_any_number_of_batches(
    client: APIClient, django_assert_num_queries: Queries
) -> None:
    register(client)
    client.get("/v1/batches")
    with django_assert_num_queries(3):
        client.get("/v1/batches")
    for _ in range(6):
        register(client)
    with django_assert_num_queries(3):
        assert len(body_of(client.get("/v1/batches"))["results"]) == 7


def test_the_snapshot_costs_the_same_for_any_batch(
    client: APIClient, pipeline: Pipeline, make_essay: Essays, django_assert_num_queries: Queries
) -> None:
    for expected in (1, 6):
        batch_id = register(client, expected)["batch_id"]
        for number in range(expected):
            pipeline.upload(Batch.objects.get(pk=batch_id), make_essay(number))
        pipeline.run()
        client.get(f"/v1/batches/{batch_id}")
        with django_assert_num_queries(7 + MOMENT):
            answer = checked(Snapshot, client.get(f"/v1/batches/{batch_id}"))
        assert (len(answer["files"]), len(answer["essays"])) == (expected, expected)
        assert answer["status"] == "completed"


def test_expect_extend_and_cancel_answer_the_snapshot(client: APIClient) -> None:
    batch = register(client, 2)
    address = f"/v1/batches/{batch['batch_id']}"
    answer = checked(Snapshot, client.post(f"{address}/expect", {"expected_essay_count": 4}, format="json"))
    assert (answer["expected_essay_count"], len(answer["essays"])) == (4, 4)

    answer = checked(Snapshot, client.post(f"{address}/extend", {"seconds": 3600}, format="json"))
    later = datetime.fromisoformat(answer["deadline"]) - datetime.fromisoformat(batch["deadline"])
    assert later.total_seconds() == 3600

    answer = checked(Snapshot, client.post(f"{address}/cancel", {"reason": "by mistake"}, format="json"))
    assert answer["status"] == "cancelled"
    problem(client.post(f"{address}/extend", {"seconds": 1}, format="json"), 409, "BATCH_CLOSED")
    problem(client.post(f"{address}/start", {}, format="json"), 409, "BATCH_CLOSED")


def test_a_decision_on_what_has_changed_meanwhile_is_refused(client: APIClient) -> None:
    address = f"/v1/batches/{register(client, 7)['batch_id']}"
    seen = client.get(address).headers["ETag"]
    assert seen == '"0"'

    def expect(count: int, **headers: str) -> Response:
        body = {"expected_essay_count": count}
        answer: Response = client.post(f"{address}/expect", body, format="json", headers=headers)
        return answer

    first = expect(10, **{"If-Match": seen})
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    told = problem(expect(8, **{"If-Match": seen}), 412, "BATCH_CHANGED")
    assert told["details"] == {"version": 1}
    assert checked(Snapshot, client.get(address))["expected_essay_count"] == 10
    assert expect(8, **{"If-Match": first.headers["ETag"]}).status_code == 200
    assert expect(9).status_code == 200, "without a condition the last one wins, as it always did"
    assert expect(7, **{"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "0", "x", 'W/"0"', '"-0"', '"1", "2"', '"', '"' + "9" * 400 + '"', "\x80"]
)
def test_a_version_that_is_none_matches_nothing(client: APIClient, header: str) -> None:
    address = f"/v1/batches/{register(client)['batch_id']}/extend"
    answer = client.post(address, {"seconds": 1}, format="json", headers={"If-Match": header})
    problem(answer, 412, "BATCH_CHANGED")


@pytest.mark.parametrize(
    ("action", "body"), [("start", {}), ("extend", {"seconds": 1}), ("cancel", {}), ("reprocess", {})]
)
def test_every_decision_honours_its_condition(
    client: APIClient, action: str, body: dict[str, object]
) -> None:
    address = f"/v1/batches/{register(client)['batch_id']}"
    for version, wanted in (('"1"', "BATCH_CHANGED"), ('"0", "7"', None)):
        answer = client.post(f"{address}/{action}", body, format="json", headers={"If-Match": version})
        assert body_of(answer).get("code") in ({wanted} if wanted else {None, "NO_ESSAYS"})


def test_a_repeat_under_a_key_gets_its_answer_although_its_own_decision_changed_the_version(
    client: APIClient,
) -> None:
    address = f"/v1/batches/{register(client)['batch_id']}/extend"
    headers = {"If-Match": '"0"', "Idempotency-Key": "one"}
    answers = [client.post(address, {"seconds": 60}, format="json", headers=headers) for _ in range(2)]
    assert [(each.status_code, each.headers["ETag"]) for each in answers] == [(200, '"1"')] * 2
    assert Batch.objects.get().version == 1


def test_start_and_reprocess(client: APIClient, pipeline: Pipeline, make_essay: Essays) -> None:
    batch_id = register(client, 3)["batch_id"]
    address = f"/v1/batches/{batch_id}"
    problem(client.post(f"{address}/start"), 409, "NO_ESSAYS")
    problem(client.post(f"{address}/reprocess", {}, format="json"), 409, "NO_ESSAYS")
    pipeline.upload(Batch.objects.get(pk=batch_id), make_essay(1))
    pipeline.run()
    answer = checked(Snapshot, client.post(f"{address}/start"))
    assert answer["status"] == "processing"
    pipeline.run()
    answer = checked(Snapshot, client.post(f"{address}/reprocess", {"phase": "spellcheck"}, format="json"))
    assert answer["status"] == "processing"
    pipeline.run()
    assert checked(Snapshot, client.get(address))["status"] == "completed"
    problem(client.post(f"{address}/reprocess", {"phase": "grade"}, format="json"), 400, "INVALID")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("start", {"now": True}),
        ("extend", {}),
        ("extend", {"seconds": 0}),
        ("extend", {"seconds": 10**30}),
        ("expect", {"expected_essay_count": 201}),
        ("expect", {"expected_essay_count": True}),
        ("cancel", {"reason": 7}),
        ("cancel", {"reason": "x" * 501}),
    ],
)
def test_wrong_bodies_of_decisions(client: APIClient, action: str, body: dict[str, object]) -> None:
    batch_id = register(client)["batch_id"]
    problem(client.post(f"/v1/batches/{batch_id}/{action}", body, format="json"), 400, "INVALID")
