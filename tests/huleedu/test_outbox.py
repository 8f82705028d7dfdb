"""The outbox: an event exists exactly when its change does."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pydantic import ValidationError

from batches.models import Batch
from huleedu import outbox
from huleedu.events import BatchCancelled, BatchStarted
from huleedu.models import LANES, OutboxMessage, RelayPresence
from huleedu.outbox import EmitOutsideTransaction, emit
from tests.pipeline import Pipeline


def event(revision: int = 0) -> BatchStarted:
    return BatchStarted(
        batch_id=uuid4(),
        correlation_id=uuid4(),
        revision=revision,
        who=1,
        status="ready",
        expected_essay_count=1,
    )


def test_emit_outside_a_transaction_raises(transactional_db: None) -> None:
    with pytest.raises(EmitOutsideTransaction):
        emit(event())
    assert not OutboxMessage.objects.exists()


def test_a_rollback_drops_the_event_with_its_change(pipeline: Pipeline, teacher: User) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        pipeline.register(teacher, 1)
        emit(event())
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
    assert not OutboxMessage.objects.exists()
    assert not Batch.objects.exists()


def test_the_row_is_the_whole_envelope(transactional_db: None) -> None:
    fact = event()
    with transaction.atomic():
        event_id = emit(fact)
    row = OutboxMessage.objects.get()
    assert row.event_id == event_id == fact.event_id
    assert row.lane == fact.batch_id.int % LANES
    assert set(row.envelope) == {
        *("event_id", "event_type", "topic", "version", "kind", "aggregate_type", "aggregate_id"),
        *("batch_id", "event_key", "correlation_id", "occurred_at", "data"),
    }
    assert row.envelope["data"] == fact.data()
    assert row.envelope["occurred_at"].endswith("+00:00")


def test_the_same_fact_waiting_is_one_row_and_a_repeat_is_another(transactional_db: None) -> None:
    fact = event()
    with transaction.atomic():
        assert emit(fact) == emit(fact)
    assert OutboxMessage.objects.count() == 1
    with transaction.atomic():
        emit(fact.model_copy(update={"revision": 1}))
    assert OutboxMessage.objects.count() == 2


def test_ids_tell_batch_subject_phase_revision_and_outcome_apart() -> None:
    fact = event()
    others = [
        fact.model_copy(update={"batch_id": uuid4()}),
        fact.model_copy(update={"revision": 1}),
        BatchCancelled(**fact.data()),
    ]
    assert len({fact.event_id, *(other.event_id for other in others)}) == 4
    assert fact.model_copy(update={"correlation_id": uuid4()}).event_id == fact.event_id
    assert len(fact.event_id) == 64


def test_unknown_fields_are_refused_on_write_and_ignored_on_read() -> None:
    data = {**event().data(), "from_the_future": 1}
    with pytest.raises(ValidationError):
        BatchStarted(**data)
    assert BatchStarted.read(data).who == 1


def test_only_an_armed_relay_is_woken_and_once_per_transaction(transactional_db: None) -> None:
    def wakes() -> int:
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            emit(event())
            emit(event())
        return sum("pg_notify" in query["sql"] for query in queries.captured_queries)

    assert wakes() == 1
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {outbox.OUTBOX_CHANNEL}")
    for armed, expected in ((False, 0), (True, 1)):
        RelayPresence.objects.update_or_create(name="r", defaults={"role": "relay", "armed": armed})
        wakes()
        assert len(list(connection.connection.notifies(timeout=0.2))) == expected
    with connection.cursor() as cursor:
        cursor.execute(f"UNLISTEN {outbox.OUTBOX_CHANNEL}")


def test_a_wake_that_fails_costs_the_caller_nothing(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "WAKE", "SELECT broken, %s")
    with transaction.atomic():
        emit(event())
    assert OutboxMessage.objects.count() == 1
