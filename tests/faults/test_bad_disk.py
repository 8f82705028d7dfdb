"""A content folder that is full, read-only or not a folder: said plainly, and nothing half is left."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from files.models import FileUpload, StoredContent
from huleedu.models import OutboxMessage
from tests.api import body_of, client_of, problem, register, some_file, upload

pytestmark = pytest.mark.django_db
Essays = Callable[[int], bytes]
MEGABYTE = 1024 * 1024


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def small_disk(content_folder: Path) -> Iterator[Path]:
    """The content folder on a disk of its own with one megabyte."""
    content_folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", content_folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield content_folder
    subprocess.run(["umount", content_folder], check=True)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def nothing_is_left(folder: Path) -> bool:
    rows = (FileUpload.objects.exists(), StoredContent.objects.exists())
    told = OutboxMessage.objects.filter(event_type__in=["BatchFileAdded", "EssayUploadFinished"]).exists()
    return not any(rows) and not told and not files_in(folder)


def test_a_full_disk_keeps_nothing_and_says_so(client: APIClient, small_disk: Path) -> None:
    batch_id = register(client)["batch_id"]
    response = upload(client, batch_id, some_file(b"x" * 2 * MEGABYTE))
    problem(response, 507, "STORAGE_FULL")
    assert nothing_is_left(small_disk)


def test_a_disk_that_fills_up_takes_what_fits(
    client: APIClient, small_disk: Path, make_essay: Essays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though room was seen before; others may have taken it."""
    monkeypatch.setattr("huleedu.outside.disks.check_room", lambda _size: None)
    batch_id = register(client, 3)["batch_id"]
    files = [some_file(make_essay(1)), some_file(b"x" * 2 * MEGABYTE), some_file(make_essay(2))]
    response = upload(client, batch_id, *files)
    assert response.status_code == 207
    outcomes = [file["status"] for file in body_of(response)["files"]]
    assert outcomes == ["processing", "failed", "processing"]
    assert body_of(response)["files"][1]["error"]["error_code"] == "STORAGE_FAILED"
    assert (FileUpload.objects.count(), len(files_in(small_disk))) == (2, 2)


def test_a_replacement_that_does_not_fit_changes_nothing(
    client: APIClient, small_disk: Path, make_essay: Essays
) -> None:
    batch_id = register(client)["batch_id"]
    file_id = body_of(upload(client, batch_id, some_file(make_essay(1))))["files"][0]["file_upload_id"]
    before = FileUpload.objects.values().get()
    form = {"file": some_file(b"x" * 2 * MEGABYTE)}
    response = client.put(f"/v1/files/{file_id}/content", form, format="multipart")
    assert response.status_code in {503, 507}
    assert FileUpload.objects.values().get() == before
    assert len(files_in(small_disk)) == 1


def test_content_that_does_not_fit_is_not_recorded(client: APIClient, small_disk: Path) -> None:
    response = client.post("/v1/content", {"file": some_file(b"x" * 2 * MEGABYTE)}, format="multipart")
    assert response.status_code in {503, 507}
    assert nothing_is_left(small_disk)


def test_a_read_only_disk_keeps_nothing(client: APIClient, small_disk: Path, make_essay: Essays) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    batch_id = register(client)["batch_id"]
    problem(upload(client, batch_id, some_file(make_essay(1))), 503, "STORAGE_FAILED")
    assert nothing_is_left(small_disk)
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert upload(client, batch_id, some_file(make_essay(1))).status_code == 201


def test_a_content_folder_that_is_a_file(client: APIClient, content_folder: Path, make_essay: Essays) -> None:
    content_folder.write_text("not a folder")
    batch_id = register(client)["batch_id"]
    problem(upload(client, batch_id, some_file(make_essay(1))), 503, "STORAGE_FAILED")
    assert nothing_is_left(content_folder)


def test_content_that_has_vanished_is_our_failure_and_said(
    client: APIClient, content_folder: Path, make_essay: Essays
) -> None:
    batch_id = register(client)["batch_id"]
    upload(client, batch_id, some_file(make_essay(1)))
    for path in files_in(content_folder):
        path.unlink()
    problem(client.get(f"/v1/content/{StoredContent.objects.get().pk}"), 409, "CONTENT_DAMAGED")
