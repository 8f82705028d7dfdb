"""Forms that are cut off, malformed or wrong."""

import json
from collections.abc import Callable
from io import BytesIO

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from files.models import FileUpload
from files.multipart import WatchedStream
from files.shapes import IncompleteUpload, UploadAnswer
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


def test_a_cut_off_body_keeps_what_arrived(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    files = [(f"{number}.txt", make_essay(number)) for number in range(3)]
    fields = {"batch_id": batch_id, "manifest": manifest_of(*files)}
    body = raw_form(fields, files)
    cut = body[: body.index(make_essay(1)) + 40]
    answer = problem(send_form(client, cut), 422, "UPLOAD_INCOMPLETE")
    IncompleteUpload.model_validate(answer)
    assert [file["filename"] for file in answer["files"]] == ["0.txt"]
    assert [entry["client_ref"] for entry in answer["missing"]] == ["ref-1", "ref-2"]
    assert FileUpload.objects.get().filename == "0.txt"

    whole = checked(UploadAnswer, send_form(client, body, **{"Idempotency-Key": "again"}), 201)
    assert len(whole["files"]) == 3


def test_the_same_key_finishes_a_cut_off_upload(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    files = [(f"{number}.txt", make_essay(number)) for number in range(3)]
    fields = {"batch_id": batch_id, "manifest": manifest_of(*files)}
    body = raw_form(fields, files)
    cut = body[: body.index(make_essay(2))]
    problem(send_form(client, cut, **{"Idempotency-Key": "k"}), 422, "UPLOAD_INCOMPLETE")
    checked(UploadAnswer, send_form(client, body, **{"Idempotency-Key": "k"}), 201)
    assert FileUpload.objects.count() == 3
    # The rest alone under the same key is other content: it is not taken for the first files.
    assert sorted(FileUpload.objects.values_list("filename", flat=True)) == ["0.txt", "1.txt", "2.txt"]


@pytest.mark.parametrize("at", ["closing", "last", "first", "batch_id"])
def test_cuts_are_noticed_without_a_manifest(
    client: APIClient, batch_id: str, make_essay: Essays, at: str
) -> None:
    body = raw_form({"batch_id": batch_id}, [("0.txt", make_essay(0)), ("1.txt", make_essay(1))])
    cuts = {
        "closing": len(body) - 4 - len(BOUNDARY),
        "last": body.index(make_essay(1)) + 10,
        "first": body.index(make_essay(0)) + 10,
        "batch_id": 20,
    }
    kept = {"closing": 1, "last": 1, "first": 0, "batch_id": 0}[at]
    answer = problem(send_form(client, body[: cuts[at]]), 422, "UPLOAD_INCOMPLETE")
    assert len(answer["files"]) == kept == FileUpload.objects.count()


@pytest.mark.parametrize("sha256", [True, False])
def test_a_file_missing_in_the_middle(
    client: APIClient, batch_id: str, make_essay: Essays, sha256: bool
) -> None:
    files = [(f"{number}.txt", make_essay(number)) for number in range(3)]
    fields = {"batch_id": batch_id, "manifest": manifest_of(*files, sha256=sha256)}
    answer = problem(send_form(client, raw_form(fields, [files[0], files[2]])), 422, "UPLOAD_INCOMPLETE")
    assert [file["client_ref"] for file in answer["files"]] == ["ref-0", "ref-2"]
    assert [entry["client_ref"] for entry in answer["missing"]] == ["ref-1"]


def test_short_and_changed_files_are_not_kept(client: APIClient, batch_id: str, make_essay: Essays) -> None:
    files = [("short.txt", make_essay(1)), ("changed.txt", make_essay(2)), ("good.txt", make_essay(3))]
    fields = {"batch_id": batch_id, "manifest": manifest_of(*files)}
    sent = [("short.txt", make_essay(1)[:-1]), ("changed.txt", make_essay(9)), files[2]]
    answer = problem(send_form(client, raw_form(fields, sent)), 422, "UPLOAD_INCOMPLETE")
    assert [file["filename"] for file in answer["files"]] == ["good.txt"]
    assert answer["unexpected"] == ["short.txt", "changed.txt"]


def test_a_part_without_a_name_did_not_arrive(client: APIClient, batch_id: str) -> None:
    body = raw_form({"batch_id": batch_id, "files": "text"}, [])
    problem(send_form(client, body), 422, "UPLOAD_INCOMPLETE")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", MULTIPART),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary="),
        (b"garbage", MULTIPART),
        (b"--x-boundary-x\r\n" + b"A" * 5000, MULTIPART),
        (
            b'--x-boundary-x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x-boundary-x--\r\n",
            MULTIPART,
        ),
    ],
)  # fmt: skip
def test_malformed_forms_are_problems_and_never_failures(
    client: APIClient, body: bytes, content_type: str
) -> None:
    response = send_form(client, body, content_type)
    assert response.status_code in {400, 422}
    code = body_of(response)["code"]
    assert code in {"MALFORMED_MULTIPART", "INVALID", "UPLOAD_INCOMPLETE", "NO_FILES"}


def test_no_files_and_no_batch(client: APIClient, batch_id: str) -> None:
    problem(upload(client, batch_id), 400, "NO_FILES")
    problem(upload(client, batch_id, manifest="[]"), 400, "NO_FILES")
    response = client.post("/v1/files/batch", {"files": some_file(b"x")}, format="multipart")
    assert problem(response, 400, "INVALID")["errors"][0]["path"] == "batch_id"


def test_unknown_fields(client: APIClient, batch_id: str) -> None:
    response = upload(client, batch_id, some_file(b"x"), colour="red")
    assert problem(response, 400, "INVALID")["errors"][0]["path"] == "colour"
    response = upload(client, batch_id, some_file(b"x"), attachment=some_file(b"y"))
    assert problem(response, 400, "INVALID")["errors"][0]["path"] == "attachment"


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ("{", "INVALID"),
        ("7", "INVALID"),
        ('[{"filename": "a", "size": "1"}]', "INVALID"),
        ('[{"filename": "a", "size": true}]', "INVALID"),
        ('[{"filename": "a", "size": -1}]', "INVALID"),
        ('[{"filename": "a", "size": 1, "sha256": "zz"}]', "INVALID"),
        ('[{"filename": "a", "size": 1, "more": 1}]', "INVALID"),
        ('[{"filename": "a\\u0000", "size": 1}]', "INVALID_TEXT"),
        (json.dumps([{"filename": "a", "size": 1}] * 201), "TOO_MANY_FILES"),
    ],
)
def test_wrong_manifests(client: APIClient, batch_id: str, manifest: str, code: str) -> None:
    problem(upload(client, batch_id, some_file(b"x"), manifest=manifest), 400, code)
    assert not FileUpload.objects.exists()


def test_too_many_and_too_large_fields(client: APIClient, batch_id: str) -> None:
    many = {"batch_id": batch_id, **{f"field{number}": "x" for number in range(1100)}}
    problem(send_form(client, raw_form(many, [])), 400, "TOO_MANY_FIELDS")
    large = {"batch_id": batch_id, "manifest": "x" * (1024 * 1024 + 1)}
    problem(send_form(client, raw_form(large, [])), 413, "REQUEST_TOO_LARGE")


def test_the_closing_boundary_is_seen_across_reads() -> None:
    stream = WatchedStream(BytesIO(b"abc\r\n--edge--\r\n"), b"edge")
    while stream.read(3):
        pass
    assert stream.ended
    open_ended = WatchedStream(BytesIO(b"abc\r\n--edge-"), b"edge")
    open_ended.read()
    assert not open_ended.ended
