"""Forms about files, as a browser without script sends them."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from batches.models import Batch
from files import content
from files.actions import receiving
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from huleedu.models import OutboxMessage
from tests.rows import add_file, make_batch, said_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, teacher: User) -> Client:
    """A browser where the teacher is signed in."""
    client.force_login(teacher)
    return client


def send(client: Client, batch: Batch, *files: SimpleUploadedFile) -> list[str]:
    response, said = said_by(client, reverse("batch-upload", args=[batch.pk]), {"files": files})
    assert (response.status_code, response.headers["Location"]) == (303, reverse("batch", args=[batch.pk]))
    return said


def act(client: Client, upload: FileUpload, name: str, **said: object) -> tuple[HttpResponseBase, list[str]]:
    return said_by(client, f"/files/{upload.pk}/actions/{name}/", said)


def received(batch: Batch, data: bytes = b"first") -> FileUpload:
    incoming = Incoming(file=SimpleUploadedFile("a.txt", data), filename="a.txt")
    return receiving.receive(batch.pk, batch.owner, incoming, uuid4())


def test_upload_takes_every_file(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    said = send(signed_in, batch, SimpleUploadedFile("Å.txt", b"one"), SimpleUploadedFile("b.txt", b"two"))
    assert said == ["success: 2 files have arrived."]
    stored = {upload.filename: upload for upload in batch.files.all()}
    assert set(stored) == {"Å.txt", "b.txt"}
    raw = stored["Å.txt"].raw_storage_id
    assert raw is not None and content.read(StoredContent.Kind.RAW, raw) == b"one"
    types = list(OutboxMessage.objects.values_list("event_type", flat=True))
    assert types.count("BatchFileAdded") == 2
    finished = OutboxMessage.objects.get(event_type="EssayUploadFinished")
    assert finished.envelope["data"]["expected_count"] == 2


def test_upload_without_files_says_so(signed_in: Client, teacher: User) -> None:
    batch = make_batch(teacher)
    assert send(signed_in, batch) == ["error: Choose at least one file first."]
    assert not OutboxMessage.objects.filter(event_type="EssayUploadFinished").exists()


def test_a_file_too_many_does_not_stop_the_others(
    signed_in: Client, teacher: User, settings: Settings
) -> None:
    settings.MAX_FILES_PER_BATCH = 2
    batch = make_batch(teacher)
    said = send(signed_in, batch, *(SimpleUploadedFile(f"{n}.txt", b"%d" % n) for n in range(3)))
    assert said == [
        "success: 2 files have arrived.",
        "error: 1 file was not added.",
        "error: The batch is full. Remove files, or make another batch.",
    ]


def test_a_file_too_large_shows_its_trouble_on_the_page(
    signed_in: Client, teacher: User, settings: Settings
) -> None:
    settings.MAX_FILE_BYTES = 4
    batch = make_batch(teacher)
    send(signed_in, batch, SimpleUploadedFile("a.txt", b"12345"), SimpleUploadedFile("b.txt", b"1234"))
    large = batch.files.get(filename="a.txt")
    assert large.error is not None and large.error["error_code"] == "FILE_TOO_LARGE"
    assert batch.files.get(filename="b.txt").status == FileUpload.Status.PROCESSING


def test_replace_puts_other_content_in_the_place(signed_in: Client, teacher: User) -> None:
    upload = received(make_batch(teacher))
    response, said = act(signed_in, upload, "replace", file=SimpleUploadedFile("new.txt", b"second"))
    assert said == ["success: The file is replaced and is being read."]
    assert response.headers["Location"] == reverse("batch", args=[upload.batch_id])
    upload.refresh_from_db()
    assert (upload.filename, upload.revision) == ("new.txt", 1)
    assert act(signed_in, upload, "replace")[1] == ["error: Choose a file first."]


def test_remove_and_read_again(signed_in: Client, teacher: User) -> None:
    upload = received(make_batch(teacher))
    assert act(signed_in, upload, "remove")[1] == ["success: Removed a.txt."]
    upload.refresh_from_db()
    assert upload.status == FileUpload.Status.REMOVED
    assert act(signed_in, upload, "reprocess")[1] == ["success: The file is being read again."]
    upload.refresh_from_db()
    assert upload.status == FileUpload.Status.PROCESSING


def test_a_file_without_content_cannot_be_read_again(signed_in: Client, teacher: User) -> None:
    upload = add_file(make_batch(teacher), "failed")
    _, said = act(signed_in, upload, "reprocess")
    assert said == ["error: The file’s content was never stored. Upload it again."]


def test_a_store_that_fails_is_said_and_changes_nothing(
    signed_in: Client, teacher: User, content_folder: Path
) -> None:
    upload = received(make_batch(teacher))
    content_folder.rename(content_folder.with_name("away"))
    content_folder.write_bytes(b"")
    _, said = act(signed_in, upload, "replace", file=SimpleUploadedFile("b.txt", b"x"))
    assert said == [
        "error: The store of files does not answer just now. Nothing is lost; try again in a moment."
    ]
    upload.refresh_from_db()
    assert upload.revision == 0


@pytest.mark.parametrize("name", ["replace", "remove", "reprocess"])
def test_file_actions_are_for_the_owner_by_post(
    client: Client, teacher: User, colleague: User, name: str
) -> None:
    upload = received(make_batch(teacher))
    said = {"file": SimpleUploadedFile("b.txt", b"x")}
    assert act(client, upload, name, **said)[0].headers["Location"].startswith(reverse("login"))
    client.force_login(colleague)
    assert act(client, upload, name, **said)[0].status_code == 404
    client.force_login(teacher)
    assert client.get(f"/files/{upload.pk}/actions/{name}/").status_code == 405
    upload.refresh_from_db()
    assert (upload.rev, upload.status) == (0, FileUpload.Status.PROCESSING)


def test_upload_is_for_the_owner_by_post(client: Client, teacher: User, colleague: User) -> None:
    batch = make_batch(teacher)
    address = reverse("batch-upload", args=[batch.pk])
    assert client.post(address).headers["Location"].startswith(reverse("login"))
    client.force_login(colleague)
    assert client.post(address, {"files": [SimpleUploadedFile("b.txt", b"x")]}).status_code == 404
    client.force_login(teacher)
    assert client.get(address).status_code == 405
    assert not batch.files.exists()
