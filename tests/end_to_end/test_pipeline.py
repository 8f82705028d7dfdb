"""The spine: from bytes to results through outbox, relay, reactions and steps."""

import contextlib
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from batches.actions import cancelling, places, registering
from batches.actions.registering import Registration
from batches.models import Batch
from essays.actions import repeating, starting
from files.actions import replacing, rereading
from files.actions.incoming import Incoming
from files.models import FileUpload
from huleedu.models import DeadLetter, Feed, LoggedEvent, OutboxMessage, Timer, WorkItem
from huleedu.relay.loop import relay_lane
from results.models import BatchResult, EssayResult
from results.queries import counts_of, results
from tests.pipeline import Pipeline

Essays = Callable[[int], bytes]


def check_identities(batch: Batch) -> None:
    batch.refresh_from_db()
    counts = counts_of(batch)
    assert batch.expected_essay_count == counts.free + counts.assigned
    assert counts.received == (
        counts.assigned + counts.failed + counts.excess + counts.duplicate + counts.in_progress
    )


def test_four_good_files_become_four_results(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.register(teacher, 4)
    for number in range(4):
        pipeline.upload(batch, make_essay(number))
        check_identities(batch)
    pipeline.run()

    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
    assert EssayResult.objects.filter(batch=batch, phases__spellcheck__status="succeeded").count() == 4
    assert sorted(batch.slots.values_list("number", flat=True)) == [1, 2, 3, 4]
    types = pipeline.event_types(batch)
    for once in ("BatchEssaysReady", "SpellcheckInitiate", "BatchPhaseConcluded", "BatchResultsReady"):
        assert types.count(once) == 1, types
    assert types.count("SpellcheckCompleted") == 4
    assert not OutboxMessage.objects.exists()
    assert not WorkItem.objects.exists()
    assert not DeadLetter.objects.exists()
    check_identities(batch)


def test_feed_is_gapless_and_in_order(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.register(teacher, 2)
    for number in range(2):
        pipeline.upload(batch, make_essay(number))
    pipeline.run()
    numbers = list(
        LoggedEvent.objects.filter(batch_id=batch.pk, seq__isnull=False)
        .order_by("id")
        .values_list("seq", flat=True)
    )
    assert numbers == list(range(1, len(numbers) + 1))
    assert Feed.objects.get(pk=batch.pk).seq == numbers[-1]


def test_an_empty_file_is_named_replaced_and_fills_its_slot(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 4)
    for number in range(3):
        pipeline.upload(batch, make_essay(number))
    empty = pipeline.upload(batch, b"", "tom uppsats.txt")
    pipeline.run()

    (failure,) = pipeline.events(batch, "EssayValidationFailed")
    assert failure["file_upload_id"] == str(empty.pk)
    assert failure["validation_error_code"] == "EMPTY_CONTENT"
    batch.refresh_from_db()
    assert batch.status == Batch.Status.AWAITING_CONTENT
    assert counts_of(batch).free == 1
    check_identities(batch)

    incoming = Incoming(file=ContentFile(make_essay(99)), filename="uppsats.txt")
    replacing.replace(empty, teacher, incoming)
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
    empty.refresh_from_db()
    assert empty.status == FileUpload.Status.ASSIGNED
    check_identities(batch)


def test_start_with_what_is_here_goes_on_with_three(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 4)
    for number in range(3):
        pipeline.upload(batch, make_essay(number))
    pipeline.upload(batch, b"   \n")
    pipeline.run()
    starting.start(batch.pk, teacher)
    pipeline.run()

    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED_WITH_FAILURES
    (ready,) = pipeline.events(batch, "BatchEssaysReady")
    assert len(ready["ready_essays"]) == 3  # type: ignore[arg-type]
    result = BatchResult.objects.get(batch=batch)
    assert (result.essays, result.succeeded, result.failed) == (3, 3, 0)


def test_nine_files_for_seven_places(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.register(teacher, 7, auto_start=False)
    for number in range(9):
        pipeline.upload(batch, make_essay(number))
    pipeline.run()
    counts = counts_of(batch)
    assert (counts.assigned, counts.excess) == (7, 2)
    assert len(pipeline.events(batch, "ExcessContentProvisioned")) == 2

    places.expect(batch.pk, teacher, 9)
    pipeline.run()
    batch.refresh_from_db()
    counts = counts_of(batch)
    assert (counts.assigned, counts.excess, counts.free) == (9, 0, 0)
    check_identities(batch)


def test_the_same_file_twice_takes_one_slot(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.register(teacher, 3)
    first = pipeline.upload(batch, make_essay(1))
    pipeline.upload(batch, make_essay(1), "copy.txt")
    pipeline.run()
    counts = counts_of(batch)
    assert (counts.assigned, counts.duplicate, counts.free) == (1, 1, 2)
    (duplicate,) = pipeline.events(batch, "DuplicateContentDetected")
    assert duplicate["duplicate_of"] == str(first.pk)


def test_everything_delivered_again_in_reverse_changes_nothing(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 3)
    for number in range(3):
        pipeline.upload(batch, make_essay(number))
    pipeline.upload(batch, b"")
    pipeline.run()
    before = pipeline.event_types(batch)
    batch.refresh_from_db()
    status, counts = batch.status, counts_of(batch)

    assert pipeline.deliver_again(batch.pk) == len(before)
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, counts_of(batch)) == (status, counts)
    assert pipeline.event_types(batch) == before
    assert not DeadLetter.objects.exists()


def test_a_file_that_comes_while_the_batch_concludes_is_not_forgotten(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    starting.start(batch.pk, teacher)
    while not OutboxMessage.objects.filter(event_type="BatchResultsReady").exists():
        relay_lane(batch.pk.int % 16)
        pipeline.work_once()
    pipeline.upload(batch, make_essay(2))
    pipeline.run()

    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
    assert EssayResult.objects.filter(batch=batch, phases__spellcheck__status="succeeded").count() == 2
    assert pipeline.event_types(batch).count("BatchResultsReady") == 2


def test_a_completed_batch_takes_a_late_essay_and_keeps_the_next_until_there_is_room(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    starting.start(batch.pk, teacher)
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED

    pipeline.upload(batch, make_essay(2))
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, counts_of(batch).assigned) == (Batch.Status.COMPLETED, 2)
    late = pipeline.upload(batch, make_essay(3))
    pipeline.run()
    late.refresh_from_db()
    batch.refresh_from_db()
    assert (late.status, batch.status) == (FileUpload.Status.EXCESS, Batch.Status.COMPLETED)
    places.expect(batch.pk, teacher, 3)
    pipeline.run()
    late.refresh_from_db()
    batch.refresh_from_db()
    assert (late.status, batch.status) == (FileUpload.Status.ASSIGNED, Batch.Status.COMPLETED)


def test_room_can_be_made_after_completion(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    batch = pipeline.register(teacher, 7)
    for number in range(9):
        pipeline.upload(batch, make_essay(number))
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED
    assert counts_of(batch).excess == 2

    places.expect(batch.pk, teacher, 9)
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, counts_of(batch).assigned) == (Batch.Status.COMPLETED, 9)
    assert EssayResult.objects.filter(batch=batch, phases__spellcheck__status="succeeded").count() == 9


@pytest.mark.parametrize(("threshold", "status"), [(0.7, "completed"), (0.8, "awaiting_content")])
def test_five_of_seven_at_the_deadline(
    pipeline: Pipeline, teacher: User, make_essay: Essays, threshold: float, status: str
) -> None:
    batch = pipeline.register(teacher, 7, partial_batch_threshold=threshold)
    for number in range(5):
        pipeline.upload(batch, make_essay(number))
    pipeline.run()
    Timer.objects.filter(batch_id=batch.pk).update(due_at=Now())
    pipeline.run()

    (timeout,) = pipeline.events(batch, "BatchReadinessTimeout")
    assert (timeout["missing_n"], timeout["actual_count"], timeout["expected_count"]) == (2, 5, 7)
    batch.refresh_from_db()
    assert batch.status == status
    assert batch.timed_out_at is not None


def test_every_event_of_a_file_carries_its_uploads_correlation_id(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 1)
    upload = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    events = LoggedEvent.objects.filter(file_upload_id=upload.pk)
    assert set(events.values_list("correlation_id", flat=True)) == {upload.correlation_id}
    assert set(events.values_list("event_type", flat=True)) >= {
        "BatchFileAdded",
        "EssayContentProvisioned",
        "EssaySlotAssigned",
        "EssaySpellcheckRequest",
        "SpellcheckCompleted",
    }


def test_a_rolled_back_change_leaves_no_event(teacher: User, transactional_db: None) -> None:
    with contextlib.suppress(RuntimeError), transaction.atomic():
        registering.register(teacher, Registration(expected_essay_count=2))
        raise RuntimeError
    assert not OutboxMessage.objects.exists()
    assert not Batch.objects.exists()


def test_room_made_while_the_batch_concludes_is_filled(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 1)
    for number in range(2):
        pipeline.upload(batch, make_essay(number))
    while not OutboxMessage.objects.filter(event_type="BatchResultsReady").exists():
        relay_lane(batch.pk.int % 16)
        pipeline.work_once()
    places.expect(batch.pk, teacher, 2)
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, counts_of(batch).assigned) == (Batch.Status.COMPLETED, 2)
    assert EssayResult.objects.filter(batch=batch, phases__spellcheck__status="succeeded").count() == 2


def test_a_batch_that_only_collects_completes_again_after_a_late_essay(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2, steps=[])
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    starting.start(batch.pk, teacher)
    pipeline.run()
    pipeline.upload(batch, make_essay(2))
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, counts_of(batch).assigned) == (Batch.Status.COMPLETED, 2)
    assert pipeline.event_types(batch).count("BatchResultsReady") == 2


def test_reading_again_after_repeats_of_a_step_really_reads(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    repeating.repeat_step(upload, teacher, "spellcheck")
    pipeline.run()
    for _ in range(4):
        rereading.reread(upload, teacher)
        pipeline.run()
        upload.refresh_from_db()
        assert upload.status == FileUpload.Status.ASSIGNED
    rereads = pipeline.events(batch, "FileReprocessRequested")
    assert [event["from_phase"] for event in rereads] == ["spellcheck", *["extract"] * 4]


def test_the_original_keeps_its_place_when_it_is_read_again(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 3)
    original = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    rereading.reread(original, teacher)
    pipeline.upload(batch, make_essay(1), "copy.txt")
    pipeline.run()
    original.refresh_from_db()
    assert original.status == FileUpload.Status.ASSIGNED
    assert counts_of(batch).duplicate == 1


def test_a_cancellation_with_any_reason_reaches_the_browser(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 1)
    cancelling.cancel(batch.pk, teacher, "replaced")
    pipeline.run()
    assert LoggedEvent.objects.get(event_type="BatchCancelled").seq == 1


def test_a_timer_that_fails_holds_up_nothing(pipeline: Pipeline, teacher: User, make_essay: Essays) -> None:
    broken = pipeline.register(teacher, 1)
    Batch.objects.filter(pk=broken.pk).update(configuration={"steps": ["gone"]})
    pipeline.upload(broken, make_essay(1))
    Timer.objects.create(kind="unknown", batch_id=broken.pk, due_at=Now())
    good = pipeline.register(teacher, 1)
    pipeline.upload(good, make_essay(2))
    pipeline.run()
    good.refresh_from_db()
    assert good.status == Batch.Status.COMPLETED
    assert Timer.objects.get(kind="unknown").due_at > timezone.now()


def test_results_leave_out_an_essay_that_is_being_replaced(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 2)
    upload = pipeline.upload(batch, make_essay(1))
    pipeline.run()
    incoming = Incoming(file=ContentFile(make_essay(2)), filename="new.txt")
    replacing.replace(upload, teacher, incoming)
    found = results(batch)
    assert (found.essays, len(found.files)) == ([], 1)


def test_a_bad_file_of_a_full_completed_batch_can_be_replaced_and_waits_for_a_place(
    pipeline: Pipeline, teacher: User, make_essay: Essays
) -> None:
    batch = pipeline.register(teacher, 1)
    bad = pipeline.upload(batch, b"")
    pipeline.upload(batch, make_essay(1))
    pipeline.run()
    batch.refresh_from_db()
    assert batch.status == Batch.Status.COMPLETED_WITH_FAILURES
    incoming = Incoming(file=ContentFile(make_essay(2)), filename="new.txt")
    replacing.replace(bad, teacher, incoming)
    pipeline.run()
    assert (counts_of(batch).excess, counts_of(batch).failed) == (1, 0)
    places.expect(batch.pk, teacher, 2)
    pipeline.run()
    batch.refresh_from_db()
    assert (batch.status, counts_of(batch).assigned) == (Batch.Status.COMPLETED, 2)
