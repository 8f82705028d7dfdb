"""A note is kept once, never written over unseen, and goes with its file; a tick is for what was read."""

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client

from batches.models import Batch
from essays.actions.noting import note
from essays.models import MAX_NOTE, EssayNote
from essays.notes import is_read, note_of
from files.actions import replacing
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.failures.errors import Refused
from tests.api import client_of, problem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    return pipeline.completed(teacher, essay_bytes(1), essay_bytes(2))


def upload_of(batch: Batch, number: int = 1) -> FileUpload:
    return FileUpload.objects.get(batch=batch, slot__number=number)


def test_a_note_and_a_tick_are_kept_and_told_of(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    upload = upload_of(batch)
    note(upload, teacher, text="Ask about the sources.", versions={0})
    note(upload, teacher, read=True)
    note(upload, teacher, read=True)
    pipeline.run()
    assert is_read(upload_of(batch))
    assert note_of(upload_of(batch)).text == "Ask about the sources."
    assert not is_read(upload_of(batch, 2))
    told = pipeline.events(batch, "EssayNoteChanged")
    assert [(one["is_read"], one["note_version"]) for one in told] == [(False, 1), (True, 1)]
    assert "sources" not in str(told)


def test_what_another_window_wrote_is_not_written_over(batch: Batch, teacher: User) -> None:
    upload = upload_of(batch)
    note(upload, teacher, text="One", versions={0})
    with pytest.raises(Refused, match="NOTE_CHANGED"):
        note(upload, teacher, text="Two", versions={0})
    assert note(upload, teacher, text="One", versions={0}).version == 1, "a repeat is no conflict"
    assert note(upload, teacher, read=True, versions={0}).version == 1, "a tick changes no text"
    assert note(upload, teacher, text="Two", versions={1}).version == 2
    assert EssayNote.objects.get().text == "Two"


def test_a_file_without_a_place_has_no_note(batch: Batch, pipeline: Pipeline, teacher: User) -> None:
    extra = pipeline.upload(batch, essay_bytes(3))
    with pytest.raises(Refused, match="NOT_AN_ESSAY"):
        note(extra, teacher, text="One")
    assert not EssayNote.objects.exists()


def test_other_content_in_its_place_is_not_read(batch: Batch, pipeline: Pipeline, teacher: User) -> None:
    note(upload_of(batch), teacher, text="Handed in again?", read=True)
    replacing.replace(upload_of(batch), teacher, Incoming(file=ContentFile(essay_bytes(4)), filename="b.txt"))
    pipeline.run()
    assert not is_read(upload_of(batch))
    assert note_of(upload_of(batch)).text == "Handed in again?"


def test_a_note_has_its_length(batch: Batch, teacher: User) -> None:
    address = f"/v1/essays/{upload_of(batch).slot_id}/note"
    client = client_of(teacher)
    assert client.patch(address, {"note": "å" * MAX_NOTE}, format="json").status_code == 200
    problem(client.patch(address, {"note": "å" * (MAX_NOTE + 1)}, format="json"), 400, "INVALID")
    assert len(EssayNote.objects.get().text) == MAX_NOTE == 10_000
    browser = Client()
    browser.force_login(teacher)
    page = f"/batches/{batch.pk}/essays/1/note/"
    browser.post(page, {"note": "b" * (MAX_NOTE + 1)})
    assert EssayNote.objects.get().text[0] == "å"
