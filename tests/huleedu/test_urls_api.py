"""Every address of the API, called by nobody, by the wrong teacher, and with ids of nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.urls import URLPattern
from rest_framework.test import APIClient

from batches.actions import binning
from batches.models import Batch
from files.models import FileUpload
from huleedu.accounts.authentication import make_token
from huleedu.urls_api import urlpatterns
from results.actions import exporting
from tests.api import body_of, client_of, problem, register, some_file
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
OPEN = {"api-token", "api-schema", "api-not-found"}
WITHOUT_IDS = {"api-register", "api-batches", "api-store-content", "api-limits", "api-bin"}


@dataclass(frozen=True)
class Call:
    """One route by one method; ``subject`` says what its id names."""

    name: str
    method: str
    path: str
    subject: str = ""
    body: Any = None
    format: str = "json"

    def send(self, client: APIClient, identity: str = "") -> Any:
        """Carry the call out with ``identity`` as the id."""
        send = getattr(client, self.method)
        if self.method == "get":
            return send(self.path.format(identity))
        body = self.body(identity) if callable(self.body) else self.body
        return send(self.path.format(identity), body, format=self.format)


def one_file(_: str) -> dict[str, Any]:
    return {"file": some_file(b"bytes")}


def upload_form(identity: str) -> dict[str, Any]:
    return {"batch_id": identity, "files": [some_file(b"bytes")]}


CALLS = [
    Call("api-register", "post", "/v1/batches/register", body={"expected_essay_count": 1}),
    Call("api-batches", "get", "/v1/batches"),
    Call("api-batch", "get", "/v1/batches/{}", "batch"),
    Call("api-batch", "delete", "/v1/batches/{}", "batch", {}),
    Call("api-keep", "post", "/v1/batches/{}/keep", "batch", {"until": "2099-01-01"}),
    Call("api-archive", "post", "/v1/batches/{}/archive", "batch", {}),
    Call("api-unarchive", "post", "/v1/batches/{}/unarchive", "batch", {}),
    Call("api-bin", "get", "/v1/bin"),
    Call("api-binned", "delete", "/v1/bin/{}", "binned", {}),
    Call("api-bin-restore", "post", "/v1/bin/{}/restore", "binned", {}),
    Call("api-start", "post", "/v1/batches/{}/start", "batch", {}),
    Call("api-extend", "post", "/v1/batches/{}/extend", "batch", {"seconds": 5}),
    Call("api-expect", "post", "/v1/batches/{}/expect", "batch", {"expected_essay_count": 3}),
    Call("api-cancel", "post", "/v1/batches/{}/cancel", "batch", {}),
    Call("api-resume", "post", "/v1/batches/{}/resume", "batch", {}),
    Call("api-language", "post", "/v1/batches/{}/language", "batch", {"language": "sv"}),
    Call("api-accepted", "post", "/v1/essays/{}/accepted", "essay", {"word": "x", "scope": "batch"}),
    Call("api-note", "get", "/v1/essays/{}/note", "essay"),
    Call("api-note", "patch", "/v1/essays/{}/note", "essay", {"note": "x", "read": True}),
    Call("api-exports", "get", "/v1/batches/{}/exports", "batch"),
    Call("api-exports", "post", "/v1/batches/{}/exports", "batch", {"kind": "csv"}),
    Call("api-export", "get", "/v1/exports/{}", "export"),
    Call("api-export", "delete", "/v1/exports/{}", "export", {}),
    Call("api-export-retry", "post", "/v1/exports/{}/retry", "export", {}),
    Call("api-export-content", "get", "/v1/exports/{}/content", "export"),
    Call("api-settings", "get", "/v1/batches/{}/settings", "batch"),
    Call("api-settings", "patch", "/v1/batches/{}/settings", "batch", {"title": "Hösten"}),
    Call("api-reprocess", "post", "/v1/batches/{}/reprocess", "batch", {}),
    Call("api-status", "get", "/v1/batches/{}/status", "batch"),
    Call("api-results", "get", "/v1/batches/{}/results", "batch"),
    Call("api-events", "get", "/v1/batches/{}/events", "batch"),
    Call("api-analytics", "get", "/v1/batches/{}/analytics", "batch"),
    Call("api-upload", "post", "/v1/files/batch", "batch", upload_form, "multipart"),
    Call("api-file", "get", "/v1/files/{}", "file"),
    Call("api-file", "delete", "/v1/files/{}", "file", {}),
    Call("api-replace", "put", "/v1/files/{}/content", "file", one_file, "multipart"),
    Call("api-file-restore", "post", "/v1/files/{}/restore", "file", {}),
    Call("api-file-reprocess", "post", "/v1/files/{}/reprocess", "file", {}),
    Call("api-trace", "get", "/v1/files/{}/trace", "file"),
    Call("api-essay", "get", "/v1/essays/{}", "essay"),
    Call("api-essay-language", "post", "/v1/essays/{}/language", "essay", {"language": "sv"}),
    Call("api-limits", "get", "/v1/limits"),
    Call("api-store-content", "post", "/v1/content", body=one_file, format="multipart"),
    Call("api-content", "get", "/v1/content/{}", "content"),
]
WITH_IDS = [call for call in CALLS if call.subject]


def named(call: Call) -> str:
    return f"{call.method} {call.name}"


@pytest.fixture
def subjects(pipeline: Pipeline, teacher: User, make_essay: Essays) -> dict[str, str]:
    """One batch of the teacher with a file, its essay and its content."""
    batch_id = register(client_of(teacher), 2)["batch_id"]
    row = pipeline.upload(Batch.objects.get(pk=batch_id), make_essay(1))
    pipeline.run()
    row.refresh_from_db()
    assert row.slot is not None
    ids = {"batch": batch_id, "file": row.pk, "essay": row.slot.pk, "content": row.raw_storage_id}
    export, _ = exporting.ask(UUID(batch_id), exporting.ExportOrder("csv", "en"), uuid4())
    pipeline.run()
    ids["export"] = export.pk
    ids["binned"] = register(client_of(teacher), 1)["batch_id"]
    binning.delete(UUID(ids["binned"]), teacher.pk)
    return {name: str(identity) for name, identity in ids.items()}


def test_no_route_is_forgotten() -> None:
    routes = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert routes == {call.name for call in CALLS} | OPEN
    assert {call.name for call in CALLS if not call.subject} == WITHOUT_IDS


def test_nobody_gets_anything(subjects: dict[str, str]) -> None:
    for call in CALLS:
        response = call.send(APIClient(), subjects.get(call.subject, ""))
        problem(response, 401, "NOT_SIGNED_IN")
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_what_is_someone_elses_is_as_missing_as_nothing(subjects: dict[str, str], colleague: User) -> None:
    client = client_of(colleague)
    before = list(FileUpload.objects.values())
    malformed = ["x", "7", "%00", "..", "%F0%9F%98%80", "{0}", "null", "a" * 300, subjects["batch"][:-1]]
    for call in WITH_IDS:
        cache.clear()  # more requests than one may send in a moment
        answers = []
        for identity in (subjects[call.subject], str(uuid4()), *malformed):
            body = problem(call.send(client, identity), 404, "NOT_FOUND")
            answers.append({name: value for name, value in body.items() if name != "correlation_id"})
        assert all(answer == answers[0] for answer in answers), named(call)
    assert list(FileUpload.objects.values()) == before
    assert body_of(client.get("/v1/batches"))["results"] == []


def test_a_read_token_may_only_read(subjects: dict[str, str], teacher: User) -> None:
    client = client_of(teacher, "read")
    for call in CALLS:
        response = call.send(client, subjects.get(call.subject, ""))
        if call.method == "get":
            assert response.status_code == 200, named(call)
            assert response.getvalue(), named(call)  # all of what is sent in pieces
        else:
            problem(response, 403, "FORBIDDEN")


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Bearer x", "Bearer ", "Bearer", "bearer å", "Bearer hule_x y"])
def test_wrong_tokens(header: str) -> None:
    client = APIClient()
    problem(client.get("/v1/batches", headers={"Authorization": header}), 401, "NOT_SIGNED_IN")


@pytest.mark.django_db
def test_tokens_of_closed_accounts_end(teacher: User) -> None:
    secret = make_token(teacher, "t").secret
    teacher.is_active = False
    teacher.save()
    response = APIClient().get("/v1/batches", headers={"Authorization": f"Bearer {secret}"})
    problem(response, 401, "NOT_SIGNED_IN")


def test_a_removed_session_cannot_act_without_its_csrf_token(subjects: dict[str, str], teacher: User) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(teacher)
    for call in CALLS:
        if call.method != "get":
            problem(call.send(browser, subjects.get(call.subject, "")), 403, "FORBIDDEN")
    assert {batch.status for batch in Batch.objects.all()} == {"awaiting_content"}
