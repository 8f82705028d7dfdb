"""The original of a file on a page and as a download: to its teacher alone, without power over her page."""

from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from batches.models import Batch
from files import content
from files.models import FileUpload, StoredContent
from tests.files.documents import pdf, word
from tests.rows import add_file, make_batch

pytestmark = pytest.mark.django_db
PDF = pdf([["An essay in a file"]])
PAGE = b"<!doctype html><script>parent.document.title = 'mine'</script>"
NAMES = ("file-original", "file-original-shown", "file-original-saved")


@pytest.fixture
def signed_in(client: Client, teacher: User) -> Client:
    """A browser where the teacher is signed in."""
    client.force_login(teacher)
    return client


@pytest.fixture
def batch(teacher: User) -> Batch:
    """An empty batch."""
    return make_batch(teacher, title="My town")


def kept(batch: Batch, data: bytes, filename: str = "Åsa.pdf", status: str = "failed") -> FileUpload:
    """A file with these bytes in the store."""
    stored = content.store(StoredContent.Kind.RAW, uuid4(), ContentFile(data))
    content.record(stored, batch.owner_id, batch.pk)
    return add_file(batch, status, filename=filename, size=len(data), raw_storage_id=stored.id)


def at(name: str, file_upload_id: UUID) -> str:
    """The address of that name for the file."""
    return reverse(name, args=[file_upload_id])


def test_a_pdf_is_shown_in_a_frame_that_may_do_nothing(signed_in: Client, batch: Batch) -> None:
    upload = kept(batch, PDF)
    page = signed_in.get(at("file-original", upload.pk))
    assert page.status_code == 200
    assert f'<iframe class="original" src="{at("file-original-shown", upload.pk)}"' in page.content.decode()
    policy = page.headers["Content-Security-Policy"]
    assert "frame-src 'self'" in policy
    assert "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    shown = signed_in.get(at("file-original-shown", upload.pk))
    assert shown.content == PDF
    assert shown.headers["Content-Type"] == "application/pdf"
    assert shown.headers["Content-Security-Policy"] == ("default-src 'none'; sandbox; frame-ancestors 'self'")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Content-Disposition"].startswith("inline; filename")


def test_other_pages_may_show_no_frame(signed_in: Client, batch: Batch) -> None:
    assert "frame-src" not in signed_in.get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("filename", ["essay.pdf", "essay.html", "essay.png", "essay.svg"])
@pytest.mark.parametrize("data", [PAGE, b'<svg xmlns="http://www.w3.org/2000/svg"/>', word("Text")])
def test_whatever_may_run_is_saved_and_never_shown(
    signed_in: Client, batch: Batch, filename: str, data: bytes
) -> None:
    upload = kept(batch, data, filename)
    page = signed_in.get(at("file-original", upload.pk)).content.decode()
    assert "<iframe" not in page and "<img" not in page
    assert signed_in.get(at("file-original-shown", upload.pk)).status_code == 404
    saved = signed_in.get(at("file-original-saved", upload.pk))
    assert saved.content == data
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith("attachment; filename")
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in saved.headers["Content-Security-Policy"]


def test_a_picture_is_a_picture(signed_in: Client, batch: Batch) -> None:
    upload = kept(batch, b"\x89PNG\r\n\x1a\n picture", 'skrivet"<b>.docx')
    page = signed_in.get(at("file-original", upload.pk)).content.decode()
    assert f'<img src="{at("file-original-shown", upload.pk)}" alt="' in page
    assert "<b>" not in page
    assert signed_in.get(at("file-original-shown", upload.pk)).headers["Content-Type"] == "image/png"


def test_nobody_else_has_it(client: Client, batch: Batch, colleague: User) -> None:
    upload = kept(batch, PDF)
    for name in NAMES:
        assert client.get(at(name, upload.pk)).status_code == 302
    client.force_login(colleague)
    for name in NAMES:
        stranger, missing = client.get(at(name, upload.pk)), client.get(at(name, uuid4()))
        assert stranger.status_code == missing.status_code == 404
        assert b"%PDF" not in stranger.content


def test_what_is_removed_binned_or_was_never_stored_is_nowhere(signed_in: Client, batch: Batch) -> None:
    removed = kept(batch, PDF, status="removed")
    bare = add_file(batch, "failed")
    for upload in (removed, bare):
        assert {signed_in.get(at(name, upload.pk)).status_code for name in NAMES} == {404}
    left = kept(batch, PDF)
    batch.binned_at = batch.created_at
    batch.save()
    assert {signed_in.get(at(name, left.pk)).status_code for name in NAMES} == {404}


def test_damage_is_told(signed_in: Client, batch: Batch) -> None:
    upload = kept(batch, PDF)
    content.delete([upload.raw_id])
    page = signed_in.get(at("file-original", upload.pk))
    assert (page.status_code, "<iframe" in page.content.decode()) == (409, False)
    assert signed_in.get(at("file-original-shown", upload.pk)).status_code == 404
    saved = signed_in.get(at("file-original-saved", upload.pk))
    assert (saved.status_code, saved.headers["Location"]) == (303, at("file-trace", upload.pk))


def test_only_reading_is_offered(signed_in: Client, batch: Batch) -> None:
    upload = kept(batch, PDF)
    for name in NAMES:
        assert signed_in.post(at(name, upload.pk)).status_code == 405
        with CaptureQueriesContext(connection) as captured:
            signed_in.get(at(name, upload.pk))
        assert len(captured) <= 8


def test_the_way_of_a_file_leads_to_it(signed_in: Client, batch: Batch) -> None:
    upload, bare = kept(batch, PDF), add_file(batch, "failed")
    assert at("file-original", upload.pk) in signed_in.get(at("file-trace", upload.pk)).content.decode()
    assert "/original/" not in signed_in.get(at("file-trace", bare.pk)).content.decode()
