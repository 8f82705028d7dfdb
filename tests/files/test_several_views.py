"""Several files at once, as a browser without script sends them."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from batches.models import Batch
from files.models import FileUpload
from tests.rows import add_file, make_batch, said_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in(client: Client, teacher: User) -> Client:
    """A browser where the teacher is signed in."""
    client.force_login(teacher)
    return client


@pytest.fixture
def batch(teacher: User) -> Batch:
    """A batch with files that could not be read."""
    batch = make_batch(teacher)
    for name in ("Åsa Öberg.odt", "Zoë.odt", "twin.odt", "TWIN.pages"):
        add_file(batch, "failed", filename=name)
    return batch


def sent(*names: str) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, name.encode()) for name in names]


def replace(client: Client, batch: Batch, of: list[FileUpload], *names: str) -> list[str]:
    said = {"of": [str(upload.pk) for upload in of], "files": sent(*names)}
    response, told = said_by(client, reverse("files-replace-several", args=[batch.pk]), said)
    assert (response.status_code, response.headers["Location"]) == (303, reverse("batch", args=[batch.pk]))
    return told


def test_each_takes_the_place_of_the_one_with_its_name(signed_in: Client, batch: Batch) -> None:
    said = replace(signed_in, batch, list(batch.files.all()), "zoë.docx", "A\u030asa O\u0308berg.docx")
    assert said == ["success: 2 files are replaced and are being read."]
    now = {upload.filename: upload.status for upload in batch.files.all()}
    assert now == {
        "Åsa Öberg.docx": "processing",
        "zoë.docx": "processing",
        "twin.odt": "failed",
        "TWIN.pages": "failed",
    }


def test_what_matches_none_or_several_is_told_and_changes_nothing(signed_in: Client, batch: Batch) -> None:
    said = replace(
        signed_in, batch, list(batch.files.all()), "twin.docx", "Nobody.docx", "Zoë.docx", "zoe.txt"
    )
    assert said == [
        "error: 4 files were not sent, for exactly one file must have each name here: "
        "twin.docx, Nobody.docx, Zoë.docx, zoe.txt."
    ]
    assert {upload.status for upload in batch.files.all()} == {"failed"}
    assert batch.files.count() == 4


def test_only_the_files_that_were_named_are_replaced(signed_in: Client, batch: Batch) -> None:
    first = batch.files.get(filename="Zoë.odt")
    said = replace(signed_in, batch, [first], "Zoë.docx", "Åsa Öberg.docx")
    assert [one.partition(" ")[0] for one in said] == ["success:", "error:"]
    assert batch.files.get(pk=first.pk).filename == "Zoë.docx"
    assert batch.files.filter(filename="Åsa Öberg.odt").exists()
    assert replace(signed_in, batch, [first]) == ["error: Choose at least one file first."]


def test_all_are_removed_and_can_be_brought_back(signed_in: Client, batch: Batch) -> None:
    some = list(batch.files.filter(filename__endswith=".odt"))
    address = reverse("files-remove-several", args=[batch.pk])
    response, said = said_by(signed_in, address, {"of": [str(upload.pk) for upload in some]})
    assert said == ["success: 3 files are removed."]
    assert (response.status_code, response.headers["Location"]) == (
        303,
        reverse("batch-removed", args=[batch.pk]),
    )
    assert batch.files.filter(status="removed").count() == 3
    assert batch.files.get(filename="TWIN.pages").status == "failed"


def test_nobody_touches_the_files_of_another(
    client: Client, batch: Batch, teacher: User, colleague: User
) -> None:
    of = [str(upload.pk) for upload in batch.files.all()]
    foreign = make_batch(colleague)
    for user, where, status in ((colleague, batch, 404), (colleague, foreign, 303), (teacher, foreign, 404)):
        client.force_login(user)
        for name in ("files-remove-several", "files-replace-several"):
            said = {"of": of, "files": sent("Zoë.docx")}
            assert client.post(reverse(name, args=[where.pk]), said).status_code == status
    assert {upload.status for upload in batch.files.all()} == {"failed"}
    client.force_login(teacher)
    assert client.post(reverse("files-remove-several", args=[batch.pk]), {"of": ["1"]}).status_code == 404
