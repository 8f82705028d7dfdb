"""One relay leads, the others wait: no statement, no snapshot, no time limit, and not a moment too long."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection

from huleedu.machine.stopping import Stop
from huleedu.models import LoggedEvent, RelayPresence
from huleedu.relay import leadership
from huleedu.relay.leadership import Leadership, open_session
from huleedu.relay.loop import Relay
from tests.installation import wait_until
from tests.pipeline import Pipeline

WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'huleedu_leadership'::regclass AND NOT granted"
SESSIONS = """
SELECT pid, backend_xmin, state FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE relation = 'huleedu_leadership'::regclass ORDER BY granted DESC
"""


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def waiting() -> bool:
    return rows(WAITING) == [(1,)]


@dataclass
class Running:
    """A relay in a thread of its own."""

    relay: Relay
    stop: Stop = field(default_factory=Stop)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        try:
            self.relay.run(self.stop)
        finally:
            connection.close()

    def end(self) -> float:
        """Stop it; returns how long that took, in seconds."""
        began = time.monotonic()
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()
        return time.monotonic() - began

    @property
    def leads(self) -> bool:
        return RelayPresence.objects.filter(name=self.relay.name, role="relay").exists()

    @property
    def stands_by(self) -> bool:
        return RelayPresence.objects.filter(name=self.relay.name, role="standby").exists()


@contextmanager
def two_relays() -> Iterator[tuple[Running, Running]]:
    first = Running(Relay("first"))
    second = None
    try:
        wait_until(lambda: first.leads, 10, "the first leads")
        second = Running(Relay("second"))
        wait_until(lambda: second.stands_by and waiting(), 10, "the second stands by")
        yield first, second
    finally:
        for each in (second, first):
            if each is not None:
                each.end()


def end_session(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_one_leads_and_its_end_is_the_next_ones_beginning(transactional_db: None) -> None:
    first, second = Leadership(), Leadership()
    assert first.obtain(Stop(), lambda: None)
    assert [each.held for each in (first, second)] == [True, False]
    began: list[float] = []

    def give_up() -> None:
        began.append(time.monotonic())
        first.give_up()

    assert second.obtain(Stop(), give_up)
    assert time.monotonic() - began[0] < 0.4
    assert [each.held for each in (first, second)] == [False, True]
    second.give_up()


def test_waiting_keeps_no_dead_row_alive_and_knows_no_limit(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = "-c statement_timeout=300 -c lock_timeout=300 -c idle_in_transaction_session_timeout=300"
    monkeypatch.setitem(leadership.KEEPALIVES, "options", limits)
    with two_relays() as (first, second):
        time.sleep(1)
        assert [row[1:] for row in rows(SESSIONS)] == [(None, "idle in transaction"), (None, "active")]
        assert first.leads and second.stands_by


def test_waiting_costs_no_statement(transactional_db: None) -> None:
    with two_relays():
        pid = rows(SESSIONS)[1][0]
        started = f"SELECT query_start FROM pg_stat_activity WHERE pid = {pid}"  # noqa: S608
        before = rows(started)
        time.sleep(2 * leadership.LOOK_SECONDS)
        assert rows(started) == before


def test_the_standby_shows_as_standby_and_does_not_listen(transactional_db: None) -> None:
    with two_relays() as (first, second):
        assert first.leads and second.stands_by
        assert len(rows("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")) <= 1


def test_both_stop_within_seconds(transactional_db: None) -> None:
    with two_relays() as (first, second):
        assert second.end() < 2
        assert first.end() < 3
    assert not RelayPresence.objects.exists()


def test_a_relay_that_stops_hands_over(pipeline: Pipeline, teacher: User) -> None:
    with two_relays() as (first, second):
        first.end()
        wait_until(lambda: second.leads, 5, "the second leads")
        known = LoggedEvent.objects.count()
        pipeline.register(teacher, 1)
        wait_until(lambda: LoggedEvent.objects.count() > known, 5, "the second relays")


def test_a_lost_session_is_lost_leadership_and_roles_swap(transactional_db: None) -> None:
    with two_relays() as (first, second):
        end_session(rows(SESSIONS)[0][0])
        wait_until(lambda: second.leads, 5, "the second leads")
        wait_until(lambda: first.stands_by and waiting(), 5, "the first has noticed and stands by")


def test_a_standby_whose_session_ends_waits_again(transactional_db: None) -> None:
    with two_relays() as (first, second):
        pid = rows(SESSIONS)[1][0]
        end_session(pid)
        others: tuple[list[int], ...] = ([], [pid])
        wait_until(lambda: [row[0] for row in rows(SESSIONS)[1:]] not in others, 5, "it waits again")
        assert first.leads and second.stands_by


def test_rows_of_relays_that_are_gone_are_cleared_away(transactional_db: None) -> None:
    RelayPresence.objects.create(name="gone", role="relay")
    running = Running(Relay("here"))
    try:
        wait_until(lambda: running.leads, 5, "it leads")
        assert not RelayPresence.objects.filter(name="gone").exists()
    finally:
        running.end()


def test_after_a_takeover_a_lane_still_held_is_tried_again_soon(
    transactional_db: None, pipeline: Pipeline, teacher: User
) -> None:
    batch = pipeline.register(teacher, 1)
    with open_session() as dying:
        dying.execute("BEGIN")
        lane = batch.pk.int % 16
        dying.execute("SELECT pg_advisory_xact_lock(%s, %s)", [0x4C414E45, lane])
        running = Running(Relay("here"))
        try:
            wait_until(lambda: running.leads, 5, "it leads")
            assert not LoggedEvent.objects.exists()
            dying.execute("ROLLBACK")
            assert wait_until(lambda: LoggedEvent.objects.exists(), 5, "it relays") < 0.5
        finally:
            running.end()


def test_a_wait_that_fails_leaves_no_session(transactional_db: None) -> None:
    class Away(Exception):
        """What a caller may raise."""

    def fail() -> None:
        raise Away

    leader = Leadership()
    assert leader.obtain(Stop(), lambda: None)
    with pytest.raises(Away):
        Leadership().obtain(Stop(), fail)
    wait_until(lambda: len(rows(SESSIONS)) == 1, 5, "nobody waits")
    leader.give_up()
    leader.give_up()


def test_a_relay_killed_while_it_waits_leaves_its_place(transactional_db: None) -> None:
    leader = Leadership()
    assert leader.obtain(Stop(), lambda: None)
    waiter = open_session()
    waiter.pgconn.send_query(leadership.TAKE)
    wait_until(waiting, 5, "it waits")
    waiter.close()  # as the kernel does: the server is not asked to cancel
    wait_until(lambda: not waiting(), 5, "the server has noticed")
    leader.give_up()


def test_a_refused_lock_is_an_error(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leadership, "TAKE", f"BEGIN; LOCK TABLE missing_{uuid4().hex}".encode())
    with pytest.raises(psycopg.OperationalError, match="missing"):
        Leadership().obtain(Stop(), lambda: None)
