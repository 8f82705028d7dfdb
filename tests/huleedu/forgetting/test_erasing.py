"""Forgetting is carried out when its time has come, whole, once, and by whoever comes after a crash."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.utils import timezone

from batches.models import Batch
from essays.actions.noting import note
from essays.models import EssayNote, StepRun
from files import content
from files.actions import removing, replacing
from files.actions.incoming import Incoming
from files.models import FileUpload, StoredContent
from huleedu.erasure import Erasure
from huleedu.events.redaction import TELLING
from huleedu.failures.errors import Refused, StorageFailed
from huleedu.forgetting import erasing
from huleedu.models import DeadLetter, LoggedEvent, Timer, WorkItem
from huleedu.relay import maintenance
from huleedu.support.dead_letters import replay
from results.queries import counts_of
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


@pytest.fixture
def batch(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """A completed batch of two."""
    return pipeline.completed(teacher, make_essay(1), make_essay(2))


def let_time_pass(pipeline: Pipeline) -> None:
    """The undo time is over, timers ring, workers work."""
    past = timezone.now() - timedelta(seconds=1)
    Erasure.objects.open().update(due_at=past)
    Timer.objects.filter(kind="erase").update(due_at=past)
    pipeline.run()


def stored(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and "erasures" not in path.parts}


def test_all_of_a_removed_file_goes_when_its_time_has_come(
    pipeline: Pipeline, batch: Batch, content_folder: Path, teacher: User
) -> None:
    upload, other = batch.files.order_by("created_at")
    note(upload, teacher, text="She told me why.", read=True)
    note(other, teacher, text="He did not.")
    pipeline.run()
    before = list(LoggedEvent.objects.order_by("id").values_list("event_id", flat=True))
    removing.remove(upload)
    pipeline.run()
    assert len(stored(content_folder)) == 4
    let_time_pass(pipeline)
    upload.refresh_from_db()
    other.refresh_from_db()
    assert (upload.status, upload.filename, upload.content_hash) == ("removed", "", "")
    assert (upload.raw_storage_id, upload.text_storage_id, upload.words) != (None, None, None)
    assert upload.raw_storage_id is None and upload.text_storage_id is None
    assert other.raw_storage_id is not None and other.text_storage_id is not None
    assert stored(content_folder) == {other.raw_storage_id.hex, other.text_storage_id.hex}
    assert StoredContent.objects.count() == 2
    assert list(EssayNote.objects.values_list("file", flat=True)) == [other.pk]
    assert list(StepRun.objects.filter(file_upload_id=upload.pk).values_list("output", flat=True)) == [None]
    after = list(LoggedEvent.objects.order_by("id").values_list("event_id", flat=True))
    assert after[: len(before)] == before
    told = LoggedEvent.objects.filter(file_upload_id=upload.pk, event_type__in=TELLING)
    assert all(row.envelope.get("redacted") for row in told)
    assert "Astrid 1" not in str(list(LoggedEvent.objects.values_list("envelope", flat=True)))
    assert "Astrid 2" in str(list(LoggedEvent.objects.values_list("envelope", flat=True)))
    ledger = Erasure.objects.get()
    assert ledger.begun_at and ledger.ended_at
    assert (counts_of(batch).assigned, counts_of(batch).free) == (1, 1)
    assert not WorkItem.objects.exists() and not DeadLetter.objects.exists()


def test_redacted_events_can_be_delivered_again(pipeline: Pipeline, batch: Batch) -> None:
    removing.remove(batch.files.order_by("created_at")[0])
    let_time_pass(pipeline)
    before = list(FileUpload.objects.order_by("pk").values())
    pipeline.deliver_again(batch.pk)
    pipeline.run()
    assert list(FileUpload.objects.order_by("pk").values()) == before
    assert not DeadLetter.objects.exists()


def test_of_a_replaced_file_the_former_content_goes_and_the_present_stays(
    pipeline: Pipeline, batch: Batch, make_essay: Essays, content_folder: Path
) -> None:
    upload = batch.files.order_by("created_at")[0]
    replacing.replace(upload, batch.owner, Incoming(ContentFile(make_essay(7)), "Beatrice.txt"))
    pipeline.run()
    let_time_pass(pipeline)
    upload.refresh_from_db()
    envelopes = str(list(LoggedEvent.objects.filter(batch_id=batch.pk).values_list("envelope", flat=True)))
    assert "Astrid 1" not in envelopes
    assert "Beatrice" in envelopes and "Astrid 2" in envelopes
    assert (upload.filename, upload.status) == ("Beatrice.txt", "assigned")
    assert content.read_text(upload.text_id)
    assert len(stored(content_folder)) == 4
    outputs = StepRun.objects.filter(file_upload_id=upload.pk).order_by("revision")
    assert [run.output is None for run in outputs] == [True, False]


def test_a_replaced_file_that_is_then_removed_can_be_brought_back(
    pipeline: Pipeline, batch: Batch, make_essay: Essays
) -> None:
    """What it was before goes in its own time, and takes nothing along that could still be wanted."""
    upload = batch.files.order_by("created_at")[0]
    replacing.replace(upload, batch.owner, Incoming(ContentFile(make_essay(7)), "Beatrice.txt"))
    pipeline.run()
    upload = removing.remove(FileUpload.objects.get(pk=upload.pk))
    past = timezone.now() - timedelta(seconds=1)
    version = Erasure.objects.get(kind="version")
    Erasure.objects.filter(pk=version.pk).update(due_at=past)
    Timer.objects.filter(batch_id=version.pk).update(due_at=past)
    pipeline.run()
    upload.refresh_from_db()
    assert upload.filename == "Beatrice.txt"
    removing.restore(upload, batch.owner)
    pipeline.run()
    upload.refresh_from_db()
    assert upload.status == "assigned"


def test_a_store_that_is_away_is_waited_for(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    pipeline.run()

    def away(_name: str) -> None:
        raise OSError("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(default_storage._wrapped), "delete", lambda _self, name: away(name))  # type: ignore[attr-defined]
        let_time_pass(pipeline)
    item = WorkItem.objects.get()
    assert (item.state, Erasure.objects.open().count()) == ("queued", 1)
    assert item.max_retries > 10, "a try must not count"
    upload.refresh_from_db()
    assert upload.filename == "Astrid 1.txt"
    WorkItem.objects.update(due_at=timezone.now())
    pipeline.run()
    assert not Erasure.objects.open().exists()


@pytest.mark.parametrize("killed", ["take_note", "content.delete", "end_file"])
def test_whoever_comes_after_a_crash_finishes(
    pipeline: Pipeline, batch: Batch, monkeypatch: pytest.MonkeyPatch, killed: str, content_folder: Path
) -> None:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    pipeline.run()

    class Killed(BaseException):
        """Nothing catches it."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(f"huleedu.forgetting.erasing.{killed}", die)
        with pytest.raises(Killed):
            let_time_pass(pipeline)
    assert Erasure.objects.open().count() == 1
    pipeline.run()
    upload.refresh_from_db()
    assert upload.filename == "" and len(stored(content_folder)) == 2
    assert not Erasure.objects.open().exists()


def test_what_was_lost_from_the_queue_is_queued_again(pipeline: Pipeline, batch: Batch) -> None:
    removing.remove(batch.files.order_by("created_at")[0])
    Timer.objects.filter(kind="erase").delete()
    Erasure.objects.update(due_at=timezone.now() - timedelta(hours=1))
    tidied = maintenance.tidy()
    assert tidied and tidied.late_erasures == 1
    pipeline.run()
    assert not Erasure.objects.open().exists()


def test_one_that_was_given_up_is_set_going_again_by_support(
    pipeline: Pipeline, batch: Batch, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    with monkeypatch.context() as patched:
        patched.setattr("huleedu.forgetting.erasing.take_note", lambda _: 1 / 0)
        let_time_pass(pipeline)
        while WorkItem.objects.update(due_at=Now()):
            pipeline.run()
    letter = DeadLetter.objects.get()
    assert (letter.event_type, letter.file_upload_id) == ("erase", upload.pk)
    assert replay(letter, teacher).status == "replayed"
    pipeline.run()
    upload.refresh_from_db()
    assert upload.filename == "" and not Erasure.objects.open().exists()
    DeadLetter.objects.update(status="dead")
    with pytest.raises(Refused, match="OUTDATED"):
        replay(letter, teacher)


def test_an_erasure_whose_file_is_gone_ends(pipeline: Pipeline, batch: Batch) -> None:
    removing.remove(batch.files.order_by("created_at")[0])
    pipeline.run()
    batch.files.all().delete()
    let_time_pass(pipeline)
    assert not Erasure.objects.open().exists()


def test_a_failed_store_tells_so(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = removing.remove(batch.files.order_by("created_at")[0])
    monkeypatch.setattr("huleedu.forgetting.erasing.take_note", lambda _: None)

    def fail(_: object) -> None:
        raise StorageFailed

    monkeypatch.setattr("files.content.delete", fail)
    with pytest.raises(StorageFailed):
        erasing.carry_out(Erasure.objects.get(file_upload_id=upload.pk))
