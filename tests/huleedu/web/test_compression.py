"""Pages are compressed where their length tells no secret, and whole again at the other end."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from tests.api import client_of, register, some_file, upload
from tests.pipeline import Pipeline

GZIP = {"Accept-Encoding": "gzip, br"}
Essays = Callable[[int], bytes]


@pytest.fixture
def api(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def batch_id(api: APIClient, pipeline: Pipeline, make_essay: Essays) -> str:
    """A batch with one essay."""
    made = str(register(api, 2)["batch_id"])
    upload(api, made, some_file(make_essay(1), "Secret name.txt"))
    pipeline.run()
    return made


@pytest.fixture
def page(teacher: User) -> Client:
    client = Client()
    client.force_login(teacher)
    return client


def is_compressed(response: Any) -> bool:
    return bool(response.headers.get("Content-Encoding") == "gzip")


@pytest.mark.parametrize(
    "path", ["/", "/batches/{}/", "/batches/{}/essays/1/", "/batches/{}/results/", "/help/"]
)
def test_a_page_is_compressed_and_whole(page: Client, batch_id: str, path: str) -> None:
    response = page.get(path.format(batch_id), headers=GZIP)
    assert is_compressed(response)
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert "Accept-Encoding" in response.headers["Vary"]
    assert "Cookie" in response.headers["Vary"] or path == "/help/"
    assert response.headers["Cache-Control"] == "no-store"
    text = gzip.decompress(response.content).decode()
    assert text.rstrip().endswith("</html>")
    assert len(response.content) < len(text) / 2


def test_lists_of_the_api_are_compressed(api: APIClient, batch_id: str) -> None:
    response = api.get(f"/v1/batches/{batch_id}/results", headers=GZIP)
    assert is_compressed(response)
    assert json.loads(gzip.decompress(response.content))["batch_id"] == batch_id


def test_the_length_of_the_same_page_varies(page: Client, batch_id: str) -> None:
    lengths = {len(page.get(f"/batches/{batch_id}/", headers=GZIP).content) for _ in range(8)}
    assert len(lengths) > 2


@pytest.mark.parametrize(
    "path",
    ["/?q=Secret", "/batches/{}/?show=ready", "/batches/{}/results/?q=Secret", "/nowhere/Secret/", "/?"],
)
def test_what_reflects_the_request_is_not(page: Client, batch_id: str, path: str) -> None:
    address = path.format(batch_id)
    response = page.get(address, headers=GZIP)
    assert is_compressed(response) is (address == "/?")


def test_the_answer_to_a_form_is_not(page: Client) -> None:
    response = page.post("/batches/new/", {"title": "Secret", "expected_essay_count": 900}, headers=GZIP)
    assert response.status_code == 200
    assert b"Secret" in response.content


def test_a_version_to_decide_upon_stays_as_it_is(api: APIClient, batch_id: str) -> None:
    response = api.get(f"/v1/batches/{batch_id}", headers=GZIP)
    assert not is_compressed(response)
    assert not response.headers["ETag"].startswith("W/")
    seen = {"If-Match": response.headers["ETag"]}
    answer = api.post(
        f"/v1/batches/{batch_id}/expect", {"expected_essay_count": 3}, format="json", headers=seen
    )
    assert answer.status_code == 200


def test_downloads_are_not(api: APIClient, batch_id: str) -> None:
    file = api.get(f"/v1/batches/{batch_id}").json()["files"][0]
    detail = api.get(f"/v1/files/{file['file_upload_id']}").json()
    for name in ("raw_storage_id", "text_storage_id"):
        response = api.get(f"/v1/content/{detail[name]}", headers=GZIP)
        assert response.status_code == 200
        assert not is_compressed(response)


@pytest.mark.parametrize("accepts", ["", "identity", "br"])
def test_who_cannot_read_it_gets_it_as_it_is(page: Client, batch_id: str, accepts: str) -> None:
    response = page.get(f"/batches/{batch_id}/", headers={"Accept-Encoding": accepts})
    assert not is_compressed(response)
    assert b"Secret name.txt" in response.content
    assert "Accept-Encoding" in response.headers["Vary"]


def test_asking_for_the_head_alone_works(page: Client, batch_id: str) -> None:
    response = page.head(f"/batches/{batch_id}/", headers=GZIP)
    assert (response.status_code, response.content) == (200, b"")
