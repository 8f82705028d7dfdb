"""The outbox: an event exists exactly when its change does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pydantic import ValidationError

from batches.models import Batch
from huleedu.events import waking
from huleedu.events.outbox import EmitOutsideTransaction, emit
from huleedu.events.vocabulary import BatchCancelled, BatchStarted
from huleedu.models import LANES, OutboxMessage
from huleedu.work.timers import set_timer
from tests.pipeline import Pipeline


def event(revision: int = 0, batch_id: UUID | None = None) -> BatchStarted:
    return BatchStarted(
        batch_id=batch_id or uuid4(),
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


@contextmanager
def listener() -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    """Another session, as a relay has one."""
    url, name = settings.DATABASE_URL, connection.settings_dict["NAME"]
    with psycopg.connect(url, dbname=name, autocommit=True) as session:
        session.execute(f"LISTEN {waking.CHANNEL}".encode())
        yield session


def told(session: "psycopg.Connection[tuple[Any, ...]]") -> list[str]:
    return [notify.payload for notify in session.notifies(timeout=0.2)]


def fall_asleep(session: "psycopg.Connection[tuple[Any, ...]]") -> bool:
    row = session.execute("SELECT pg_try_advisory_lock(%s, 0)", [waking.AWAKE_CLASS]).fetchone()
    assert row is not None
    return bool(row[0])


def test_only_a_sleeping_relay_is_woken_and_once_for_each_lane(transactional_db: None) -> None:
    happened = event()
    with listener() as relay:
        with transaction.atomic():
            emit(happened)
        assert told(relay) == [], "it is awake"
        assert fall_asleep(relay)
        with transaction.atomic():
            emit(event(1, happened.batch_id))
            emit(event(2, happened.batch_id))
            assert told(relay) == [], "not before the commit"
        assert told(relay) == [str(happened.batch_id.int % LANES)]


def test_a_relay_cannot_fall_asleep_before_those_who_saw_it_awake_have_committed(
    transactional_db: None,
) -> None:
    with listener() as relay:
        with transaction.atomic():
            emit(event())
            assert not fall_asleep(relay)
        assert fall_asleep(relay), "it sees their rows when it looks now"


def test_a_relay_that_falls_asleep_after_a_rollback_is_not_woken_for_nothing(transactional_db: None) -> None:
    with listener() as relay:
        assert fall_asleep(relay)
        with pytest.raises(RuntimeError), transaction.atomic():
            emit(event())
            raise RuntimeError
        assert told(relay) == []


def test_a_timer_wakes_the_relay_too(transactional_db: None) -> None:
    with listener() as relay:
        assert fall_asleep(relay)
        with transaction.atomic():
            set_timer("test", uuid4(), timezone.now())
        assert told(relay) == [""]
