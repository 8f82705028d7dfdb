"""Remove means removed: from open, completed and cancelled batches, with minutes to take it back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.utils import timezone

from batches.actions import cancelling
from batches.models import Batch
from files.actions import removing, replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.erasure import Erasure
from huleedu.failures.errors import Refused
from huleedu.models import Timer
from results.models import BatchResult, EssayResult
from results.queries import counts_of
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


@pytest.fixture
def done(pipeline: Pipeline, teacher: User, make_essay: Essays) -> Batch:
    """A completed batch of three."""
    batch = pipeline.register(teacher, 3)
    for number in range(1, 4):
        pipeline.upload(batch, make_essay(number), f"{number}.txt")
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == "completed"
    return batch


def file_of(batch: Batch, number: int) -> FileUpload:
    return batch.files.get(slot__number=number)


def last_result(batch: Batch) -> BatchResult:
    return batch.results.order_by("run").last()  # type: ignore[return-value]


def test_an_essay_leaves_a_completed_batch_which_goes_on_and_ends_again(
    pipeline: Pipeline, done: Batch
) -> None:
    removing.remove(file_of(done, 2))
    done.refresh_from_db()
    assert done.status == "processing"
    pipeline.run()
    done.refresh_from_db()
    result = last_result(done)
    assert (done.status, done.run, result.run, result.essays) == ("completed", 2, 2, 2)
    assert (counts_of(done).free, counts_of(done).assigned) == (1, 2)
    assert EssayResult.objects.filter(batch=done).count() == 2


def test_the_last_essay_leaves_and_nothing_has_failed(pipeline: Pipeline, done: Batch) -> None:
    for upload in done.files.all():
        removing.remove(upload)
        pipeline.run()
    done.refresh_from_db()
    assert (done.status, last_result(done).essays) == ("completed", 0)


def test_a_file_that_waited_gets_the_place(pipeline: Pipeline, done: Batch, make_essay: Essays) -> None:
    late = FileUpload.objects.create(
        batch=done,
        correlation_id=done.correlation_id,
        filename="late.txt",
        size=3,
        content_hash="0" * 64,
        status="excess",
        error={},
        text_storage_id=file_of(done, 1).text_storage_id,
    )
    removing.remove(file_of(done, 2))
    pipeline.run()
    late.refresh_from_db()
    done.refresh_from_db()
    assert (late.status, late.slot and late.slot.number) == ("assigned", 2)
    assert (done.status, last_result(done).essays) == ("completed", 3)


def test_other_content_takes_an_essays_place_after_completion(
    pipeline: Pipeline, done: Batch, make_essay: Essays
) -> None:
    upload = file_of(done, 2)
    incoming = Incoming(file=ContentFile(make_essay(9)), filename="better.txt")
    replacing.replace(upload, done.owner, incoming)
    pipeline.run()
    done.refresh_from_db()
    upload.refresh_from_db()
    assert upload.slot is not None
    assert (upload.filename, upload.status, upload.slot.number) == ("better.txt", "assigned", 2)
    assert (done.status, last_result(done).run, last_result(done).essays) == ("completed", 2, 3)
    assert EssayResult.objects.get(slot=upload.slot).text_storage_id == upload.text_storage_id


def test_a_failed_file_that_leaves_makes_the_batch_whole(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 1)
    empty = pipeline.upload(batch, b"", "empty.txt")
    pipeline.run()
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == "completed_with_failures"
    removing.remove(empty)
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == "completed"


def test_from_a_cancelled_batch_a_file_can_leave(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    cancelling.cancel(batch.pk, teacher)
    removing.remove(upload)
    pipeline.run()
    batch.refresh_from_db()
    upload.refresh_from_db()
    assert (batch.status, upload.status) == ("cancelled", "removed")


def test_brought_back_it_has_its_old_place(pipeline: Pipeline, done: Batch) -> None:
    upload, other = file_of(done, 2), file_of(done, 1)
    removing.remove(upload)
    removing.remove(other)
    pipeline.run()
    assert Timer.objects.filter(kind="erase").count() == 2
    removing.restore(FileUpload.objects.get(pk=upload.pk), done.owner)
    pipeline.run()
    upload.refresh_from_db()
    done.refresh_from_db()
    assert upload.slot is not None
    assert (upload.status, upload.slot.number, done.status) == ("assigned", 2, "completed")
    assert last_result(done).essays == 2
    assert Erasure.objects.get().file_upload_id == other.pk
    assert Timer.objects.filter(kind="erase").count() == 1


def test_after_the_undo_time_nothing_brings_it_back(pipeline: Pipeline, done: Batch) -> None:
    upload = file_of(done, 2)
    removing.remove(upload)
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    upload.refresh_from_db()
    with pytest.raises(Refused, match="ERASED"):
        removing.restore(upload, done.owner)
    with pytest.raises(Refused, match="ERASED"):
        rereading.reread(upload, done.owner)


def test_support_brings_nothing_back(pipeline: Pipeline, done: Batch, colleague: User) -> None:
    upload = removing.remove(file_of(done, 2))
    with pytest.raises(Refused, match="REMOVED_BY_TEACHER"):
        rereading.reread(upload, colleague)


def test_what_was_not_removed_is_not_brought_back(done: Batch) -> None:
    with pytest.raises(Refused, match="NOT_REMOVED"):
        removing.restore(file_of(done, 1), done.owner)


def test_removing_twice_is_removing_once(pipeline: Pipeline, done: Batch) -> None:
    upload = file_of(done, 1)
    removing.remove(upload)
    removing.remove(upload)
    assert Erasure.objects.count() == 1
