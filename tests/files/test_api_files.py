"""One file over HTTP: read, replace, remove, reprocess, trace; and the content store."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIClient

from batches.models import Batch
from files import content
from files.models import FileUpload, StoredContent
from files.shapes import FileDetail, StoredContentAnswer, Trace
from tests.api import MOMENT, body_of, checked, client_of, problem, register, some_file, upload
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]
Queries = Callable[[int], Any]


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def file_id(client: APIClient, pipeline: Pipeline, make_essay: Essays) -> str:
    """A read file in a batch that waits for another."""
    batch_id = register(client, 2)["batch_id"]
    answer = body_of(upload(client, batch_id, some_file(make_essay(1), "Åsa Ek.txt")))
    pipeline.run()
    return str(answer["files"][0]["file_upload_id"])


def put(client: APIClient, file_id: str, data: bytes, field: str = "file", **headers: str) -> Any:
    form = {field: some_file(data, "new.txt")}
    return client.put(f"/v1/files/{file_id}/content", form, format="multipart", headers=headers)


def test_a_file_is_read_and_traced(client: APIClient, file_id: str) -> None:
    answer = checked(FileDetail, client.get(f"/v1/files/{file_id}"))
    assert (answer["status"], answer["essay_number"], answer["format"]) == ("assigned", 1, "txt")
    life = checked(Trace, client.get(f"/v1/files/{file_id}/trace"))
    assert life["correlation_id"] == answer["correlation_id"]
    types = [event["event_type"] for event in life["events"]]
    assert types[0] == "BatchFileAdded"
    assert {"EssayContentProvisioned", "EssaySlotAssigned", "SpellcheckCompleted"} <= set(types)


@pytest.mark.parametrize("field", ["file", "files"])
def test_replacing_keeps_the_place(
    client: APIClient, file_id: str, pipeline: Pipeline, make_essay: Essays, field: str
) -> None:
    before = checked(FileDetail, client.get(f"/v1/files/{file_id}"))
    answer = checked(FileDetail, put(client, file_id, make_essay(2), field))
    assert (answer["status"], answer["filename"]) == ("processing", "new.txt")
    assert answer["rev"] > before["rev"]
    pipeline.run()
    after = checked(FileDetail, client.get(f"/v1/files/{file_id}"))
    assert after["essay_id"] == before["essay_id"]
    assert after["raw_storage_id"] != before["raw_storage_id"]


def test_replacing_once_under_a_key(client: APIClient, file_id: str, make_essay: Essays) -> None:
    first = put(client, file_id, make_essay(2), **{"Idempotency-Key": "k"})
    again = put(client, file_id, make_essay(2), **{"Idempotency-Key": "k"})
    assert body_of(first) == body_of(again)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert FileUpload.objects.get(pk=file_id).revision == 1
    other = put(client, file_id, make_essay(3), **{"Idempotency-Key": "k"})
    problem(other, 422, "IDEMPOTENCY_KEY_REUSED")


def test_replacements_that_are_refused(client: APIClient, file_id: str, settings: Settings) -> None:
    two = {"file": [some_file(b"a"), some_file(b"b")]}
    address = f"/v1/files/{file_id}/content"
    problem(client.put(address, two, format="multipart"), 400, "INVALID")
    problem(client.put(address, {}, format="multipart"), 400, "NO_FILES")
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhalf of'
    response = client.put(address, cut, content_type="multipart/form-data; boundary=b")
    problem(response, 422, "UPLOAD_INCOMPLETE")
    settings.MAX_FILE_BYTES = 3
    problem(put(client, file_id, b"four"), 413, "FILE_TOO_LARGE")
    client.post(f"/v1/batches/{FileUpload.objects.get(pk=file_id).batch_id}/cancel")
    problem(put(client, file_id, b"abc"), 409, "BATCH_CLOSED")
    assert FileUpload.objects.get(pk=file_id).revision == 0


def test_removing_and_bringing_back(client: APIClient, file_id: str, pipeline: Pipeline) -> None:
    for _ in range(2):
        answer = checked(FileDetail, client.delete(f"/v1/files/{file_id}"))
        assert (answer["status"], answer["essay_id"]) == ("removed", None)
    pipeline.run()
    problem(put(client, file_id, b"x"), 409, "FILE_REMOVED")
    answer = checked(FileDetail, client.post(f"/v1/files/{file_id}/reprocess", {}, format="json"))
    assert answer["status"] == "processing"
    pipeline.run()
    assert checked(FileDetail, client.get(f"/v1/files/{file_id}"))["status"] == "assigned"


def test_reprocessing_one_step(client: APIClient, file_id: str, pipeline: Pipeline) -> None:
    address = f"/v1/files/{file_id}/reprocess"
    checked(FileDetail, client.post(address, {"phase": "spellcheck"}, format="json"))
    pipeline.run()
    types = [event["event_type"] for event in body_of(client.get(f"/v1/files/{file_id}/trace"))["events"]]
    assert types.count("SpellcheckCompleted") == 2
    checked(FileDetail, client.post(address, {"phase": "extract"}, format="json"))
    problem(client.post(address, {"phase": "grade"}, format="json"), 400, "INVALID")
    problem(client.post(address, {"step": "extract"}, format="json"), 400, "INVALID")


def test_a_step_of_a_file_that_is_no_essay(client: APIClient, pipeline: Pipeline) -> None:
    batch_id = register(client, 1)["batch_id"]
    failed = pipeline.upload(Batch.objects.get(pk=batch_id), b"")
    pipeline.run()
    response = client.post(f"/v1/files/{failed.pk}/reprocess", {"phase": "spellcheck"}, format="json")
    problem(response, 409, "NOT_AN_ESSAY")
    assert body_of(client.get(f"/v1/files/{failed.pk}"))["error"]["error_code"] == "EMPTY_CONTENT"


def test_reading_costs_a_constant_number_of_queries(
    client: APIClient, file_id: str, django_assert_num_queries: Queries
) -> None:
    client.get(f"/v1/files/{file_id}")
    with django_assert_num_queries(2 + MOMENT):
        client.get(f"/v1/files/{file_id}")
    with django_assert_num_queries(3 + MOMENT):
        client.get(f"/v1/files/{file_id}/trace")


def test_originals_and_texts_are_downloads(client: APIClient, file_id: str, make_essay: Essays) -> None:
    row = FileUpload.objects.get(pk=file_id)
    original = client.get(f"/v1/content/{row.raw_storage_id}")
    assert original.getvalue() == make_essay(1)
    assert original.headers["Content-Type"] == "application/octet-stream"
    name = "attachment; filename*=utf-8''%C3%85sa%20Ek.txt"
    assert original.headers["Content-Disposition"] == name
    text = client.get(f"/v1/content/{row.text_storage_id}")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    for response in (original, text):
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"


def test_content_that_belongs_to_no_batch(
    client: APIClient, db: None, teacher: User, settings: Settings
) -> None:
    form = {"file": some_file(b"<script>", 'a"b\n.html')}
    response = client.post("/v1/content", form, format="multipart", headers={"Idempotency-Key": "k"})
    answer = checked(StoredContentAnswer, response, 201)
    form["file"].seek(0)
    again = client.post("/v1/content", form, format="multipart", headers={"Idempotency-Key": "k"})
    assert body_of(again) == answer
    assert StoredContent.objects.get().owner == teacher
    download = client.get(f"/v1/content/{answer['content_id']}")
    assert download.getvalue() == b"<script>"
    assert download.headers["Content-Disposition"] == f'attachment; filename="{answer["content_id"]}"'
    settings.MAX_FILE_BYTES = 3
    problem(
        client.post("/v1/content", {"file": some_file(b"four")}, format="multipart"), 413, "FILE_TOO_LARGE"
    )


def test_content_the_store_has_lost(client: APIClient, file_id: str) -> None:
    row = FileUpload.objects.get(pk=file_id)
    assert isinstance(row.raw_storage_id, UUID)
    content.discard(content.Stored(row.raw_storage_id, StoredContent.Kind.RAW, "", 0))
    problem(client.get(f"/v1/content/{row.raw_storage_id}"), 409, "CONTENT_DAMAGED")
    problem(client.get(f"/v1/content/{uuid4()}"), 404, "NOT_FOUND")
