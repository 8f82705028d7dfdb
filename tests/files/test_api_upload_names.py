"""Names that no browser of today sends: the file is taken all the same, or the answer says what is wrong."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from files.models import FileUpload
from files.shapes import FileDetail, StoredContentAnswer, UploadAnswer
from tests.api import MULTIPART, body_of, checked, client_of, problem, register, send_form
from tests.files.test_multipart import HEAD, form_of

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]
SENT = {
    "Åsa.txt".encode("cp1252"): "Åsa.txt",
    "Åsa.txt".encode("mac-roman"): "Åsa.txt",
    "åsa.txt".encode("cp437"): "åsa.txt",
    "Åsa.txt".encode("utf-16"): "Åsa.txt",
    b"\xff": "unnamed",
    b"=?utf-8?B?w4VzYS50eHQ=?=": "Åsa.txt",
    b"..": "unnamed",
    b"\x01": "unnamed",
    b"": "unnamed",
}
PLACE = b'Content-Disposition: form-data; name="%s"\r\n\r\n%s'


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def batch(client: APIClient) -> bytes:
    return str(register(client, 5)["batch_id"]).encode()


@pytest.mark.parametrize("name", SENT, ids=range(len(SENT)))
def test_every_file_has_a_row_and_stands_in_the_answer(
    client: APIClient, batch: bytes, make_essay: Essays, name: bytes
) -> None:
    names = (b"before.txt", name, b"after.txt")
    files = [HEAD % each + make_essay(number) for number, each in enumerate(names)]
    answer = checked(UploadAnswer, send_form(client, form_of(PLACE % (b"batch_id", batch), *files)), 201)
    expected = ["before.txt", SENT[name], "after.txt"]
    assert [file["filename"] for file in answer["files"]] == expected
    assert list(FileUpload.objects.order_by("created_at").values_list("filename", flat=True)) == expected


@pytest.mark.parametrize("name", SENT, ids=range(len(SENT)))
def test_other_ways_in(client: APIClient, batch: bytes, make_essay: Essays, name: bytes) -> None:
    form = form_of(PLACE % (b"batch_id", batch), HEAD % b"first.txt" + make_essay(1))
    (first,) = body_of(send_form(client, form))["files"]
    body = form_of((HEAD % name).replace(b'"files"', b'"file"') + make_essay(2))
    address = f"/v1/files/{first['file_upload_id']}/content"
    replaced = checked(FileDetail, client.put(address, body, content_type=MULTIPART))
    assert replaced["filename"] == SENT[name]
    checked(StoredContentAnswer, client.post("/v1/content", body, content_type=MULTIPART), 201)


def test_the_form_of_the_page(teacher: User, batch: bytes, make_essay: Essays) -> None:
    page = Client()
    page.force_login(teacher)
    files = [HEAD % name + make_essay(number) for number, name in enumerate(SENT)]
    page.post(f"/batches/{batch.decode()}/upload/", form_of(*files), content_type=MULTIPART)
    kept = FileUpload.objects.order_by("created_at").values_list("filename", flat=True)
    assert list(kept) == list(SENT.values())


def test_a_file_that_comes_as_text_is_named(client: APIClient, batch: bytes, make_essay: Essays) -> None:
    files = [HEAD % b"a.txt" + make_essay(1), PLACE % (b"files", make_essay(2))]
    response = send_form(client, form_of(PLACE % (b"batch_id", batch), *files))
    answer = problem(response, 422, "UPLOAD_INCOMPLETE")
    assert [file["filename"] for file in answer["files"]] == ["a.txt"]
    assert answer["unexpected"] == ["unnamed"]


@pytest.mark.parametrize("field", [b"file", b"files[]", b"attachment", b"", b"\xe5"])
def test_files_in_other_fields_are_named(
    client: APIClient, batch: bytes, make_essay: Essays, field: bytes
) -> None:
    other = b'Content-Disposition: form-data; name="%s"; filename="b.txt"\r\n\r\nx' % field
    files = [HEAD % b"a.txt" + make_essay(1), other]
    answer = problem(send_form(client, form_of(PLACE % (b"batch_id", batch), *files)), 400, "INVALID")
    assert [error["path"] for error in answer["errors"]] == [field.decode("latin-1")]
    assert not FileUpload.objects.exists()


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Type: text/plain\r\n\r\nwithout a disposition",
        b'Content-Disposition: form-data; filename="a.txt"\r\n\r\nwithout a field',
        b'Content-Disposition: form-data; name="files"; filename="a.txt"\nwith other line ends',
    ],
)
def test_parts_nobody_can_read_refuse_the_form(
    client: APIClient, batch: bytes, make_essay: Essays, part: bytes
) -> None:
    form = form_of(PLACE % (b"batch_id", batch), HEAD % b"a.txt" + make_essay(1), part)
    problem(send_form(client, form), 400, "MALFORMED_MULTIPART")
    assert not FileUpload.objects.exists()


@pytest.mark.parametrize("name", ["..", "/", "\u202e", "a/", "=?utf-8?B?w4VzYS50eHQ=?="])
def test_names_in_a_manifest(client: APIClient, batch: bytes, make_essay: Essays, name: str) -> None:
    entry: dict[str, Any] = {"filename": name, "size": len(make_essay(1))}
    fields = [PLACE % (b"batch_id", batch), PLACE % (b"manifest", json.dumps([entry]).encode())]
    response = send_form(client, form_of(*fields, HEAD % b"sent.txt" + make_essay(1)))
    (file,) = checked(UploadAnswer, response, 201)["files"]
    assert file["filename"] == FileUpload.objects.get().filename != ""


def test_a_manifest_that_is_not_utf_8(client: APIClient, batch: bytes, make_essay: Essays) -> None:
    manifest = json.dumps([{"filename": "Åsa.txt", "size": len(make_essay(1))}], ensure_ascii=False)
    fields = [PLACE % (b"batch_id", batch), PLACE % (b"manifest", manifest.encode("cp1252"))]
    response = send_form(client, form_of(*fields, HEAD % b"sent.txt" + make_essay(1)))
    (file,) = checked(UploadAnswer, response, 201)["files"]
    assert file["filename"] == "Åsa.txt"
