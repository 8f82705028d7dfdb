"""The relay: once, in order, whoever relays; poison is set aside and nothing waits for it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from huleedu import delivery, waking
from huleedu import relay as relay_module
from huleedu.delivery import MAX_ATTEMPTS, uuid_in
from huleedu.events import BatchStarted, Event
from huleedu.feed import open_feed
from huleedu.models import ConsumedEvent, DeadLetter, Feed, LoggedEvent, OutboxMessage, RelayPresence
from huleedu.outbox import emit
from huleedu.relay import Due, Relay, look
from tests.log_capture import captured_logs, lines_of
from tests.pipeline import Pipeline

Reaction = Callable[[Event], None]


def start(batch_id: UUID, revision: int = 0) -> str:
    """Emit one event of a batch."""
    with transaction.atomic():
        return emit(
            BatchStarted(
                batch_id=batch_id,
                correlation_id=uuid4(),
                revision=revision,
                who=1,
                status="ready",
                expected_essay_count=1,
            )
        )


def subscribe(monkeypatch: pytest.MonkeyPatch, *reactions: Reaction) -> None:
    monkeypatch.setattr(delivery, "SUBSCRIPTIONS", {"BatchStarted": reactions})


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
        if calls.count("second") == 1:
            raise RuntimeError

    subscribe(monkeypatch, first, second)
    start(uuid4())
    Relay().drain()
    assert not ConsumedEvent.objects.exists()
    make_due()
    Relay().drain()
    assert calls == ["first", "second"] * 2
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


def test_a_crash_before_the_commit_leaves_everything_to_the_next_relay(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(monkeypatch, lambda _event: None)
    start(uuid4())
    with monkeypatch.context() as patch:

        def crash(_rows: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(delivery, "log_all", crash)
        with pytest.raises(KeyboardInterrupt):
            Relay().drain()
    assert OutboxMessage.objects.count() == 1
    assert not LoggedEvent.objects.exists() and not ConsumedEvent.objects.exists()
    assert Relay().drain() == 1


def test_a_running_relay_is_seen_sleeps_and_wakes_for_an_event(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SAFETY_SECONDS", 30.0)
    stop, seen = threading.Event(), threading.Event()
    subscribe(monkeypatch, lambda _event: seen.set())

    def work() -> None:
        Relay("relay-test").run(stop)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(200):
            if asleep():
                break
            stop.wait(0.05)
        start(uuid4())
        assert seen.wait(5), "a committed event wakes the relay long before its safety interval"
    finally:
        stop.set()
        for _ in range(40):
            start(uuid4())
            thread.join(0.5)
            if not thread.is_alive():
                break
    assert not thread.is_alive()
    assert not RelayPresence.objects.filter(name="relay-test").exists()


def asleep() -> bool:
    """Whether a relay asks to be woken."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE datname = current_database() AND mode = 'ExclusiveLock' AND classid = %s)",
            [waking.AWAKE_CLASS],
        )
        return bool(cursor.fetchone()[0])


def asleep_at_each_look(monkeypatch: pytest.MonkeyPatch, busy_looks: int) -> list[bool]:
    """Whether the relay sleeps to others when it looks, from the look that finds work on."""
    relay, found = Relay("relay-test"), []

    def look() -> Due:
        found.append(asleep())
        return Due([0] if len(found) <= busy_looks else [], False, False, None)

    relay._work_and_wait()
    monkeypatch.setattr(relay_module, "look", look)
    monkeypatch.setattr(relay, "relay_once", lambda due: len(due.lanes))
    monkeypatch.setattr(waking, "wait", lambda *_: set())
    relay._work_and_wait()
    return found


@pytest.fixture
def own_connection(transactional_db: None) -> Iterator[None]:
    """What a relay locks and hears ends with the test."""
    yield
    connection.close()


def test_a_relay_woken_for_one_event_stays_asleep_to_others(
    own_connection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asleep_at_each_look(monkeypatch, busy_looks=1) == [True, True]
    assert asleep()


def test_a_busy_relay_asks_nobody_to_wake_it(own_connection: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asleep_at_each_look(monkeypatch, busy_looks=3) == [True, True, False, False]
    assert asleep(), "it asks again before it sleeps"


def test_a_relay_kept_awake_naps_and_asks_again(own_connection: None) -> None:
    relay, url = Relay("relay-test"), settings.DATABASE_URL
    with psycopg.connect(url, dbname=connection.settings_dict["NAME"]) as emitter:
        emitter.execute("SELECT pg_try_advisory_xact_lock_shared(%s, 0)", [waking.AWAKE_CLASS])
        began = time.monotonic()
        for _ in range(20):
            relay._work_and_wait()
        assert not asleep()
        assert 0.1 < time.monotonic() - began < 3, "it neither spins nor sleeps long"
        emitter.commit()
    relay._work_and_wait()
    assert asleep()


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


def test_a_wake_that_comes_during_a_statement_is_not_lost(own_connection: None) -> None:
    relay = Relay("relay-test")
    relay._work_and_wait()
    with psycopg.connect(settings.DATABASE_URL, dbname=connection.settings_dict["NAME"]) as other:
        for payload in ("", "3"):
            other.execute("SELECT pg_notify(%s, %s)", [waking.CHANNEL, payload])
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    began = time.monotonic()
    assert waking.wait(5) == {3}
    assert time.monotonic() - began < 1


def start_elsewhere(batch_id: UUID, revision: int = 0) -> None:
    """Emit one event of a batch in another session: a relay does not wake itself."""

    def emit_there() -> None:
        start(batch_id, revision)
        connection.close()

    thread = threading.Thread(target=emit_there)
    thread.start()
    thread.join()


def test_a_woken_relay_begins_with_the_lane_it_was_told(
    own_connection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(monkeypatch, lambda _event: None)
    relay = Relay("relay-test")
    relay._work_and_wait()
    batch_id = uuid4()
    start_elsewhere(batch_id)
    relay._work_and_wait()
    with monkeypatch.context() as patch:
        patch.setattr(relay_module, "look", lambda: Due([], False, False, None))
        start_elsewhere(batch_id, revision=1)
        relay._work_and_wait()
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
