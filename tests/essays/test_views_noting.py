"""Notes by forms and by the API: works, nobody else's, two windows, bad input."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from batches.models import Batch
from essays.models import MAX_NOTE, EssayNote
from essays.notes import is_read
from essays.shapes import EssayAnswer, NoteAnswer
from files.models import FileUpload
from huleedu.events.redaction import forget_answers
from huleedu.models import IdempotencyRecord
from results.shapes import ResultsAnswer
from tests.api import checked, client_of, problem
from tests.conftest import essay_bytes
from tests.pipeline import Pipeline

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    return pipeline.completed(teacher, essay_bytes(1))


@pytest.fixture
def page(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def address(batch: Batch) -> str:
    return f"/batches/{batch.pk}/essays/1/note/"


def test_a_form_writes_a_note_and_ticks(page: Client, batch: Batch) -> None:
    response = page.post(address(batch) + "?sort=-words", {"note": "One\r\ntwo", "version": "0"})
    assert response.headers["Location"] == f"/batches/{batch.pk}/essays/1/?sort=-words"
    shown = page.get(f"/batches/{batch.pk}/essays/1/").content.decode()
    assert "The note is saved." in shown
    assert "One\ntwo</textarea>" in shown
    page.post(address(batch), {"read": "on", "note": "One\r\ntwo", "version": "1"})
    assert is_read(FileUpload.objects.get(batch=batch))
    page.post(address(batch), {"read": "off"})
    assert not is_read(FileUpload.objects.get(batch=batch))
    assert EssayNote.objects.get().text == "One\ntwo"


def test_the_form_of_an_older_page_shows_both_notes(page: Client, batch: Batch) -> None:
    page.post(address(batch), {"note": "There", "version": "0"})
    response = page.post(address(batch), {"note": "Here", "version": "0"})
    assert response.status_code == 409
    shown = response.content.decode()
    assert "There" in shown
    assert "Here</textarea>" in shown
    assert 'name="version" value="1"' in shown
    assert EssayNote.objects.get().text == "There"


@pytest.mark.parametrize("said", [{"note": "x" * (MAX_NOTE + 1)}, {"read": "maybe"}, {"version": "x"}])
def test_bad_input_changes_nothing(page: Client, batch: Batch, said: dict[str, str]) -> None:
    assert page.post(address(batch), said).status_code == 303
    assert not EssayNote.objects.exists()


def test_nobody_elses(client: Client, batch: Batch) -> None:
    client.force_login(User.objects.create_user("stranger"))
    assert client.post(address(batch), {"note": "x"}).status_code == 404


def test_the_api_says_the_same(batch: Batch, teacher: User) -> None:
    client, essay = client_of(teacher), f"/v1/essays/{batch.slots.get().pk}"
    first = client.get(f"{essay}/note")
    assert checked(NoteAnswer, first)["version"] == 0
    assert first.headers["ETag"] == '"0"'
    written = client.patch(f"{essay}/note", {"note": "One"}, format="json", headers={"If-Match": '"0"'})
    assert checked(NoteAnswer, written)["version"] == 1
    late = client.patch(f"{essay}/note", {"note": "Two"}, format="json", headers={"If-Match": '"0"'})
    problem(late, 412, "NOTE_CHANGED")
    client.patch(f"{essay}/note", {"read": True}, format="json", headers={"If-Match": '"0"'})
    shown = checked(EssayAnswer, client.get(essay))
    assert (shown["note"], shown["read"], shown["note_version"]) == ("One", True, 1)
    (row,) = checked(ResultsAnswer, client.get(f"/v1/batches/{batch.pk}/results"))["essays"]
    assert (row["note"], row["read"]) == ("One", True)
    bad = client.patch(f"{essay}/note", {"note": "x" * (MAX_NOTE + 1)}, format="json")
    assert problem(bad, 400, "INVALID")["errors"][0]["path"] == "note"
    stranger = client_of(User.objects.create_user("stranger"))
    problem(stranger.patch(f"{essay}/note", {"note": "x"}, format="json"), 404, "NOT_FOUND")


def test_a_kept_answer_with_a_note_is_forgotten_with_the_file_and_the_batch(
    batch: Batch, teacher: User
) -> None:
    client, essay = client_of(teacher), f"/v1/essays/{batch.slots.get().pk}"
    for number, subject in enumerate((batch.files.get().pk, batch.pk)):
        headers = {"Idempotency-Key": f"key {number}"}
        client.patch(f"{essay}/note", {"note": "She told me."}, format="json", headers=headers)
        forget_answers(subject)
        kept = str(list(IdempotencyRecord.objects.values_list("body", flat=True)))
        assert "She told me." not in kept


def test_an_essay_without_a_file_has_no_note(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 1)
    client, essay = client_of(teacher), f"/v1/essays/{batch.slots.get().pk}"
    problem(client.get(f"{essay}/note"), 409, "NOT_AN_ESSAY")
    problem(client.patch(f"{essay}/note", {"note": "x"}, format="json"), 409, "NOT_AN_ESSAY")
