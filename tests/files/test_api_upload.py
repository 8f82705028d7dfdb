"""Uploads over HTTP: whole, mixed, repeated, too many, and when something we need is away."""

import errno
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.middleware.csrf import _get_new_csrf_string
from pytest_django import Settings
from rest_framework.test import APIClient

from files import api, capacity
from files.models import FileUpload, StoredContent
from files.shapes import UploadAnswer
from files.storage import DurableFileSystemStorage
from huleedu.api import idempotency
from huleedu.api.idempotency import Attempt, kept_key
from huleedu.api.turns import Turns
from huleedu.failures.errors import Refused
from huleedu.models import IdempotencyRecord, OutboxMessage
from huleedu.postgres import database
from tests.api import (
    BOUNDARY,
    MULTIPART,
    body_of,
    checked,
    client_of,
    manifest_of,
    problem,
    raw_form,
    register,
    send_form,
    some_file,
    upload,
)

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def batch_id(client: APIClient) -> str:
    return str(register(client, 5)["batch_id"])


def finished_events() -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(event_type="EssayUploadFinished").order_by("id")
    return [row.envelope["data"] for row in rows]


def test_files_are_taken_in_and_told(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    correlation_id = str(uuid4())
    files = [("Åsa.txt", make_essay(1)), ("Bo.txt", make_essay(2))]
    response = upload(
        client,
        batch_id,
        *(some_file(data, name) for name, data in files),
        manifest=manifest_of(*files),
        headers={"X-Correlation-ID": correlation_id},
    )
    answer = checked(UploadAnswer, response, 201)
    assert (answer["batch_id"], answer["correlation_id"]) == (batch_id, correlation_id)
    assert [file["client_ref"] for file in answer["files"]] == ["ref-0", "ref-1"]
    assert [file["filename"] for file in answer["files"]] == ["Åsa.txt", "Bo.txt"]
    rows = list(FileUpload.objects.filter(batch_id=batch_id).order_by("created_at"))
    assert [str(row.pk) for row in rows] == [file["file_upload_id"] for file in answer["files"]]
    assert [row.content_hash for row in rows] == [hashlib.sha256(data).hexdigest() for _, data in files]
    assert {str(row.correlation_id) for row in rows} == {correlation_id}
    (finished,) = finished_events()
    assert (finished["expected_count"], finished["correlation_id"]) == (2, correlation_id)


def test_without_a_manifest(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    answer = checked(UploadAnswer, upload(client, batch_id, some_file(make_essay(1))), 201)
    assert answer["files"][0]["client_ref"] is None


def test_a_file_over_the_limit_fails_alone(
    client: APIClient, batch_id: str, make_essay: Essays, settings: Settings
) -> None:
    settings.MAX_FILE_BYTES = len(make_essay(1))
    at_limit, past_it = some_file(make_essay(1), "good.txt"), some_file(make_essay(1) + b"!", "big.txt")
    answer = checked(UploadAnswer, upload(client, batch_id, past_it, at_limit), 207)
    big, good = answer["files"]
    assert (big["status"], big["error"]["error_code"]) == ("failed", "FILE_TOO_LARGE")
    assert big["file_upload_id"] is not None
    assert (good["status"], "error" in good) == ("processing", False)


def test_one_file_the_store_does_not_take_leaves_its_siblings(
    client: APIClient, batch_id: str, make_essay: Essays, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_storage(monkeypatch, errno.EIO, failing=1)
    response = upload(client, batch_id, some_file(make_essay(1)), some_file(make_essay(2)))
    lost, kept = checked(UploadAnswer, response, 207)["files"]
    assert (lost["file_upload_id"], lost["error"]["error_code"]) == (None, "STORAGE_FAILED")
    assert kept["status"] == "processing"


@pytest.mark.parametrize(("number", "status", "code"), [
    (errno.EIO, 503, "STORAGE_FAILED"), (errno.ENOSPC, 507, "STORAGE_FULL"),
])  # fmt: skip
def test_when_the_store_takes_nothing(
    client: APIClient,
    batch_id: str,
    make_essay: Essays,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    status: int,
    code: str,
) -> None:
    break_storage(monkeypatch, number, failing=100)
    key = {"Idempotency-Key": "a"}
    response = upload(client, batch_id, some_file(make_essay(1)), headers=key)
    assert len(problem(response, status, code)["files"]) == 1
    monkeypatch.undo()
    checked(UploadAnswer, upload(client, batch_id, some_file(make_essay(1)), headers=key), 201)


def break_storage(monkeypatch: pytest.MonkeyPatch, number: int, failing: int) -> None:
    left = [failing]
    save = DurableFileSystemStorage.save

    def broken(storage: DurableFileSystemStorage, *arguments: Any, **options: Any) -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(number, "broken")
        return save(storage, *arguments, **options)

    monkeypatch.setattr(DurableFileSystemStorage, "save", broken)


def test_a_repeat_after_a_partial_failure_stores_only_the_rest(
    client: APIClient, batch_id: str, make_essay: Essays, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_storage(monkeypatch, errno.EIO, failing=1)
    files = [some_file(make_essay(number), f"{number}.txt") for number in range(3)]
    key = {"Idempotency-Key": "folder"}
    first = checked(UploadAnswer, upload(client, batch_id, *files, headers=key), 207)
    for file in files:
        file.seek(0)
    second = checked(UploadAnswer, upload(client, batch_id, *files, headers=key), 201)
    assert [file["file_upload_id"] for file in second["files"][1:]] == [
        file["file_upload_id"] for file in first["files"][1:]
    ]
    assert FileUpload.objects.count() == 3


def test_other_body_types_are_refused(client: APIClient, batch_id: str) -> None:
    response = client.post("/v1/files/batch", {"batch_id": batch_id}, format="json")
    problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    form = client.post("/v1/files/batch", "batch_id=1", content_type="application/x-www-form-urlencoded")
    problem(form, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_two_hundred_files_at_once_and_one_more(client: APIClient, batch_id: str) -> None:
    files = [some_file(f"essay {number}".encode()) for number in range(201)]
    answer = problem(upload(client, batch_id, *files), 400, "TOO_MANY_FILES")
    assert answer["details"] == {"limit": 200}
    for file in files:
        file.seek(0)
    assert len(checked(UploadAnswer, upload(client, batch_id, *files[:200]), 201)["files"]) == 200
    problem(upload(client, batch_id, some_file(b"one more")), 409, "TOO_MANY_FILES")


def test_a_batch_that_fills_up_takes_what_fits(client: APIClient, batch_id: str, settings: Settings) -> None:
    settings.MAX_FILES_PER_BATCH = 2
    response = upload(client, batch_id, *(some_file(f"{number}".encode()) for number in range(3)))
    answer = checked(UploadAnswer, response, 207)
    assert [file["status"] for file in answer["files"]] == ["processing", "processing", "failed"]
    assert answer["files"][2]["error"]["error_code"] == "TOO_MANY_FILES"


def test_a_closed_batch_takes_nothing(client: APIClient, batch_id: str) -> None:
    client.post(f"/v1/batches/{batch_id}/cancel")
    for headers in ({}, {"Idempotency-Key": "k"}):
        response = upload(client, batch_id, some_file(b"x"), headers=headers)
        problem(response, 409, "BATCH_CLOSED")
    assert not StoredContent.objects.exists()
    assert default_storage.listdir("raw")[1] == []


def test_too_much_waiting_work(client: APIClient, batch_id: str, settings: Settings) -> None:
    settings.MAX_QUEUED_WORK = 0
    response = upload(client, batch_id, some_file(b"x"))
    problem(response, 503, "UNAVAILABLE")
    assert int(response.headers["Retry-After"]) > 0
    assert not FileUpload.objects.exists()


def test_names_are_cleaned(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    data = make_essay(1)
    manifest = manifest_of(("9A/../\u202eessay\n.txt", data))
    answer = checked(UploadAnswer, upload(client, batch_id, some_file(data), manifest=manifest), 201)
    assert answer["files"][0]["filename"] == "essay.txt"


def own_keys(*names: str, **sizes: int) -> str:
    return json.dumps([{"filename": name, "size": sizes[name], "idempotency_key": name} for name in names])


def test_a_file_with_a_key_of_its_own_is_kept_once_in_whatever_request_it_comes(
    client: APIClient, batch_id: str, make_essay: Essays
) -> None:
    texts = {name: make_essay(number) for number, name in enumerate("abc")}
    sizes = {name: len(text) for name, text in texts.items()}

    def send(*names: str, key: str | None = None) -> list[str]:
        headers = {"Idempotency-Key": key} if key else {}
        files = [some_file(texts[name], name) for name in names]
        response = upload(client, batch_id, *files, manifest=own_keys(*names, **sizes), headers=headers)
        return [file["file_upload_id"] for file in checked(UploadAnswer, response, 201)["files"]]

    together = send("a", "b", "c", key="together")
    assert len(set(together)) == 3
    assert send("b") == together[1:2]
    assert send("c", "a", key="otherwise") == [together[2], together[0]]
    texts["b"] = make_essay(9)
    sizes["b"] = len(texts["b"])
    assert send("b") != together[1:2], "other content is another file"
    assert FileUpload.objects.count() == 4


def test_a_repeat_is_answered_when_a_quota_is_used_up_meanwhile(
    client: APIClient, batch_id: str, make_essay: Essays, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = make_essay(1)
    manifest = own_keys("a", a=len(text))

    def send(data: bytes, key: str) -> Any:
        return upload(client, batch_id, some_file(data), manifest=manifest, headers={"Idempotency-Key": key})

    first = checked(UploadAnswer, send(text, "together"), 201)

    def nothing_more(*_: object) -> None:
        raise Refused("TOO_MANY_FILES_TODAY", limit=1, used=1)

    monkeypatch.setattr("files.api.check_upload", nothing_more)
    assert checked(UploadAnswer, send(text, "alone"), 201)["files"] == first["files"]
    problem(send(text[::-1], "other"), 409, "TOO_MANY_FILES_TODAY")
    assert FileUpload.objects.count() == 1


def test_no_two_files_of_a_request_have_the_same_key(
    client: APIClient, batch_id: str, make_essay: Essays
) -> None:
    data = make_essay(1)
    entry = {"filename": "a.txt", "size": len(data), "idempotency_key": "k"}
    files = [some_file(data), some_file(data)]
    answer = problem(upload(client, batch_id, *files, manifest=json.dumps([entry, entry])), 400, "INVALID")
    assert [error["code"] for error in answer["errors"]] == ["idempotency_key"]
    assert not FileUpload.objects.exists()


@pytest.mark.parametrize("key", ["", "å", "a\n", "x" * 256, 7])
def test_a_key_of_a_file_is_printable(
    client: APIClient, batch_id: str, make_essay: Essays, key: object
) -> None:
    data = make_essay(1)
    manifest = json.dumps([{"filename": "a.txt", "size": len(data), "idempotency_key": key}])
    problem(upload(client, batch_id, some_file(data), manifest=manifest), 400, "INVALID")
    assert not FileUpload.objects.exists()


def test_repeats_answer_the_same_and_tell_once(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    body = raw_form({"batch_id": batch_id}, [("a.txt", make_essay(1)), ("b.txt", make_essay(1))])
    first = send_form(client, body, **{"Idempotency-Key": "k"})
    again = send_form(
        client,
        body.replace(BOUNDARY.encode(), b"other"),
        "multipart/form-data; boundary=other",
        **{"Idempotency-Key": "k"},
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert body_of(first) == body_of(again)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert (FileUpload.objects.count(), len(finished_events())) == (2, 1)


@contextmanager
def carried_out_elsewhere(key: str) -> Iterator[None]:
    """Another session is at the request with ``key``, until it dies at the block's end."""
    record = IdempotencyRecord.objects.get(key=kept_key(key))
    attempt = Attempt(record.owner_id, record.key, "")
    record.delete()
    session = connections["default"].copy()
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [attempt.lock_number])
    yield
    session.close()


def test_a_request_that_hangs_elsewhere_may_be_repeated_after_a_while(
    client: APIClient, batch_id: str, make_essay: Essays, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, key = raw_form({"batch_id": batch_id}, [("a.txt", make_essay(1))]), {"Idempotency-Key": "k"}
    send_form(client, body, **key)
    with carried_out_elsewhere("k"):
        problem(send_form(client, body, **key), 409, "REQUEST_IN_PROGRESS")
        monkeypatch.setattr(idempotency, "HANGING_SECONDS", 0)
        assert send_form(client, body, **key).status_code == 201
    assert FileUpload.objects.count() == 1


def test_a_crash_before_the_answer_was_kept_costs_nothing(
    client: APIClient, batch_id: str, make_essay: Essays
) -> None:
    body = raw_form({"batch_id": batch_id}, [("a.txt", make_essay(1)), ("b.txt", make_essay(1))])
    key = {"Idempotency-Key": "k"}
    first = send_form(client, body, **key)
    with carried_out_elsewhere("k"):
        running = send_form(client, body, **key)
    problem(running, 409, "REQUEST_IN_PROGRESS")
    assert int(running.headers["Retry-After"]) > 0
    again = send_form(client, body, **key)
    assert "Idempotent-Replayed" not in again.headers
    assert [file["file_upload_id"] for file in body_of(first)["files"]] == [
        file["file_upload_id"] for file in body_of(again)["files"]
    ]
    assert (FileUpload.objects.count(), len(finished_events())) == (2, 1)
    assert send_form(client, body, **key).headers["Idempotent-Replayed"] == "true"


def test_browsers_upload_with_session_and_csrf_token(teacher: User, make_essay: Essays) -> None:
    batch_id = register(client_of(teacher), 2)["batch_id"]
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(teacher)
    problem(upload(browser, batch_id, some_file(make_essay(1))), 403, "FORBIDDEN")
    token = csrf_token(browser)
    headers = {"X-CSRFToken": token}
    checked(UploadAnswer, upload(browser, batch_id, some_file(make_essay(1)), headers=headers), 201)
    cut = raw_form({"batch_id": batch_id}, [("a.txt", make_essay(2))], closed=False)
    response = browser.post("/v1/files/batch", cut, content_type=MULTIPART, headers=headers)
    problem(response, 422, "UPLOAD_INCOMPLETE")
    many = [some_file(b"x") for _ in range(201)]
    problem(upload(browser, batch_id, *many, headers=headers), 400, "TOO_MANY_FILES")
    bad = browser.post("/v1/files/batch", b"x", content_type="multipart/form-data", headers=headers)
    problem(bad, 400, "MALFORMED_MULTIPART")


def csrf_token(browser: APIClient) -> str:
    token = str(_get_new_csrf_string())
    browser.cookies[django_settings.CSRF_COOKIE_NAME] = token
    return token


def test_capacity_counts_waiting_work(settings: Settings, teacher: User) -> None:
    settings.MAX_QUEUED_WORK = 1
    register(client_of(teacher), 1)
    capacity.check_work(teacher.pk)
    register(client_of(teacher), 1)
    with pytest.raises(Refused, match="UNAVAILABLE"):
        capacity.check_work(teacher.pk)


def test_an_upload_that_waits_for_its_turn_holds_no_connection(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, make_essay: Essays
) -> None:
    """There are fewer connections than there may be waiting uploads; readers need them meanwhile."""
    held: list[bool] = []

    def give_back() -> None:
        database.give_back()
        held.append(connection.connection is not None)

    monkeypatch.setattr(api, "give_back", give_back)
    monkeypatch.setattr(api, "UPLOADS", Turns(1, pace=0.1, patience=0.05))
    user = User.objects.create_user("waiting")
    client = client_of(user)
    batch_id = str(register(client, 5)["batch_id"])
    with api.UPLOADS.taken(0, 1, lambda: None):
        response = upload(client, batch_id, some_file(make_essay(1), "Bo.txt"))
    assert response.status_code == 201
    assert held == [False]
