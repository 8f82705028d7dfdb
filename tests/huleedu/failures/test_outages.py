"""Outages last as long as they last: nothing is given up for them, and nothing else waits."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from batches.models import Batch
from files import content
from files.models import FileUpload
from files.tasks import EXTRACTION
from huleedu.events.vocabulary import Event
from huleedu.failures.errors import ContentDamaged, StorageFailed, Unfit
from huleedu.failures.outages import LONGEST, REMEDIES, is_outage, patience
from huleedu.fit.fitting import fit
from huleedu.models import DeadLetter, OutboxMessage, Timer, WorkItem
from huleedu.relay.delivery import MAX_ATTEMPTS
from huleedu.relay.loop import Relay
from huleedu.work import queue as work
from huleedu.work.timers import fire_due, set_timer
from tests.conftest import essay_bytes
from tests.huleedu.emitting import start, subscribe
from tests.log_capture import captured_logs, lines_of
from tests.pipeline import Pipeline


def fail_with(state: str) -> None:
    """Let the database raise an error of its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")


def make_due() -> None:
    past = timezone.now() - timedelta(seconds=1)
    OutboxMessage.objects.update(due_at=past)
    WorkItem.objects.update(due_at=past)


OUTAGES = ("42501", "25006", "53100", "55P03", "40P01", "57014")
NO_OUTAGES = ("23505", "22P02", "42P01")


@pytest.mark.parametrize(
    ("state", "expected"), [*((each, True) for each in OUTAGES), *((each, False) for each in NO_OUTAGES)]
)
def test_what_an_outage_is(transactional_db: None, state: str, expected: bool) -> None:
    with pytest.raises(DatabaseError) as caught:
        fail_with(state)
    assert is_outage(caught.value) is expected


@pytest.mark.parametrize(
    ("state", "line"),
    [("42501", "database.refuses"), ("42P01", "database.refuses"), ("57P01", "database.away")],
)
def test_a_database_that_refuses_is_not_called_away(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, state: str, line: str
) -> None:
    """A relay that may not read a table says that, and what to do."""
    relay = Relay()
    monkeypatch.setattr(relay, "_take_over", lambda: fail_with(state))
    monkeypatch.setattr(relay, "_start_over", lambda: None)
    with captured_logs() as text:
        relay._go_on()
    (told,) = lines_of(text)
    assert (told["event"], told["part"]) == (line, "relay")
    assert told.get("remedy") == REMEDIES.get(state)


@pytest.mark.parametrize("state", sorted(REMEDIES))
def test_a_process_that_the_database_refuses_does_not_start(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr("huleedu.fit.fitting.check_schema", lambda: fail_with(state))
    with pytest.raises(Unfit, match=re.escape(REMEDIES[state])):
        fit()


def test_a_store_that_is_away_is_an_outage_and_damaged_content_is_none() -> None:
    assert is_outage(StorageFailed())
    assert not is_outage(ContentDamaged(uuid4(), "raw", "missing"))
    assert not is_outage(ValueError())


def test_patience_grows_with_the_outage_and_has_a_limit() -> None:
    now, second = timezone.now(), timedelta(seconds=1)
    assert patience(second, None) == second
    assert patience(second, now) == second
    assert 9 * second < patience(second, now - 40 * second) < 11 * second
    assert patience(second, now - timedelta(days=1)) == LONGEST


def test_no_event_dies_of_an_outage(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    away, seen = [True], []

    def react(_event: Event) -> None:
        if away[0]:
            fail_with("42501")
        seen.append(1)

    subscribe(monkeypatch, react)
    start(uuid4())
    for _ in range(3 * MAX_ATTEMPTS):
        Relay().drain()
        make_due()
    assert not DeadLetter.objects.exists()
    away[0] = False
    assert Relay().drain() == 1
    assert seen == [1]


def test_no_file_fails_for_a_store_that_is_away(
    pipeline: Pipeline, teacher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(kind: str, content_id: UUID) -> bytes:
        raise StorageFailed from PermissionError()

    batch = pipeline.register(teacher, 1)
    upload = pipeline.upload(batch, essay_bytes(1))
    pipeline.relay.drain()
    with monkeypatch.context() as patch:
        patch.setattr(content, "read", away)
        for _ in range(12):
            assert work.run_next(EXTRACTION)
            make_due()
    upload.refresh_from_db()
    assert upload.status == FileUpload.Status.PROCESSING
    assert WorkItem.objects.get().attempts == 12
    pipeline.run()
    upload.refresh_from_db()
    assert upload.status == FileUpload.Status.ASSIGNED
    assert not DeadLetter.objects.exists()


def test_other_failures_still_count_after_an_outage(transactional_db: None, teacher: User) -> None:
    subject = uuid4()
    with transaction.atomic():
        work.enqueue(
            work.WorkOrder(
                step="extract",
                subject_id=subject,
                revision=0,
                batch_id=uuid4(),
                owner_id=teacher.pk,
                file_upload_id=subject,
                correlation_id=uuid4(),
                priority="NORMAL",
                max_retries=1,
                timeout_seconds=60,
            )
        )

    def run(step: type[Exception]) -> None:
        def fail(_item: WorkItem) -> None:
            raise step

        with work.claimed("extract") as item:
            assert item is not None
            work.run(item, replace(EXTRACTION, run=fail, give_up=lambda _item: None))
        make_due()

    for failure in (StorageFailed, StorageFailed, ValueError):
        run(failure)
        assert WorkItem.objects.exists()
    run(ValueError)
    assert not WorkItem.objects.exists()
    assert DeadLetter.objects.get().first_error.startswith("StorageFailed")


@contextmanager
def locked(batch: Batch) -> Iterator[None]:
    """Somebody else holds the batch's row."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Batch.objects.locked(batch.pk)
            held.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join(10)


def test_a_batch_that_somebody_holds_delays_no_other(pipeline: Pipeline, teacher: User) -> None:
    held, others = pipeline.register(teacher, 1), [pipeline.register(teacher, 1) for _ in range(20)]
    for number, batch in enumerate([held, *others]):
        pipeline.upload(batch, essay_bytes(number))
    with locked(held):
        began = time.monotonic()
        pipeline.run()
        assert time.monotonic() - began < 20
        assert {Batch.objects.get(pk=batch.pk).status for batch in others} == {"completed"}
        assert Batch.objects.get(pk=held.pk).status == "awaiting_content"
    make_due()
    pipeline.run()
    assert Batch.objects.get(pk=held.pk).status == "completed"
    assert not DeadLetter.objects.exists()


def test_a_timer_of_a_batch_that_somebody_holds_comes_again_soon(pipeline: Pipeline, teacher: User) -> None:
    batch = pipeline.register(teacher, 1)
    with transaction.atomic():
        set_timer("test", batch.pk, timezone.now())

    def handler(batch_id: UUID) -> None:
        Batch.objects.locked(batch_id)

    with locked(batch):
        fire_due({"test": handler})
    assert Timer.objects.get(kind="test").due_at < timezone.now() + timedelta(seconds=3)
