"""Uploads stop while there is still room on the disk; everything else goes on."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from files.models import FileUpload, StoredContent
from files.shapes import UploadAnswer
from huleedu.failures.errors import Refused
from huleedu.outside import disks
from tests.api import checked, client_of, problem, register, some_file, upload
from tests.pipeline import Pipeline
from tests.rows import add_file, make_batch

Essays = Callable[[int], bytes]
GIGABYTE = 1024**3


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Make all disks say that so much of so much is free."""

    def say(free: int, size: int) -> None:
        status = SimpleNamespace(f_bavail=free // 512, f_frsize=512, f_blocks=size // 512)
        monkeypatch.setattr("huleedu.outside.disks.os.statvfs", lambda _path: status)
        disks.FINDINGS.forget()

    return say


@pytest.mark.parametrize(
    ("free", "size", "low"),
    [
        (501 * 1024**2, 100 * GIGABYTE, False),
        (499 * 1024**2, 100 * GIGABYTE, True),
        (499 * 1024**2, 5 * GIGABYTE, False),  # a twentieth of a small disk
        (255 * 1024**2, 5 * GIGABYTE, True),
        (0, GIGABYTE, True),
    ],
)
def test_the_margin(room: Callable[[int, int], None], free: int, size: int, low: bool) -> None:
    room(free, size)
    assert (disks.too_full() is not None) is low


def test_the_margin_is_configured_and_counts_what_is_coming(
    room: Callable[[int, int], None], settings: Settings
) -> None:
    settings.DISK_MARGIN_BYTES = 10 * 1024**2
    room(20 * 1024**2, 100 * GIGABYTE)
    disks.check_room()
    disks.check_room(10 * 1024**2)
    with pytest.raises(Refused) as refused:
        disks.check_room(10 * 1024**2 + 1)
    assert refused.value.code == "STORAGE_FULL"
    assert refused.value.facts == {"disk": "state", "free": 20 * 1024**2, "margin": 10 * 1024**2}


def test_uploads_stop_and_all_else_goes_on(
    room: Callable[[int, int], None], pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    client = client_of(teacher)
    batch_id = str(register(client, 5)["batch_id"])
    answer = checked(UploadAnswer, upload(client, batch_id, some_file(make_essay(1))), 201)
    file_id = answer["files"][0]["file_upload_id"]
    room(1024, 100 * GIGABYTE)
    contents = StoredContent.objects.count()
    for response in (
        upload(client, batch_id, some_file(b"x")),
        client.put(f"/v1/files/{file_id}/content", {"file": some_file(b"x")}, format="multipart"),
        client.post("/v1/content", {"file": some_file(b"x")}, format="multipart"),
    ):
        problem(response, 507, "STORAGE_FULL")
        assert int(response.headers["Retry-After"]) > 0
    assert StoredContent.objects.count() == contents
    pipeline.run()  # reading and checking
    assert FileUpload.objects.get(pk=file_id).status == "assigned"
    assert client.get(f"/v1/batches/{batch_id}").status_code == 200
    register(client, 1)
    assert client.post(f"/v1/batches/{batch_id}/start", {}, format="json").status_code == 200
    pipeline.run()
    assert client.get(f"/v1/batches/{batch_id}/results").status_code == 200
    batch = make_batch(teacher)
    spare = pipeline.upload(batch, make_essay(2))
    assert client.delete(f"/v1/files/{spare.pk}").status_code == 200
    room(50 * GIGABYTE, 100 * GIGABYTE)
    checked(UploadAnswer, upload(client, batch_id, some_file(b"x")), 201)


def test_pages_say_it_in_both_languages(room: Callable[[int, int], None], teacher: User) -> None:
    browser = Client()
    browser.force_login(teacher)
    batch = make_batch(teacher)
    file = add_file(batch, "failed")
    for address in ("/", f"/batches/{batch.pk}/", "/batches/new/", f"/files/{file.pk}/trace/"):
        room(50 * GIGABYTE, 100 * GIGABYTE)
        assert "data-room-banner" not in browser.get(address).content.decode()
        room(1024, 100 * GIGABYTE)
        for language, words in (("en", "almost full"), ("sv", "nästan full")):
            page = browser.get(address, headers={"Accept-Language": language}).content.decode()
            assert "data-room-banner" in page and words in page


def test_the_disk_of_temporary_files_matters_to_large_bodies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "look", lambda: [disks.Disk(disks.SPOOL, 1024, GIGABYTE)])
    disks.check_room()
    assert disks.too_full() is None
    found = disks.too_full(spooled=True)
    assert found is not None and found.name == "temporary"


def test_metrics_tell_of_the_disks(room: Callable[[int, int], None], db: None) -> None:
    room(5 * GIGABYTE, 100 * GIGABYTE)
    text = Client().get("/metrics").content.decode()
    assert 'disk_free_bytes{disk="content"} 5.36870912e+09' in text
    assert 'disk_margin_bytes{disk="state"} 5.24288e+08' in text


def test_a_disk_that_hangs_keeps_nobody_long(monkeypatch: pytest.MonkeyPatch) -> None:
    fallen = threading.Event()
    monkeypatch.setattr(disks, "ANSWER_SECONDS", 0.2)
    before = disks.FINDINGS.now()
    assert before

    def hang(_path: object) -> os.statvfs_result:
        fallen.wait(30)
        raise OSError

    monkeypatch.setattr("huleedu.outside.disks.os.statvfs", hang)
    disks.FINDINGS.until = 0.0
    began = time.monotonic()
    try:
        for _ in range(5):
            assert disks.FINDINGS.now() == before, "as it was"
        assert time.monotonic() - began < 2
        assert sum(thread.name.startswith("disks") for thread in threading.enumerate()) <= 2
    finally:
        fallen.set()


def test_a_folder_that_is_not_there_yet_lies_where_it_will_be(tmp_path: Path) -> None:
    there, not_yet = disks.disk_of("x", tmp_path), disks.disk_of("x", tmp_path / "a" / "b")
    assert there is not None and not_yet is not None
    assert there.size == not_yet.size > 0


def test_a_database_of_ones_own_is_looked_at_where_it_is_said_to_lie(
    tmp_path: Path, settings: Settings
) -> None:
    assert "database" not in disks.folders()
    settings.DATABASE_FOLDER = tmp_path
    assert disks.folders()["database"] == tmp_path


def test_what_may_not_be_entered_is_left_out(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def refuse(_path: object) -> os.statvfs_result:
        raise PermissionError

    settings.DATABASE_FOLDER = Path("/nowhere")
    monkeypatch.setattr("huleedu.outside.disks.os.statvfs", refuse)
    assert disks.look() == []
    disks.check_room()


def test_strangers_learn_nothing_of_disks(room: Callable[[int, int], None], db: None) -> None:
    room(1024, 100 * GIGABYTE)
    problem(upload(APIClient(), "x", some_file(b"x")), 401, "NOT_SIGNED_IN")
