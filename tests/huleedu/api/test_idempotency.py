"""One effect for each key, whatever happens in between."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connections
from django.test.utils import CaptureQueriesContext
from rest_framework.response import Response

from batches import api
from batches.models import Batch
from files.models import FileUpload
from huleedu.api.idempotency import kept_key
from huleedu.models import IdempotencyRecord
from tests.api import body_of, client_of, problem, register, some_file, upload

Essays = Callable[[int], bytes]
BODY = {"expected_essay_count": 2, "title": "Once"}


def post(user: User, key: str, body: object = None, address: str = "/v1/batches/register") -> Any:
    headers = {"Idempotency-Key": key}
    return client_of(user).post(address, BODY if body is None else body, format="json", headers=headers)


@pytest.mark.django_db
def test_the_same_request_gets_the_same_answer(teacher: User) -> None:
    first, again = post(teacher, "k"), post(teacher, "k", dict(reversed(BODY.items())))
    assert (first.status_code, body_of(first)) == (again.status_code, body_of(again))
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert Batch.objects.count() == 1


@pytest.mark.django_db
def test_another_body_or_address_under_a_used_key(teacher: User) -> None:
    batch_id = body_of(post(teacher, "k"))["batch_id"]
    problem(post(teacher, "k", {**BODY, "title": "Twice"}), 422, "IDEMPOTENCY_KEY_REUSED")
    problem(post(teacher, "k", {}, f"/v1/batches/{batch_id}/cancel"), 422, "IDEMPOTENCY_KEY_REUSED")
    headers = {"Idempotency-Key": "k"}
    response = upload(client_of(teacher), batch_id, some_file(b"x"), headers=headers)
    problem(response, 422, "IDEMPOTENCY_KEY_REUSED")
    assert (Batch.objects.count(), Batch.objects.get().status) == (1, "awaiting_content")


@pytest.mark.django_db
def test_keys_belong_to_users(teacher: User, colleague: User) -> None:
    assert body_of(post(teacher, "k"))["batch_id"] != body_of(post(colleague, "k"))["batch_id"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "å", "a\tb"])
def test_keys_that_are_none(teacher: User, key: str) -> None:
    problem(post(teacher, key), 400, "IDEMPOTENCY_KEY_INVALID")


@pytest.mark.django_db
def test_the_longest_key_on_the_longest_way(teacher: User, make_essay: Essays) -> None:
    headers = {"Idempotency-Key": "~" * 255}
    client = client_of(teacher)
    batch_id = register(client)["batch_id"]
    assert upload(client, batch_id, some_file(make_essay(1)), headers=headers).status_code == 201


@pytest.mark.django_db
def test_refusals_are_not_kept(teacher: User) -> None:
    batch_id = body_of(post(teacher, "first"))["batch_id"]
    address = f"/v1/batches/{batch_id}/start"
    problem(post(teacher, "k", {}, address), 409, "NO_ESSAYS")
    problem(post(teacher, "k", {"bad": 1}, address), 400, "INVALID")
    assert not IdempotencyRecord.objects.filter(key=kept_key("k")).exists()


@pytest.mark.django_db
def test_an_effect_that_fails_leaves_neither_trace_nor_lock(
    teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*arguments: object) -> Response:
        register_truly(*arguments)
        raise DatabaseError

    register_truly: Callable[..., Response] = api.register
    monkeypatch.setattr(api, "register", failing)
    problem(post(teacher, "k"), 503, "UNAVAILABLE")
    assert not Batch.objects.exists()
    monkeypatch.undo()
    assert post(teacher, "k").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_have_one_effect(teacher: User) -> None:
    clients = [client_of(teacher) for _ in range(8)]

    def send(number: int) -> Any:
        try:
            headers = {"Idempotency-Key": "k"}
            client = clients[number % len(clients)]
            return client.post("/v1/batches/register", BODY, format="json", headers=headers)
        finally:
            connections.close_all()

    answers = at_once(send)
    assert set(answers) <= {(201, ""), (409, "REQUEST_IN_PROGRESS")}
    assert answers[201, ""] > 0
    assert Batch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_hundred_uploads_at_once_have_one_effect(teacher: User, make_essay: Essays) -> None:
    clients = [client_of(teacher) for _ in range(8)]
    batch_id = register(clients[0])["batch_id"]

    def send(number: int) -> Any:
        try:
            files = [some_file(make_essay(1), "a.txt"), some_file(make_essay(2), "b.txt")]
            headers = {"Idempotency-Key": "k"}
            return upload(clients[number % len(clients)], batch_id, *files, headers=headers)
        finally:
            connections.close_all()

    answers = at_once(send)
    assert set(answers) <= {(201, ""), (409, "REQUEST_IN_PROGRESS")}
    assert FileUpload.objects.count() == 2


def at_once(send: Callable[[int], Any]) -> Counter[tuple[int, str]]:
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(send, range(100)))
    answered = [body_of(response) for response in responses if response.status_code == 201]
    assert all(answer == answered[0] for answer in answered)
    return Counter((response.status_code, body_of(response).get("code", "")) for response in responses)


@pytest.mark.django_db
def test_without_a_key_nothing_is_kept(teacher: User) -> None:
    register(client_of(teacher))
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db
def test_the_record_is_written_with_the_effect(teacher: User) -> None:
    client = client_of(teacher)
    client.get("/v1/batches")
    with CaptureQueriesContext(connections["default"]) as captured:
        client.post("/v1/batches/register", BODY, format="json", headers={"Idempotency-Key": "k"})
    statements = [query["sql"] for query in captured]
    lock = next(at for at, sql in enumerate(statements) if "pg_try_advisory_xact_lock" in sql)
    batch = next(at for at, sql in enumerate(statements) if 'INSERT INTO "batches_batch"' in sql)
    record = next(at for at, sql in enumerate(statements) if "idempotencyrecord" in sql and "INSERT" in sql)
    assert lock < batch < record
    assert statements[lock - 1].startswith("SAVEPOINT")
    ends = [
        at
        for at, sql in enumerate(statements)
        if sql == statements[lock - 1].replace("SAVEPOINT", "RELEASE SAVEPOINT")
    ]
    assert ends[0] > record
