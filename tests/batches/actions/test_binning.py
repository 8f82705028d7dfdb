"""Bin and last day: a batch goes there, comes back, or is erased with everything it holds."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from batches import keeping
from batches.actions import binning
from batches.models import Batch
from files.actions import receiving
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from huleedu.erasure import Erasure
from huleedu.events import feed
from huleedu.failures.errors import Refused
from huleedu.forgetting import erasing
from huleedu.models import DeadLetter, Feed, LoggedEvent, Timer, Usage
from huleedu.relay import maintenance
from huleedu.templatetags.interface import whole_date
from results.shapes import BinnedBatch, BinPage, Snapshot
from tests.api import body_of, checked, client_of, problem, register, some_file, upload
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """A completed batch of two."""
    batch = pipeline.register(teacher, 2)
    Batch.objects.filter(pk=batch.pk).update(title="Canary title", class_name="Canary class")
    for number in (1, 2):
        pipeline.upload(batch, make_essay(number), f"Astrid {number}.txt")
    pipeline.run()
    return batch


def let_time_pass(pipeline: Pipeline) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Erasure.objects.open().update(due_at=past)
    Timer.objects.filter(kind="erase").update(due_at=past)
    pipeline.run()


def test_in_the_bin_it_is_as_if_it_were_not_there(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    client = client_of(teacher)
    file_id, content_id = batch.files.values_list("pk", "raw_storage_id")[0]
    told = checked(BinnedBatch, client.delete(f"/v1/batches/{batch.pk}"))
    assert told["title"] == "Canary title" and told["erased_at"]
    pipeline.run()
    for address in (
        f"batches/{batch.pk}",
        f"files/{file_id}",
        f"files/{file_id}/trace",
        f"content/{content_id}",
    ):
        problem(client.get(f"/v1/{address}"), 404, "NOT_FOUND")
    problem(upload(client, str(batch.pk), some_file(b"x")), 404, "NOT_FOUND")
    assert body_of(client.get("/v1/batches"))["results"] == []
    assert feed.position(batch.pk) is None
    assert len(checked(BinPage, client.get("/v1/bin"))["results"]) == 1
    assert pipeline.event_types(batch)[-1] == "BatchDeleted"


def test_it_comes_back_with_all_it_had(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    client = client_of(teacher)
    before = checked(Snapshot, client.get(f"/v1/batches/{batch.pk}"))
    client.delete(f"/v1/batches/{batch.pk}")
    pipeline.run()
    after = checked(Snapshot, client.post(f"/v1/bin/{batch.pk}/restore"))
    assert (after["files"], after["essays"], after["counts"]) == (
        before["files"],
        before["essays"],
        before["counts"],
    )
    assert not Erasure.objects.exists() and not Timer.objects.filter(kind="erase").exists()
    assert feed.position(batch.pk) is not None
    problem(client.post(f"/v1/bin/{batch.pk}/restore"), 404, "NOT_FOUND")


def test_when_its_time_is_over_only_ids_are_left(
    pipeline: Pipeline, batch: Batch, teacher: User, content_folder: Path
) -> None:
    events = LoggedEvent.objects.count()
    binning.delete(batch.pk, teacher.pk)
    pipeline.run()
    let_time_pass(pipeline)
    for model in (Batch, FileUpload, StoredContent, Feed, DeadLetter):
        assert not model._default_manager.exists(), model
    assert LoggedEvent.objects.count() == events + 1
    assert "Astrid" not in json.dumps(list(LoggedEvent.objects.values_list("envelope", flat=True)))
    left = [path for path in content_folder.rglob("*") if path.is_file()]
    assert [path.parent.name for path in left] == [erasing.NOTES]
    assert Usage.objects.get(owner=teacher).bytes == 0
    with pytest.raises(Refused, match="ERASED"):
        binning.restore(batch.pk, teacher)


def test_it_can_be_erased_now(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    client = client_of(teacher)
    client.delete(f"/v1/batches/{batch.pk}")
    told = checked(BinnedBatch, client.delete(f"/v1/bin/{batch.pk}"))
    assert told["erased_at"] is None
    problem(client.post(f"/v1/bin/{batch.pk}/restore"), 410, "ERASED")
    pipeline.fire_timers()
    pipeline.run()
    assert not Batch.objects.exists()


def test_a_kept_answer_is_emptied_and_a_repeat_does_nothing(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    client = client_of(teacher)
    batch_id = register(client, 1)["batch_id"]
    headers = {"Idempotency-Key": "Astrid's key"}

    def send() -> object:
        return upload(client, batch_id, some_file(make_essay(1), "Astrid.txt"), headers=headers)

    assert send().status_code == 201  # type: ignore[attr-defined]
    pipeline.run()
    file_id = FileUpload.objects.get().pk
    client.delete(f"/v1/files/{file_id}")
    pipeline.run()
    let_time_pass(pipeline)
    problem(send(), 410, "ERASED")  # type: ignore[arg-type]
    assert FileUpload.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM huleedu_idempotencyrecord r WHERE r::text LIKE '%Astrid%'")
        assert cursor.fetchone()[0] == 0


def test_pages_delete_restore_and_erase(
    pipeline: Pipeline, batch: Batch, teacher: User, client: Client
) -> None:
    client.force_login(teacher)
    assert b"Canary title" in client.get(f"/batches/{batch.pk}/keeping/").content
    page = client.post(f"/batches/{batch.pk}/actions/delete/", follow=True)
    assert b"can be brought back for 30 days" in page.content
    assert b"Canary title" not in page.content
    assert b"Canary title" in client.get("/bin/").content
    assert client.get(f"/batches/{batch.pk}/").status_code == 404
    assert client.get(f"/batches/{batch.pk}/card/").content == b""
    page = client.post(f"/bin/{batch.pk}/restore/", follow=True)
    assert page.redirect_chain[-1][0] == f"/batches/{batch.pk}/"
    client.post(f"/batches/{batch.pk}/actions/delete/")
    client.post(f"/bin/{batch.pk}/erase/")
    pipeline.fire_timers()
    pipeline.run()
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("moment", "ended"),
    [
        # In Stockholm the 31st of December ends at 23:00 UTC, the 30th of June at 22:00.
        (datetime(2027, 12, 31, 22, 59, tzinfo=UTC), 0),
        (datetime(2027, 12, 31, 23, 1, tzinfo=UTC), 1),
    ],
    ids=["before midnight", "after midnight"],
)
def test_a_batch_ends_with_its_last_day_in_the_schools_time(
    batch: Batch, moment: datetime, ended: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Batch.objects.update(ends_on=date(2027, 12, 31))
    monkeypatch.setattr("batches.actions.binning.database_now", lambda: moment)
    assert binning.end_due(10) == ended


def test_tidying_ends_batches_whose_day_is_over(pipeline: Pipeline, batch: Batch, teacher: User) -> None:
    Batch.objects.update(ends_on=timezone.localdate() - timedelta(days=1))
    tidied = maintenance.tidy()
    assert tidied and tidied.ended_batches == 1
    pipeline.run()
    assert pipeline.events(batch, "BatchDeleted")[0]["who"] == binning.NOBODY
    binning.restore(batch.pk, teacher)
    batch.refresh_from_db()
    assert batch.ends_on == timezone.localdate() + timedelta(days=30)
    assert maintenance.tidy().ended_batches == 0  # type: ignore[union-attr]


def test_a_teacher_keeps_it_longer_within_what_the_school_allows(
    batch: Batch, teacher: User, client: Client, settings: Settings
) -> None:
    api = client_of(teacher)
    latest = keeping.latest_end(timezone.localdate(batch.created_at))
    assert latest is not None
    told = checked(Snapshot, api.post(f"/v1/batches/{batch.pk}/keep", {"until": str(latest)}, format="json"))
    assert told["ends_on"] == str(latest)
    for day in (latest + timedelta(days=1), timezone.localdate() - timedelta(days=1)):
        answer = api.post(f"/v1/batches/{batch.pk}/keep", {"until": str(day)}, format="json")
        problem(answer, 409, "END_NOT_ALLOWED")
    client.force_login(teacher)
    soon = timezone.localdate() + timedelta(days=3)
    client.post(f"/batches/{batch.pk}/keeping/", {"until": str(soon)})
    batch.refresh_from_db()
    assert batch.ends_on == soon
    said = whole_date(soon)
    page = client.get(f"/batches/{batch.pk}/").content.decode()
    assert "Keep it longer" in page
    assert f"kept until {said}." in page and f"Kept until {said} ·" in page
    assert b"Kept until" in client.get("/").content


def test_restored_after_the_last_day_that_the_school_allows(
    pipeline: Pipeline, batch: Batch, teacher: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays for a month, as the page says, and its teacher may shorten that, not lengthen it."""
    long_ago = timezone.now() - timedelta(days=6 * 366)
    Batch.objects.update(created_at=long_ago, ends_on=timezone.localdate() - timedelta(days=1))
    assert binning.end_due(10) == 1
    binning.restore(batch.pk, teacher)
    assert binning.end_due(10) == 0
    end = timezone.localdate() + keeping.WARNING
    client.force_login(teacher)
    assert b"This batch is kept until" in client.get(f"/batches/{batch.pk}/").content
    assert b"Kept until" in client.get("/").content
    page = client.get(f"/batches/{batch.pk}/keeping/").content.decode()
    assert f'max="{end}"' in page
    api = client_of(teacher)
    later = {"until": str(end + timedelta(days=1))}
    told = problem(api.post(f"/v1/batches/{batch.pk}/keep", later, format="json"), 409, "END_NOT_ALLOWED")
    assert told["details"]["latest"] == str(end)
    for day in (end, end - timedelta(days=1)):
        answer = api.post(f"/v1/batches/{batch.pk}/keep", {"until": str(day)}, format="json")
        assert checked(Snapshot, answer)["ends_on"] == str(day)
    monkeypatch.setattr("batches.actions.binning.database_now", lambda: timezone.now() + keeping.WARNING)
    assert binning.end_due(10) == 1
    assert Erasure.objects.get().due_at > timezone.now() + timedelta(days=29)


def test_a_batch_in_the_bin_takes_no_decisions(batch: Batch, teacher: User) -> None:
    binning.delete(batch.pk, teacher.pk)
    with pytest.raises(Refused, match="BATCH_DELETED"):
        binning.delete(batch.pk, teacher.pk)
    with pytest.raises(Refused, match="BATCH_DELETED"):
        binning.keep(batch.pk, teacher, timezone.localdate())


def test_replacing_in_the_last_moment_is_refused(batch: Batch, teacher: User) -> None:
    binning.delete(batch.pk, teacher.pk)
    with pytest.raises(Refused, match="BATCH_CLOSED"):
        receiving.receive(batch.pk, teacher, Incoming(ContentFile(b"x"), "x.txt"), batch.correlation_id)


@pytest.mark.django_db
def test_what_was_erased_meanwhile_is_erased(teacher: User) -> None:
    binning.erase_now(uuid4())
    assert not binning.end_one(uuid4())
    with pytest.raises(Refused):
        binning.restore(uuid4(), teacher)
