"""A relay sleeps, wakes for what is committed, and ends when it must."""

import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from huleedu.events import waking
from huleedu.machine.stopping import Stop
from huleedu.models import (
    OutboxMessage,
    RelayPresence,
)
from huleedu.relay import loop as relay_module
from huleedu.relay.leadership import Leadership
from huleedu.relay.loop import Due, Relay
from tests.huleedu.emitting import start, start_elsewhere, subscribe


@pytest.fixture
def own_connection(transactional_db: None) -> Iterator[None]:
    """What a relay locks and hears ends with the test."""
    yield
    connection.close()


def asleep() -> bool:
    """Whether a relay asks to be woken."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE datname = current_database() AND mode = 'ExclusiveLock' AND classid = %s)",
            [waking.AWAKE_CLASS],
        )
        return bool(cursor.fetchone()[0])


def test_a_running_relay_is_seen_sleeps_and_wakes_for_an_event(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "SAFETY_SECONDS", 30.0)
    stop, seen = Stop(), threading.Event()
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


def asleep_at_each_look(monkeypatch: pytest.MonkeyPatch, busy_looks: int) -> list[bool]:
    """Whether the relay sleeps to others when it looks, from the look that finds work on."""
    relay, found = Relay("relay-test"), []

    def look() -> Due:
        found.append(asleep())
        return Due([0] if len(found) <= busy_looks else [], False, False, False, None)

    relay._work_and_wait()
    monkeypatch.setattr(relay_module, "look", look)
    monkeypatch.setattr(relay, "relay_once", lambda due: len(due.lanes))
    monkeypatch.setattr(waking, "wait", lambda *_: set())
    relay._work_and_wait()
    return found


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
        patch.setattr(relay_module, "look", lambda: Due([], False, False, False, None))
        start_elsewhere(batch_id, revision=1)
        relay._work_and_wait()
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("ending", ["stop", "lost"])
def test_a_relay_in_a_flood_ends_when_it_must(
    own_connection: None, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    relay, passes = Relay("relay-test"), []

    def flood(_due: Due) -> int:
        passes.append(1)
        if len(passes) == 3:
            if ending == "stop":
                relay._stop.set()
            else:
                monkeypatch.setattr(Leadership, "lost", True)
        assert len(passes) < 10, "another relay may lead by now"
        return 1

    monkeypatch.setattr(relay, "relay_once", flood)
    relay._work_and_wait()
    assert len(passes) == 3
