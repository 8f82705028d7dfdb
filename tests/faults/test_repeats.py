"""F22: damaged content is never served, and a repeat that cannot begin, or fails, costs no result."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from batches.actions import cancelling
from batches.models import Batch
from essays.actions import essay_language, repeating, repeating_all
from files import content, damage
from files.actions import replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from huleedu.failures.errors import ContentDamaged, ErrorCode, Refused, StepError, StorageFailed
from huleedu.models import DeadLetter, LoggedEvent, OutboxMessage, WorkItem
from huleedu.outside.endpoints import budget
from huleedu.support.dead_letters import replay
from results.models import EssayResult
from tests.api import body_of, client_of, problem
from tests.conftest import essay_bytes
from tests.huleedu.watching.test_monitoring import scrape
from tests.log_capture import captured_logs, lines_of
from tests.pipeline import Pipeline
from tests.reader import fresh

Spoil = Callable[[Path], None]


def flip(path: Path) -> None:
    """One bit is another; the length is the same."""
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def swell(path: Path) -> None:
    """Two gigabytes where some bytes were: not to be taken into memory."""
    with path.open("r+b") as file:
        file.truncate(2**31)


SPOILS: list[Spoil] = [flip, swell, Path.unlink]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User) -> Batch:
    """A completed batch of two essays."""
    made = pipeline.register(teacher, 2, max_retries=0)
    for number in range(2):
        pipeline.upload(made, essay_bytes(number))
    pipeline.run()
    made.refresh_from_db()
    assert made.status == Batch.Status.COMPLETED
    return made


@pytest.fixture
def upload(batch: Batch) -> FileUpload:
    """The file of the first essay."""
    return FileUpload.objects.select_related("slot").get(batch=batch, slot__number=1)


@pytest.fixture
def client(teacher: User) -> APIClient:
    return client_of(teacher)


@pytest.fixture
def page(teacher: User) -> Client:
    found = Client(headers={"Accept-Language": "en"})
    found.force_login(teacher)
    return found


def path_of(folder: Path, kind: str, content_id: UUID) -> Path:
    return folder / content.storage_name(kind, content_id)


def everything(batch: Batch) -> Any:
    """What a teacher has: statuses, revisions, results, and what was told."""
    batch.refresh_from_db()
    return (
        (batch.status, batch.run),
        list(batch.files.order_by("pk").values_list("pk", "status", "revision", "rev", "error")),
        list(batch.slots.order_by("pk").values_list("pk", "status", "revision", "text_storage_id")),
        list(EssayResult.objects.order_by("pk").values_list("pk", "revision", "phases", "text_storage_id")),
        LoggedEvent.objects.count() + OutboxMessage.objects.count(),
    )


def damaged_in_metrics(client: Client) -> dict[tuple[str, ...], float]:
    return scrape(client)["content_damaged"]


@pytest.mark.parametrize("spoil", SPOILS)
def test_damaged_text_is_never_served_and_reading_again_mends_it(
    spoil: Spoil,
    upload: FileUpload,
    content_folder: Path,
    client: APIClient,
    page: Client,
    pipeline: Pipeline,
) -> None:
    assert upload.slot is not None
    spoil(path_of(content_folder, "text", upload.text_id))
    with captured_logs() as text:
        problem(client.get(f"/v1/essays/{upload.slot_id}"), 409, "CONTENT_DAMAGED")
        problem(client.get(f"/v1/content/{upload.text_id}"), 409, "CONTENT_DAMAGED")
        shown = page.get(reverse("essay", args=[upload.batch_id, 1]))
    (line, *_) = lines_of(text, "content.damaged")
    assert (line["content_id"], line["kind"]) == (str(upload.text_id), "text")
    assert "phones" not in text.getvalue() and upload.filename not in text.getvalue()
    assert shown.status_code == 409
    words = shown.content.decode()
    assert "What we stored of this file is damaged" in words and "Read the file again" in words
    assert "phones" not in words
    assert damaged_in_metrics(page) == {("raw",): 0, ("text",): 1}
    answer = page.post(f"/files/{upload.pk}/actions/reprocess/")
    assert answer.status_code == 303
    pipeline.run()
    upload.refresh_from_db()
    assert (upload.status, upload.error) == ("assigned", None)
    assert body_of(client.get(f"/v1/essays/{upload.slot_id}"))["text"] == essay_bytes(0).decode()
    assert damaged_in_metrics(page) == {("raw",): 0, ("text",): 0}


@pytest.mark.parametrize("spoil", SPOILS)
def test_reading_again_without_whole_bytes_is_refused_and_costs_nothing(
    spoil: Spoil, upload: FileUpload, batch: Batch, content_folder: Path, client: APIClient, page: Client
) -> None:
    spoil(path_of(content_folder, "raw", upload.raw_id))
    before = everything(batch)
    problem(client.get(f"/v1/content/{upload.raw_id}"), 409, "CONTENT_DAMAGED")
    again = f"/v1/files/{upload.pk}/reprocess"
    problem(client.post(again, {}, format="json"), 409, "CONTENT_DAMAGED")
    problem(client.post(again, {}, format="json", headers={"Idempotency-Key": "k"}), 409, "CONTENT_DAMAGED")
    answer = page.post(f"/files/{upload.pk}/actions/reprocess/", follow=True)
    assert "What is stored of the file is damaged or gone." in answer.content.decode()
    assert everything(batch) == before
    assert damaged_in_metrics(page) == {("raw",): 1, ("text",): 0}
    assert client.get(f"/v1/essays/{upload.slot_id}").status_code == 200


def test_damage_is_remembered_also_when_the_request_is_rolled_back(
    upload: FileUpload, content_folder: Path, client: APIClient
) -> None:
    path_of(content_folder, "raw", upload.raw_id).unlink()
    headers = {"Idempotency-Key": "k"}  # effect and record are one transaction
    client.post(f"/v1/files/{upload.pk}/reprocess", {}, format="json", headers=headers)
    assert StoredContent.objects.get(damaged_at__isnull=False).pk == upload.raw_id


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_step_whose_text_is_damaged_is_not_repeated(
    spoil: Spoil, upload: FileUpload, batch: Batch, content_folder: Path, client: APIClient, teacher: User
) -> None:
    spoil(path_of(content_folder, "text", upload.text_id))
    before = everything(batch)
    one = client.post(f"/v1/files/{upload.pk}/reprocess", {"phase": "spellcheck"}, format="json")
    assert problem(one, 409, "CONTENT_DAMAGED")["details"] == {"essays": "1"}
    everyone = client.post(f"/v1/batches/{batch.pk}/reprocess", {}, format="json")
    assert problem(everyone, 409, "CONTENT_DAMAGED")["details"] == {"essays": "1"}
    assert everything(batch) == before


def test_a_language_is_not_changed_for_a_text_that_cannot_be_checked_again(
    upload: FileUpload, batch: Batch, content_folder: Path, client: APIClient
) -> None:
    batch.files.update(language="")  # the essays follow their batch
    flip(path_of(content_folder, "text", upload.text_id))
    before = everything(batch)
    for address in (f"/v1/essays/{upload.slot_id}/language", f"/v1/batches/{batch.pk}/language"):
        answer = client.post(address, {"language": "sv"}, format="json")
        assert problem(answer, 409, "CONTENT_DAMAGED")["details"] == {"essays": "1"}
    assert everything(batch) == before


def test_a_damaged_text_costs_no_language_that_leaves_it_alone(
    upload: FileUpload, batch: Batch, content_folder: Path, client: APIClient, teacher: User
) -> None:
    """Also without a language of its own, as every essay from before languages were found."""
    batch.files.update(language="")
    flip(path_of(content_folder, "text", upload.text_id))
    address = f"/v1/batches/{batch.pk}/language"
    assert client.post(address, {"language": "en"}, format="json").status_code == 200
    for language in ("en", "", "en"):
        essay_language.set_essay_language(upload, teacher, language)
    assert client.post(address, {"language": "sv"}, format="json").status_code == 200
    # The API's answer holds the text: without it nothing is changed.
    before = everything(batch)
    answer = client.post(f"/v1/essays/{upload.slot_id}/language", {"language": None}, format="json")
    problem(answer, 409, "CONTENT_DAMAGED")
    same = client.post(f"/v1/essays/{upload.slot_id}/language", {"language": "en"}, format="json")
    problem(same, 409, "CONTENT_DAMAGED")
    assert everything(batch) == before


def test_a_damaged_text_costs_no_language_where_nothing_is_checked(
    pipeline: Pipeline, teacher: User, content_folder: Path, client: APIClient
) -> None:
    batch = pipeline.register(teacher, 1, steps=[])
    lost = pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    lost.refresh_from_db()
    FileUpload.objects.update(language="")
    path_of(content_folder, "text", lost.text_id).unlink()
    answer = client.post(f"/v1/batches/{batch.pk}/language", {"language": "sv"}, format="json")
    assert answer.status_code == 200


def test_what_is_refused_anyway_does_not_wait_for_the_store(
    pipeline: Pipeline, teacher: User, content_folder: Path, client: APIClient
) -> None:
    batch = pipeline.register(teacher, 2)
    stays = pipeline.upload(batch, essay_bytes(1))
    pipeline.run()
    FileUpload.objects.update(language="")
    cancelling.cancel(batch.pk, teacher)
    content_folder.rename(content_folder.with_name("away"))
    stays.refresh_from_db()
    for address, body in (
        (f"/v1/batches/{batch.pk}/language", {"language": "sv"}),
        (f"/v1/essays/{stays.slot_id}/language", {"language": "sv"}),
        (f"/v1/batches/{batch.pk}/reprocess", {}),
        (f"/v1/files/{stays.pk}/reprocess", {"phase": "spellcheck"}),
        (f"/v1/files/{stays.pk}/reprocess", {}),
    ):
        problem(client.post(address, body, format="json"), 409, "BATCH_CLOSED")


Decide = Callable[[FileUpload, APIClient, Client, User], object]


def repeat_all(upload: FileUpload, client: APIClient, _page: Client, _teacher: User) -> object:
    headers = {"If-Match": '"0"', "Idempotency-Key": "k"}
    return client.post(f"/v1/batches/{upload.batch_id}/reprocess", {}, format="json", headers=headers)


def change_language(upload: FileUpload, client: APIClient, _page: Client, _teacher: User) -> object:
    address, headers = f"/v1/batches/{upload.batch_id}/language", {"If-Match": '"0"'}
    return client.post(address, {"language": "sv"}, format="json", headers=headers)


def change_language_by_form(upload: FileUpload, _client: APIClient, page: Client, _teacher: User) -> object:
    said = {"language": "sv", "version": "0"}
    return page.post(reverse("batch-language", args=[upload.batch_id]), said)


def replay_step(upload: FileUpload, _client: APIClient, _page: Client, teacher: User) -> object:
    return replay(letter_of(upload, "spellcheck"), teacher)


def replay_reading(upload: FileUpload, _client: APIClient, _page: Client, teacher: User) -> object:
    FileUpload.objects.update(error={"error_code": "EXTRACTION_FAILED"})
    return replay(letter_of(upload, "extract"), teacher)


def letter_of(upload: FileUpload, step: str) -> DeadLetter:
    """A dead letter of work on the file or its essay."""
    assert upload.slot is not None
    revision = upload.revision if step == "extract" else upload.slot.revision
    return DeadLetter.objects.create(
        kind=DeadLetter.Kind.WORK,
        event_id="0" * 64,
        event_type=step,
        batch_id=upload.batch_id,
        file_upload_id=upload.pk,
        correlation_id=upload.correlation_id,
        envelope={"revision": revision, "subject_id": str(upload.slot_id)},
        attempts=1,
        first_failed_at=upload.created_at,
    )


@pytest.mark.parametrize(
    "decision", [repeat_all, change_language, change_language_by_form, replay_step, replay_reading]
)
def test_nothing_is_locked_while_the_store_is_read(
    decision: Decide,
    upload: FileUpload,
    batch: Batch,
    client: APIClient,
    page: Client,
    teacher: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch.files.update(language="")
    free: list[bool] = []
    check = content.check

    def take_batch() -> None:
        try:
            with transaction.atomic():
                Batch.objects.select_for_update(nowait=True, no_key=True).get(pk=batch.pk)
            free.append(True)
        except OperationalError:
            free.append(False)
        finally:
            connection.close()

    def check_and_look(*arguments: Any) -> list[ContentDamaged]:
        other = threading.Thread(target=take_batch)
        other.start()
        other.join()
        return check(*arguments)

    monkeypatch.setattr(content, "check", check_and_look)
    before = everything(batch)
    decision(upload, client, page, teacher)
    assert free == [True]
    assert everything(batch) != before, "it was done"


def test_a_store_that_is_wholly_gone_is_waited_for(
    upload: FileUpload,
    batch: Batch,
    content_folder: Path,
    client: APIClient,
    teacher: User,
    pipeline: Pipeline,
) -> None:
    away = content_folder.rename(content_folder.with_name("away"))
    before = everything(batch)
    for call in (
        lambda: rereading.reread(upload, teacher),
        lambda: repeating.repeat_step(upload, teacher, "spellcheck"),
        lambda: repeating_all.repeat_batch(batch.pk, teacher, "spellcheck"),
    ):
        with pytest.raises(StorageFailed):
            call()
    problem(client.get(f"/v1/essays/{upload.slot_id}"), 503, "STORAGE_FAILED")
    assert everything(batch) == before
    assert not StoredContent.objects.filter(damaged_at__isnull=False).exists()
    away.rename(content_folder)
    rereading.reread(upload, teacher)
    content_folder.rename(away)  # and gone again, now that it has begun
    pipeline.run()
    assert WorkItem.objects.get().attempts == 1 and not DeadLetter.objects.exists()
    away.rename(content_folder)
    WorkItem.objects.update(due_at=batch.created_at)
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED


def test_a_distant_store_is_not_one_that_is_away(
    teacher: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All texts of a batch were to be read within the time of one call."""
    stored = [content.store_text(uuid4(), f"text {number}") for number in range(80)]
    for one in stored:
        content.record(one, teacher.pk, None)
    look = damage.look

    def slow(row: StoredContent, *, keep: bool) -> damage.Look:
        time.sleep(0.12)
        return look(row, keep=keep)

    monkeypatch.setattr(damage, "look", slow)
    settings.STORE_SECONDS = 0.4
    with budget(settings.STORE_SECONDS):
        assert content.check(StoredContent.Kind.TEXT, [one.id for one in stored]) == []


def lose_bytes(folder: Path, upload: FileUpload, _patch: pytest.MonkeyPatch) -> None:
    path_of(folder, "raw", upload.raw_id).unlink()


def find_unreadable(_folder: Path, _upload: FileUpload, patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StepError(ErrorCode.CORRUPTED_FILE)

    patch.setattr("files.sandbox.run", refuse)


def break_reading(_folder: Path, _upload: FileUpload, patch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise ValueError

    patch.setattr("files.sandbox.run", explode)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (lose_bytes, "CONTENT_DAMAGED"),
        (find_unreadable, "CORRUPTED_FILE"),
        (break_reading, "EXTRACTION_FAILED"),
    ],
)
def test_a_reading_that_began_and_failed_leaves_text_place_and_result(
    fault: Callable[..., None],
    code: str,
    upload: FileUpload,
    batch: Batch,
    content_folder: Path,
    pipeline: Pipeline,
    teacher: User,
    client: APIClient,
    page: Client,
) -> None:
    live = fresh(batch)
    text, result = upload.text_id, EssayResult.objects.get(file=upload)
    rereading.reread(upload, teacher)
    with pytest.MonkeyPatch.context() as patch:
        fault(content_folder, upload, patch)
        pipeline.run()
    upload.refresh_from_db()
    batch.refresh_from_db()
    assert (upload.status, upload.text_storage_id, batch.status) == ("assigned", text, "completed")
    assert upload.error is not None and upload.error["error_code"] == code
    after = EssayResult.objects.get(file=upload)
    figures = ("status", "findings", "density", "words")
    assert [after.phases["spellcheck"][each] for each in figures] == [
        result.phases["spellcheck"][each] for each in figures
    ]
    assert body_of(client.get(f"/v1/essays/{upload.slot_id}"))["text"] == essay_bytes(0).decode()
    row = next(
        each
        for each in body_of(client.get(f"/v1/batches/{batch.pk}"))["files"]
        if each["file_upload_id"] == str(upload.pk)
    )
    assert (row["status"], row["essay_number"], row["error"]["error_code"]) == ("assigned", 1, code)
    told = LoggedEvent.objects.filter(event_type="EssaySlotAssigned", file_upload_id=upload.pk).last()
    assert told is not None and told.envelope["data"]["error"]["error_code"] == code
    shown = page.get(reverse("batch", args=[batch.pk])).content.decode()
    assert "The text read before stands, with its result." in shown
    live.come_back()
    assert live.shows() == fresh(batch).shows()


def test_a_reading_that_succeeds_afterwards_forgets_the_error(
    upload: FileUpload, pipeline: Pipeline, teacher: User, content_folder: Path, batch: Batch
) -> None:
    rereading.reread(upload, teacher)
    with pytest.MonkeyPatch.context() as patch:
        break_reading(content_folder, upload, patch)
        pipeline.run()
    replay(DeadLetter.objects.get(), teacher)
    pipeline.run()
    upload.refresh_from_db()
    batch.refresh_from_db()
    assert (upload.status, upload.error, batch.status) == ("assigned", None, "completed")


def test_a_dead_letter_whose_bytes_are_gone_is_refused_and_stays(
    pipeline: Pipeline, teacher: User, content_folder: Path
) -> None:
    batch = pipeline.register(teacher, 1, max_retries=0)
    lost = pipeline.upload(batch, essay_bytes(1))
    with pytest.MonkeyPatch.context() as patch:
        break_reading(content_folder, lost, patch)
        pipeline.run()
    path_of(content_folder, "raw", lost.raw_id).unlink()
    with pytest.raises(ContentDamaged):
        replay(DeadLetter.objects.get(), teacher)
    assert DeadLetter.objects.get().status == DeadLetter.Status.DEAD
    lost.refresh_from_db()
    assert lost.status == FileUpload.Status.FAILED


def test_a_first_reading_that_fails_is_a_failed_file_as_ever(
    pipeline: Pipeline, teacher: User, content_folder: Path, batch: Batch
) -> None:
    other = pipeline.register(teacher, 1)
    lost = pipeline.upload(other, essay_bytes(3))
    lose_bytes(content_folder, lost, pytest.MonkeyPatch())
    pipeline.run()
    lost.refresh_from_db()
    assert lost.error is not None
    assert (lost.status, lost.slot, lost.error["error_code"]) == ("failed", None, "CONTENT_DAMAGED")


def test_a_step_whose_text_vanishes_in_the_queue_says_so(
    upload: FileUpload, pipeline: Pipeline, teacher: User, content_folder: Path
) -> None:
    repeating.repeat_step(upload, teacher, "spellcheck")
    path_of(content_folder, "text", upload.text_id).unlink()
    pipeline.run()
    error = EssayResult.objects.get(file=upload).phases["spellcheck"]["error"]
    assert error["error_code"] == "CONTENT_DAMAGED"
    assert not DeadLetter.objects.exists()


def test_a_replacement_that_cannot_be_stored_leaves_the_essay(
    upload: FileUpload, batch: Batch, content_folder: Path, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_before = everything(batch)

    def fail(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr("files.storage.write_flushed", fail)
    from django.core.files.base import ContentFile

    with pytest.raises(StorageFailed):
        replacing.replace(upload, teacher, Incoming(ContentFile(b"x"), "x.txt"))
    assert everything(batch) == batch_before


def test_support_is_told_why_nothing_was_read_again(
    upload: FileUpload, content_folder: Path, db: None
) -> None:
    desk = Client(headers={"Accept-Language": "en"})
    desk.force_login(User.objects.create_superuser("root", password="correct horse battery"))
    press = reverse("admin:files_fileupload_do", args=[upload.pk, "reprocess"])
    path_of(content_folder, "raw", upload.raw_id).unlink()
    assert "damaged or gone" in desk.post(press, follow=True).content.decode()
    content_folder.rename(content_folder.with_name("away"))
    assert "does not answer just now" in desk.post(press, follow=True).content.decode()


def test_refusals_are_refusals(upload: FileUpload, teacher: User) -> None:
    with pytest.raises(Refused, match="STEP_NOT_CONFIGURED"):
        repeating.repeat_step(upload, teacher, "grade")
