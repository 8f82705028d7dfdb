"""The relay: takes committed events out of the outbox, runs their reactions, writes log and feed, publishes.

Claim, reaction and acknowledgement are one transaction. Any number of relays may run: one leads and works,
the others stand by. Correctness does not depend on it: a lane is worked on by one of them at a time, so order
is kept per batch, and a crash releases the claim.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from psycopg import Notify

from huleedu import maintenance, timers, work
from huleedu.delivery import claim, deliver
from huleedu.failpoints import failpoint
from huleedu.leadership import Leadership
from huleedu.models import LANES, RelayPresence
from huleedu.outbox import OUTBOX_CHANNEL
from huleedu.subscriptions import TIMERS
from realtime.push import publish

LANE_CLASS = 0x4C414E45  # advisory lock class of the lanes
SAFETY_SECONDS = 5.0  # an idle relay looks this often without being woken
PRESENCE_SECONDS = 7.0
TEND_SECONDS = 1.0  # while there is work, leases are looked at this often
PAUSE_SECONDS = 0.5
STANDBY_SECONDS = 20.0  # between two signs of life of a relay that stands by
ENDED_SECONDS = 1.0  # a sleeping relay looks this often whether it has stopped leading
INHERITING_SECONDS = 10.0  # after a takeover the last relay's transactions may still hold lanes
INHERITING_PAUSE_SECONDS = 0.05
log = structlog.get_logger(__name__)

LOOK = """
SELECT ARRAY(SELECT lane FROM generate_series(0, %(last)s) AS lane WHERE EXISTS (
         SELECT 1 FROM huleedu_outboxmessage AS waiting WHERE waiting.lane = lane.lane AND due_at <= now())),
       EXISTS (SELECT 1 FROM huleedu_timer WHERE due_at <= now()),
       EXISTS (SELECT 1 FROM huleedu_workitem),
       extract(epoch FROM least(
         (SELECT min(due_at) FROM huleedu_timer WHERE due_at > now()),
         (SELECT min(due_at) FROM huleedu_outboxmessage WHERE attempts > 0 AND due_at > now())
       ) - now())::float
"""
PRESENT = """
WITH unflushed AS (SELECT set_config('synchronous_commit', 'off', true))
INSERT INTO huleedu_relaypresence (name, role, armed, seen_at)
SELECT %s, %s, %s, clock_timestamp() FROM unflushed
ON CONFLICT (name) DO UPDATE SET role = excluded.role, armed = excluded.armed, seen_at = excluded.seen_at
"""


@dataclass(frozen=True)
class Due:
    """What there is to do: lanes with due rows, whether a timer is due, whether work is queued or running.

    ``seconds`` is the time until the next thing falls due by itself, None when nothing waits for its time.
    """

    lanes: list[int]
    timers: bool
    work: bool
    seconds: float | None


def look() -> Due:
    """Look at everything a relay serves, in one statement that costs the same for any depth."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, {"last": LANES - 1})
        return Due(*cursor.fetchone())


class Relay:
    """One relay. ``run`` leads or stands by until ``stop`` is set; ``drain`` works until nothing is due."""

    def __init__(self, name: str = "relay") -> None:
        self.name = name
        self._armed = False
        self._listening_on: object = None
        self._leadership = Leadership()
        self._led_at = -INHERITING_SECONDS
        self._stop = threading.Event()
        self._tended_at = 0.0
        self._presented_at = 0.0
        self._tidied_at = time.monotonic() - maintenance.INTERVAL_SECONDS + maintenance.FIRST_SECONDS

    def drain(self) -> int:
        """Relay everything that is due now, chains of reactions included; returns how many rows."""
        total = 0
        while relayed := self.relay_once(look()):
            total += relayed
        return total

    def relay_once(self, due: Due) -> int:
        """One pass over what is due; returns how many rows or timers were handled."""
        handled = timers.fire_due(TIMERS) if due.timers else 0
        for lane in due.lanes:
            handled += relay_lane(lane)
        return handled

    def run(self, stop: threading.Event) -> None:
        """Relay, or stand by for the relay that does, until ``stop``; a lost database is waited for.

        Nothing else ends the loop.
        """
        self._stop = stop
        try:
            while not stop.is_set():
                self._go_on()
        finally:
            self._leadership.give_up()
        RelayPresence.objects.filter(pk=self.name).delete()

    def _go_on(self) -> None:
        try:
            if self._leadership.held or self._take_over():
                self._work_and_wait()
        except (DatabaseError, InterfaceError, psycopg.Error):
            log.warning("relay.database.away")
            self._start_over()
        except Exception:
            log.exception("relay.failed")
            self._start_over()

    def _start_over(self) -> None:
        self._leadership.give_up()
        connection.close()
        self._armed = False
        self._stop.wait(PAUSE_SECONDS)

    def _take_over(self) -> bool:
        """Stand by until this relay leads; False when it shall stop."""
        connection.close()  # one that stands by must not listen: nobody would read what it is told
        self._armed = False
        self._presented_at = -STANDBY_SECONDS
        if not self._leadership.obtain(self._stop, self._stand_by):
            return False
        # Rows of relays that are gone must not ask for wake-ups.
        RelayPresence.objects.filter(role="relay").exclude(pk=self.name).delete()
        self._presented_at = 0.0
        self._led_at = time.monotonic()
        log.info("relay.leads", status="running")
        return True

    def _stand_by(self) -> None:
        if time.monotonic() - self._presented_at >= STANDBY_SECONDS:
            self._present(armed=False, role="standby")

    def _ended(self) -> bool:
        return self._stop.is_set() or self._leadership.lost

    def _work_and_wait(self) -> None:
        self._listen()
        due = look()
        while self.relay_once(due):
            self._tend(due)
            due = look()
            if self._armed and (due.lanes or due.timers):
                self._present(armed=False)  # busy: it looks again anyway, nobody need wake it
        self._tend(due)
        if not self._armed:
            # Look once more after arming: what was committed before is seen then, what comes later wakes us.
            self._present(armed=True)
            return
        # Still armed when woken: what comes while one event is relayed is told, and kept by the connection.
        for lane in wait_for_wake(self._patience(due), self._ended):
            relay_lane(lane)

    def _listen(self) -> None:
        connection.ensure_connection()
        if self._listening_on is not connection.connection:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {OUTBOX_CHANNEL}")
            self._listening_on = connection.connection

    def _tend(self, due: Due) -> None:
        now = time.monotonic()
        if due.work and now - self._tended_at >= TEND_SECONDS:
            self._tended_at = now
            work.tend()
        if now - self._presented_at >= PRESENCE_SECONDS:
            self._present(armed=self._armed)
        if now - self._tidied_at >= maintenance.INTERVAL_SECONDS:
            self._tidied_at = now
            maintenance.tidy_in_background()

    def _present(self, *, armed: bool, role: str = "relay") -> None:
        with connection.cursor() as cursor:
            cursor.execute(PRESENT, [self.name, role, armed])
        self._presented_at = time.monotonic()
        self._armed = armed

    def _patience(self, due: Due) -> float:
        limit = TEND_SECONDS if due.work else SAFETY_SECONDS
        if due.lanes and time.monotonic() - self._led_at < INHERITING_SECONDS:
            limit = INHERITING_PAUSE_SECONDS
        # A few milliseconds at least, so that the loop cannot spin on another relay's row.
        return limit if due.seconds is None else min(limit, max(0.005, due.seconds))


def wait_for_wake(seconds: float, ended: Callable[[], bool] = lambda: False) -> set[int]:
    """Block until a notification comes, or came since the last wait, or for ``seconds``, or until ``ended``.

    Returns the lanes to begin with, before looking at everything.
    """
    notifies: Callable[..., Iterable[Notify]] = connection.connection.notifies
    told: set[str] = set()
    until = time.monotonic() + seconds
    while not told and (left := until - time.monotonic()) > 0 and not ended():
        told = {notify.payload for notify in notifies(timeout=min(left, ENDED_SECONDS), stop_after=1)}
    return {int(payload) for payload in told if payload.isdecimal()}


def relay_lane(lane: int) -> int:
    """Relay the due rows of one lane in one transaction; 0 when another relay has the lane."""
    with transaction.atomic():
        if not lock_lane(lane):
            return 0
        rows = claim(lane)
        messages = deliver(rows)
        failpoint("relay.before_commit")
    failpoint("relay.after_commit")
    publish(messages)
    failpoint("relay.after_publish")
    return len(rows)


def lock_lane(lane: int) -> bool:
    """Take the lane for this transaction, if it is free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LANE_CLASS, lane])
        row: tuple[bool] = cursor.fetchone()
        return row[0]
