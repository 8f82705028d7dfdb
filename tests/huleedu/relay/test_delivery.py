"""The relay: once, in order, whoever relays; poison is set aside and nothing waits for it."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from essays.models import StepRun
from huleedu.events import waking
from huleedu.events.feed import open_feed
from huleedu.events.vocabulary import Event
from huleedu.models import (
    LANES,
    ConsumedEvent,
    DeadLetter,
    Feed,
    LoggedEvent,
    OutboxMessage,
    RelayPresence,
)
from huleedu.relay import delivery
from huleedu.relay import loop as relay_module
from huleedu.relay.delivery import MAX_ATTEMPTS, uuid_in
from huleedu.relay.loop import Due, Relay, look
from tests.huleedu.emitting import start, start_elsewhere, subscribe
from tests.log_capture import captured_logs, lines_of
from tests.pipeline import Pipeline


def make_due() -> None:
    OutboxMessage.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_poison_event_is_retried_later_then_buried_while_others_flow(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = uuid4(), uuid4()
    seen: list[UUID] = []

    def react(event: Event) -> None:
        ConsumedEvent.objects.create(consumer="effect", event_id=f"{event.batch_id}{len(seen)}")
        seen.append(event.batch_id)
        if event.batch_id == poison:
            raise ValueError("what a pupil wrote")

    subscribe(monkeypatch, react)
    event_id = start(poison)
    start(good)
    with captured_logs() as text:
        Relay().drain()
        waits = []
        for attempt in range(1, MAX_ATTEMPTS):
            row = OutboxMessage.objects.get()
            assert (row.event_id, row.attempts) == (event_id, attempt)
            assert "ValueError in " in row.last_error and "pupil" not in row.last_error
            waits.append(row.due_at - timezone.now())
            assert Relay().drain() == 0, "it waits for its time"
            make_due()
            Relay().drain()
    assert timedelta(0) < waits[0] < waits[2] * 2
    assert LoggedEvent.objects.get().batch_id == good
    assert ConsumedEvent.objects.filter(consumer="effect").count() == 1, "a failed reaction leaves no effect"
    letter = DeadLetter.objects.get()
    assert (letter.event_id, letter.batch_id, letter.attempts) == (event_id, poison, MAX_ATTEMPTS)
    assert letter.first_failed_at < letter.died_at
    (dead,) = lines_of(text, "event.dead")
    assert dead["batch_id"] == str(poison) and dead["corr_id"] == str(letter.correlation_id)
    assert "pupil" not in text.getvalue()


def test_one_failing_consumer_undoes_all_of_the_event(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def first(_event: Event) -> None:
        calls.append("first")

    def second(_event: Event) -> None:
        calls.append("second")
        if calls.count("second") <= 2:
            raise RuntimeError

    subscribe(monkeypatch, first, second)
    start(uuid4())
    Relay().drain()
    assert not ConsumedEvent.objects.exists()
    make_due()
    Relay().drain()
    assert calls == ["first", "second"] * 3, "together, then apart, and later once more"
    assert ConsumedEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("event_type", "envelope"),
    [
        ("FromTheFuture", None),
        ("BatchStarted", {}),
        ("BatchStarted", []),
        ("BatchStarted", "text"),
        ("BatchStarted", {"data": {"file_upload_id": "not an id"}, "correlation_id": 7}),
        (
            "BatchStarted",
            {
                "data": None,
                "topic": "t",
                "event_type": "BatchStarted",
                "correlation_id": "x",
                "occurred_at": "",
            },
        ),
    ],
)
def test_rows_nobody_can_read_are_buried_and_do_not_stop_their_lane(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, event_type: str, envelope: Any
) -> None:
    subscribe(monkeypatch)
    batch_id = uuid4()
    bad = start(batch_id)
    good = start(batch_id, revision=1)
    row = OutboxMessage.objects.get(event_id=bad)
    row.event_type = event_type
    row.envelope = row.envelope if envelope is None else envelope
    row.save()
    for _ in range(MAX_ATTEMPTS):
        make_due()
        Relay().drain()
    assert LoggedEvent.objects.get().event_id == good
    assert DeadLetter.objects.get().event_id == bad
    assert not OutboxMessage.objects.exists()


def test_two_relays_at_once_relay_each_row_once_and_in_order(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[UUID, int]] = []
    subscribe(monkeypatch, lambda event: seen.append((event.batch_id, event.revision)))
    monkeypatch.setattr(delivery, "CLAIM_LIMIT", 3)
    batches = [uuid4() for _ in range(6)]
    for batch_id in batches:
        open_feed(batch_id, 1)
    for revision in range(12):
        for batch_id in batches:
            start(batch_id, revision)
    gate = threading.Barrier(3)

    def work() -> None:
        gate.wait()
        relay = Relay()
        while OutboxMessage.objects.exists():
            relay.relay_once(look())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == len(set(seen)) == 72
    for batch_id in batches:
        assert [revision for each, revision in seen if each == batch_id] == list(range(12))
        rows = LoggedEvent.objects.filter(batch_id=batch_id).order_by("id")
        assert [row.seq for row in rows] == list(range(1, 13))
        assert [row.envelope["data"]["revision"] for row in rows] == list(range(12))
        assert Feed.objects.get(pk=batch_id).seq == 12


def test_an_event_is_not_overtaken_by_one_of_an_older_transaction(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What commits between the beginning of a claim's transaction and the claim itself."""
    seen: list[int] = []
    subscribe(monkeypatch, lambda happened: seen.append(happened.revision))
    batch_id = uuid4()
    begun, allowed = threading.Event(), threading.Event()

    def emit_late() -> None:
        with transaction.atomic():
            OutboxMessage.objects.exists()
            begun.set()
            assert allowed.wait(10)
            start(batch_id, revision=1)
        connection.close()

    older = threading.Thread(target=emit_late)
    older.start()
    assert begun.wait(10)
    lane_of = relay_module.lock_lane

    def lock_lane(lane: int) -> bool:
        locked = lane_of(lane)
        start_elsewhere(batch_id, revision=0)
        allowed.set()
        older.join(10)
        return locked

    with monkeypatch.context() as patch:
        patch.setattr(relay_module, "lock_lane", lock_lane)
        relay_module.relay_lane(batch_id.int % LANES)
    Relay().drain()
    assert seen == [0, 1]


def test_a_new_event_waits_for_no_clock(transactional_db: None) -> None:
    """The database's clock may have been put back since it was emitted."""
    start(uuid4())
    OutboxMessage.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert Relay().drain() == 1


def test_a_crash_before_the_commit_leaves_everything_to_the_next_relay(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(monkeypatch, lambda _event: None)
    start(uuid4())
    with monkeypatch.context() as patch:

        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(delivery, "move_to_log", crash)
        with pytest.raises(KeyboardInterrupt):
            Relay().drain()
    assert OutboxMessage.objects.count() == 1
    assert not LoggedEvent.objects.exists() and not ConsumedEvent.objects.exists()
    assert Relay().drain() == 1


def test_a_relay_whose_connection_was_ended_starts_over(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection that Django makes instead would neither listen nor be known to sleep."""

    calls: list[UUID] = []

    def end_once(event: Event) -> None:
        calls.append(event.batch_id)
        if len(calls) == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    subscribe(monkeypatch, end_once)
    start(uuid4())
    with pytest.raises(OperationalError):
        Relay().drain()
    assert OutboxMessage.objects.get().attempts == 0
    connection.close()


def test_what_fails_at_the_commit_is_set_aside_and_the_rest_goes_on(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = UUID(int=LANES), UUID(int=2 * LANES)

    def refer_to_nothing(event: Event) -> None:
        if event.batch_id == bad:
            StepRun.objects.create(
                slot_id=uuid4(),
                phase="spellcheck",
                revision=1,
                file_upload_id=uuid4(),
                correlation_id=uuid4(),
                text_storage_id=uuid4(),
            )

    subscribe(monkeypatch, refer_to_nothing)
    start(bad)
    start(good)
    Relay().drain()
    assert LoggedEvent.objects.get().batch_id == good
    assert OutboxMessage.objects.get().attempts == 1


def test_what_failed_before_is_not_tried_together_with_others_again(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[UUID] = []

    def poison(event: Event) -> None:
        calls.append(event.batch_id)
        raise ValueError

    subscribe(monkeypatch, poison)
    start(uuid4())
    Relay().drain()
    assert len(calls) == 2, "with the others of its lane, and alone"
    make_due()
    Relay().drain()
    assert len(calls) == 3


def test_where_nothing_is_due_nothing_is_about_to_be_committed(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    monkeypatch.setattr(relay_module, "failpoint", reached.append)
    relay_module.relay_lanes(range(LANES))
    assert reached == []


def test_lanes_beside_each_other_lose_and_double_nothing(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, UUID]] = []
    subscribe(monkeypatch, lambda happened: seen.append((threading.get_ident(), happened.correlation_id)))
    relay = Relay("relay-test", beside=True)
    started = [start(uuid4()) for _ in range(60)]
    try:
        assert relay.drain() == len(started)
    finally:
        relay._close()
    assert len({thread for thread, _ in seen}) == 2
    assert len({event_id for _, event_id in seen}) == len(seen) == len(started)
    assert LoggedEvent.objects.count() == len(started)


def test_a_failure_beside_is_the_relays_own(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribe(monkeypatch)
    relay = Relay("relay-test", beside=True)
    for _ in range(60):
        start(uuid4())
    main = threading.get_ident()

    def broken(lanes: Sequence[int]) -> int:
        if threading.get_ident() != main:
            raise OperationalError
        return relay_lanes(lanes)

    relay_lanes = relay_module.relay_lanes
    try:
        with monkeypatch.context() as patch:
            patch.setattr(relay_module, "relay_lanes", broken)
            with pytest.raises(OperationalError):
                relay.drain()
        relay.drain()
    finally:
        relay._close()
    assert not OutboxMessage.objects.exists()


def test_a_busy_relay_still_gives_its_sign_of_life(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay("relay-test")
    left = [3]

    def endless(_due: Due) -> int:
        left[0] -= 1
        if left[0] == 1:
            assert RelayPresence.objects.filter(name="relay-test").exists()
        return max(left[0], 0)

    monkeypatch.setattr(relay, "relay_once", endless)
    monkeypatch.setattr(waking, "wait", lambda *_: set())
    relay._work_and_wait()
    assert left[0] < 1


def test_what_a_poison_envelope_calls_an_id() -> None:
    known = uuid4()
    assert uuid_in({"id": str(known)}, "id") == known
    unreadable: list[object] = [{"id": "x"}, {"id": 7}, {"id": None}, {}, [], None, "id"]
    for values in unreadable:
        assert uuid_in(values, "id") is None


def test_the_pipeline_leaves_nothing_behind(pipeline: Pipeline, teacher: User) -> None:
    pipeline.register(teacher, 1)
    pipeline.run()
    assert not OutboxMessage.objects.exists()
