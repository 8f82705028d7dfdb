"""What a teacher has removed stays removed, whatever support presses and whatever is replayed."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from batches.models import Batch
from essays.models import StepRun
from files.actions import removing, rereading
from files.models import FileUpload
from huleedu.failures.errors import Refused
from huleedu.models import ConsumedEvent, DeadLetter, LoggedEvent, WorkItem
from huleedu.support.dead_letters import discard, replay
from tests.pipeline import Pipeline


@pytest.fixture
def removed(batch: Batch) -> FileUpload:
    """An essay that its teacher has taken out of an open batch."""
    Batch.objects.filter(pk=batch.pk).update(status=Batch.Status.PROCESSING)
    WorkItem.objects.all().delete()
    upload = batch.files.get(status="assigned")
    return removing.remove(upload)


def state_of(upload: FileUpload) -> tuple[Any, ...]:
    """What would tell that it is back."""
    upload.refresh_from_db()
    runs = StepRun.objects.filter(file_upload_id=upload.pk).count()
    waiting = WorkItem.objects.filter(file_upload_id=upload.pk).count()
    return upload.status, upload.slot_id, upload.revision, upload.rev, runs, waiting


@pytest.mark.parametrize("name", ["reprocess", "repeat_spellcheck"])
@pytest.mark.parametrize("way", ["button", "list"])
def test_support_cannot_bring_it_back(
    desk: Client, removed: FileUpload, pipeline: Pipeline, name: str, way: str
) -> None:
    before = state_of(removed)
    if way == "button":
        address, form = reverse("admin:files_fileupload_do", args=[removed.pk, name]), {}
    else:
        address = reverse("admin:files_fileupload_changelist")
        form = {"action": name, "_selected_action": [str(removed.pk)]}
    page = desk.post(address, form, follow=True).content.decode()
    pipeline.run()
    assert state_of(removed) == before
    assert "Done for" not in page
    assert ("Only the teacher can bring it back" in page) == (name == "reprocess")


def test_its_teacher_can(removed: FileUpload, teacher: User, pipeline: Pipeline) -> None:
    rereading.reread(removed, teacher)
    pipeline.run()
    removed.refresh_from_db()
    assert removed.status != FileUpload.Status.REMOVED


def test_no_event_of_it_brings_it_back(removed: FileUpload, support: User, pipeline: Pipeline) -> None:
    """Each as if it had failed before any of its effects."""
    pipeline.run()
    before = state_of(removed)
    DeadLetter.objects.all().delete()
    for event in LoggedEvent.objects.filter(file_upload_id=removed.pk).order_by("id"):
        ConsumedEvent.objects.filter(event_id=event.event_id).delete()
        replay(letter_of(event), support)
        pipeline.run()
        assert state_of(removed) == before, event.event_type


def letter_of(event: LoggedEvent) -> DeadLetter:
    return DeadLetter.objects.create(
        kind="event",
        event_type=event.event_type,
        event_id=event.event_id,
        batch_id=event.batch_id,
        file_upload_id=event.file_upload_id,
        correlation_id=event.correlation_id,
        envelope=event.envelope,
        consumer="relay",
        attempts=4,
        first_error="ValueError",
        last_error="ValueError",
        first_failed_at=event.occurred_at,
    )


@pytest.mark.parametrize("step", ["extract", "spellcheck"])
def test_no_failed_work_of_it_brings_it_back(removed: FileUpload, support: User, step: str) -> None:
    before = state_of(removed)
    run = StepRun.objects.get(file_upload_id=removed.pk)
    letter = letter_of(LoggedEvent.objects.filter(file_upload_id=removed.pk).earliest("id"))
    subject = removed.pk if step == "extract" else run.slot_id
    letter.kind, letter.event_type = DeadLetter.Kind.WORK, step
    letter.envelope = {"step": step, "subject_id": str(subject), "revision": removed.revision}
    letter.save()
    with pytest.raises(Refused, match="DEAD_LETTER_OUTDATED"):
        replay(letter, support)
    discard(letter, support)
    assert state_of(removed) == before
