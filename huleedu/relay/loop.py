"""The relay: takes committed events out of the outbox, runs their reactions, writes log and feed, publishes.

Claim, reaction and acknowledgement are one transaction. Any number of relays may run: one leads and works,
the others stand by. Correctness does not depend on it: a lane is worked on by one of them at a time, so order
is kept per batch, and a crash releases the claim.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction

from huleedu.events import waking
from huleedu.events.feed import NumberedMessage
from huleedu.failures import outages
from huleedu.failures.failpoints import failpoint
from huleedu.logs import describe
from huleedu.machine.stopping import Stop
from huleedu.models import LANES, RelayPresence
from huleedu.postgres.held import holding
from huleedu.postgres.prepared import keep_plans, prepared_cursor
from huleedu.postgres.presence import sign
from huleedu.relay import maintenance
from huleedu.relay.delivery import Claimed, claim, connection_lost, deliver, deliver_apart
from huleedu.relay.leadership import Leadership
from huleedu.subscriptions import TIMERS
from huleedu.work import queue as work
from huleedu.work import timers
from realtime.push import publish

LANE_CLASS = 0x4C414E45  # advisory lock class of the lanes
SAFETY_SECONDS = 5.0  # an idle relay looks this often without being woken
PRESENCE_SECONDS = 7.0
TEND_SECONDS = 1.0  # while there is work, leases are looked at this often
PAUSE_SECONDS = 0.5
STANDBY_SECONDS = 20.0  # between two signs of life of a relay that stands by
INHERITING_SECONDS = 10.0  # after a takeover the last relay's transactions may still hold lanes
INHERITING_PAUSE_SECONDS = 0.05
# Between tries to fall asleep while somebody is about to commit.
NAP_SECONDS = (0.0005, 0.001, 0.002, 0.005, *(0.01,) * 50, 0.1)
LOCK_MILLISECONDS = 500  # a batch that somebody else holds longer is tried later: other batches go on
log = structlog.get_logger(__name__)

# ``OFFSET 0`` keeps the question one for each lane, whatever sizes the planner believes in.
LOOK = f"""
SELECT ARRAY(SELECT lane FROM generate_series(0, %(last)s) AS lane WHERE EXISTS (
         SELECT 1 FROM huleedu_outboxmessage AS waiting
         WHERE waiting.lane = lane.lane AND (attempts = 0 OR due_at <= now()) OFFSET 0)),
       EXISTS (SELECT 1 FROM huleedu_timer WHERE due_at <= now()),
       EXISTS (SELECT 1 FROM huleedu_workitem), ({work.MISSING}) > 0,
       extract(epoch FROM least(
         (SELECT min(due_at) FROM huleedu_timer WHERE due_at > now()),
         (SELECT min(due_at) FROM huleedu_outboxmessage WHERE attempts > 0 AND due_at > now())
       ) - now())::float
"""  # noqa: S608


@dataclass(frozen=True)
class Due:
    """What there is to do: lanes with due rows, whether a timer is due, whether work is queued or running.

    ``untold``: work is due of which no worker was told.

    ``seconds`` is the time until the next thing falls due by itself, None when nothing waits for its time.
    """

    lanes: list[int]
    timers: bool
    work: bool
    untold: bool
    seconds: float | None


def look() -> Due:
    """Look at everything a relay serves, in one statement that costs the same for any depth."""
    keep_plans()
    with prepared_cursor() as cursor:
        cursor.execute(LOOK, {"last": LANES - 1, **work.TOKEN_PARAMETERS})
        return Due(*cursor.fetchone())


class Relay:
    """One relay. ``run`` leads or stands by until ``stop`` is set; ``drain`` works until nothing is due.

    With ``beside``, half of the lanes that are due are relayed in another thread, on its own connection.
    """

    def __init__(self, name: str = "relay", *, beside: bool = False) -> None:
        self.name = name
        self._asleep = False
        self._naps = 0
        self._beside = ThreadPoolExecutor(1, "relay-beside") if beside else None
        self._listening_on: object = None
        self._leadership = Leadership()
        self._led_at = -INHERITING_SECONDS
        self._stop = Stop()
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
        if due.untold:
            work.wake_workers()
        handled = timers.fire_due(TIMERS) if due.timers else 0
        if self._beside is None or len(due.lanes) < 2:
            return handled + relay_lanes(due.lanes)
        other = self._beside.submit(relay_lanes, due.lanes[1::2])
        try:
            handled += relay_lanes(due.lanes[::2])
        finally:
            wait([other])
        return handled + other.result()

    def run(self, stop: Stop) -> None:
        """Relay, or stand by for the relay that does, until ``stop``; a lost database is waited for.

        Nothing else ends the loop.
        """
        self._stop = stop
        try:
            while not stop.is_set():
                self._go_on()
        finally:
            self._leadership.give_up()
            self._sign_off()
            self._close()

    def _sign_off(self) -> None:
        """Take this relay's sign of life away; without a connection it is not worth waiting for one."""
        if connection.connection is not None:
            with suppress(DatabaseError, InterfaceError):
                RelayPresence.objects.filter(pk=self.name).delete()

    def _go_on(self) -> None:
        try:
            if self._leadership.held or self._take_over():
                self._work_and_wait()
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            outages.report(log, "relay", error)
            self._start_over()
        except Exception:
            log.exception("relay.failed")
            self._start_over()

    def _start_over(self) -> None:
        self._leadership.give_up()
        self._close()
        self._stop.wait(PAUSE_SECONDS)

    def _close(self) -> None:
        close_connection()
        if self._beside is not None:
            self._beside.submit(close_connection).result()
        self._asleep = False

    def _take_over(self) -> bool:
        """Stand by until this relay leads; False when it shall stop."""
        self._close()  # one that stands by must not listen: nobody would read what it is told
        self._presented_at = -STANDBY_SECONDS
        if not self._leadership.obtain(self._stop, self._stand_by):
            return False
        # A relay that is gone must not pass for one that works.
        RelayPresence.objects.filter(role="relay").exclude(pk=self.name).delete()
        self._presented_at = 0.0
        self._led_at = time.monotonic()
        log.info("relay.leads", status="running")
        return True

    def _stand_by(self) -> None:
        if time.monotonic() - self._presented_at >= STANDBY_SECONDS:
            self._present("standby")

    def _ended(self) -> bool:
        return self._stop.is_set() or self._leadership.lost

    def _work_and_wait(self) -> None:
        self._listen()
        due = look()
        while not self._ended() and self.relay_once(due):
            self._tend(due)
            due = look()
            if self._asleep and (due.lanes or due.timers):
                self._stay_awake()
        self._tend(due)
        if not self._asleep:
            # And look once more: what was committed before is seen then, what comes later wakes us.
            self._fall_asleep()
            return
        # Still asleep to others when woken: what comes while one event is relayed is told, and kept.
        relay_lanes(sorted(waking.wait(self._patience(due), self._stop.fileno(), *self._leadership.sessions)))

    def _fall_asleep(self) -> None:
        self._asleep = waking.fall_asleep()
        if self._asleep:
            self._naps = 0
        else:
            waking.wait(NAP_SECONDS[min(self._naps, len(NAP_SECONDS) - 1)])
            self._naps += 1

    def _stay_awake(self) -> None:
        """Busy: it looks again anyway, nobody need wake it."""
        waking.stay_awake()
        self._asleep = False

    def _listen(self) -> None:
        connection.ensure_connection()
        if self._listening_on is not connection.connection:
            waking.listen()
            self._asleep = False  # that was said by the last connection
            self._listening_on = connection.connection

    def _tend(self, due: Due) -> None:
        now = time.monotonic()
        if due.work and now - self._tended_at >= TEND_SECONDS:
            self._tended_at = now
            work.tend()
        if now - self._presented_at >= PRESENCE_SECONDS:
            self._present()
        if now - self._tidied_at >= maintenance.INTERVAL_SECONDS:
            self._tidied_at = now
            maintenance.tidy_in_background()

    def _present(self, role: str = "relay") -> None:
        sign(self.name, role)
        self._presented_at = time.monotonic()

    def _patience(self, due: Due) -> float:
        limit = TEND_SECONDS if due.work else SAFETY_SECONDS
        if due.lanes and time.monotonic() - self._led_at < INHERITING_SECONDS:
            limit = INHERITING_PAUSE_SECONDS
        # A few milliseconds at least, so that the loop cannot spin on another relay's row.
        return limit if due.seconds is None else min(limit, max(0.005, due.seconds))


def close_connection() -> None:
    """Close the calling thread's connection."""
    connection.close()


def relay_lanes(lanes: Sequence[int]) -> int:
    """Relay the due rows of several lanes, one after the other; returns how many."""
    keep_plans()
    return sum(relay_lane(lane) for lane in lanes)


def relay_lane(lane: int) -> int:
    """Relay the due rows of one lane in one transaction; 0 when none is due or another relay has the lane.

    When one fails the transaction is repeated with a savepoint for each row.
    """
    connection.ensure_connection()
    mine = connection.connection
    try:
        count, messages = relay_rows(lane, deliver)
    except Exception as error:
        # A connection that was lost in a transaction is replaced at its end: by one that does not listen.
        if connection_lost() or connection.connection is not mine:
            raise
        log.info("relay.repeated", error=describe(error))
        count, messages = relay_rows(lane, deliver_apart)
    if count:
        failpoint("relay.after_commit")
        publish(messages)
        failpoint("relay.after_publish")
    return count


def relay_rows(
    lane: int, delivery: Callable[[Sequence[Claimed]], list[NumberedMessage]]
) -> tuple[int, list[NumberedMessage]]:
    """One transaction: claim the due rows of ``lane`` and deliver them; how many, and the live messages."""
    with transaction.atomic(), holding():
        rows = claim(lane) if lock_lane(lane) else []
        if not rows:
            return 0, []
        messages = delivery(rows)
        failpoint("relay.before_commit")
    return len(rows), messages


def lock_lane(lane: int) -> bool:
    """Take the lane for this transaction, if it is free, and limit the wait for other locks."""
    with prepared_cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s), set_config('lock_timeout', %s, true)",
            [LANE_CLASS, lane, str(LOCK_MILLISECONDS)],
        )
        row: tuple[bool, str] = cursor.fetchone()
        return row[0]
