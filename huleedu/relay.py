"""The relay: takes committed events out of the outbox, runs their reactions, writes log and feed, publishes.

Claim, reaction and acknowledgement are one transaction. Any number of relays may run: a lane is worked on
by one of them at a time, so order is kept per batch, and a crash releases the claim.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Min
from django.db.models.functions import Now
from django.utils import timezone

from huleedu import maintenance, timers, work
from huleedu.events import CATALOGUE, Event
from huleedu.feed import make_message, message_name
from huleedu.logs import bound, describe
from huleedu.models import DeadLetter, Feed, LoggedEvent, OutboxMessage, RelayPresence, Timer, WorkItem
from huleedu.outbox import OUTBOX_CHANNEL
from huleedu.subscriptions import REPEATABLE, SUBSCRIPTIONS, TIMERS
from realtime.push import FeedMessage, publish

LANE_CLASS = 0x4C414E45  # advisory lock class of the lanes
CLAIM_LIMIT = 100  # rows of one transaction
MAX_ATTEMPTS = 4  # the first try and three retries
SAFETY_SECONDS = 5.0
ENVELOPE_KEYS = frozenset({"event_type", "topic", "correlation_id", "occurred_at", "data"})
TEND_SECONDS = 1.0  # while there is work, leases are looked at this often
log = structlog.get_logger(__name__)


class UnknownEvent(Exception):
    """The outbox holds an event that this version does not know, or one without its envelope's fields."""


class Relay:
    """One relay. ``run`` blocks until ``stop`` is set; ``drain`` works until nothing is due."""

    def __init__(self, name: str = "relay") -> None:
        self.name = name
        self._tended_at = 0.0
        self._presented_at = 0.0
        self._tidied_at = time.monotonic() - maintenance.INTERVAL_SECONDS + maintenance.FIRST_SECONDS

    def drain(self) -> int:
        """Relay everything that is due now, chains of reactions included; returns how many rows."""
        total = 0
        while relayed := self.relay_once():
            total += relayed
        return total

    def relay_once(self) -> int:
        """One pass over timers and lanes; returns how many rows or timers were handled."""
        handled = timers.fire_due(TIMERS)
        lanes = OutboxMessage.objects.filter(due_at__lte=Now()).values_list("lane", flat=True).distinct()
        for lane in sorted(lanes):
            handled += relay_lane(lane)
        return handled

    def run(self, stop: threading.Event) -> None:
        """Relay until ``stop``; a lost database is waited for, nothing else ends the loop."""
        while not stop.is_set():
            try:
                self._work_and_wait()
            except (DatabaseError, InterfaceError):
                log.warning("relay.database.away")
                connection.close()
                stop.wait(0.5)
            except Exception:
                log.exception("relay.failed")
                connection.close()
                stop.wait(0.5)
        RelayPresence.objects.filter(pk=self.name).delete()

    def _work_and_wait(self) -> None:
        self._listen()
        while handled := self.relay_once():
            self._tend(handled)
        self._tend(handled)
        self._present(armed=True)
        # Look once more after arming: what was committed before is seen here, what comes later wakes us.
        if not self.relay_once():
            wait_for_wake(self._seconds_to_next())
        self._present(armed=False)

    def _listen(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {OUTBOX_CHANNEL}")

    def _tend(self, handled: int) -> None:
        now = time.monotonic()
        if now - self._tended_at >= TEND_SECONDS or not handled:
            self._tended_at = now
            work.tend()
        if now - self._presented_at >= SAFETY_SECONDS:
            self._present(armed=False)
        if now - self._tidied_at >= maintenance.INTERVAL_SECONDS:
            self._tidied_at = now
            maintenance.tidy_in_background()

    def _present(self, *, armed: bool) -> None:
        self._presented_at = time.monotonic()
        RelayPresence.objects.update_or_create(
            name=self.name, defaults={"armed": armed, "role": "relay", "seen_at": Now()}
        )

    def _seconds_to_next(self) -> float:
        times = [
            Timer.objects.aggregate(at=Min("due_at"))["at"],
            OutboxMessage.objects.aggregate(at=Min("due_at"))["at"],
        ]
        soonest = min((at for at in times if at is not None), default=None)
        limit = TEND_SECONDS if WorkItem.objects.exists() else SAFETY_SECONDS
        return min(limit, seconds_until(soonest)) if soonest else limit


def seconds_until(moment: datetime) -> float:
    """Seconds from now to ``moment``, at least a few milliseconds so that a loop cannot spin."""
    return max(0.005, (moment - timezone.now()).total_seconds())


def wait_for_wake(seconds: float) -> None:
    """Block until a notification or for ``seconds``."""
    notifies: Callable[..., Any] = connection.connection.notifies
    for _ in notifies(timeout=seconds, stop_after=1):
        pass


def relay_lane(lane: int) -> int:
    """Relay the due rows of one lane in one transaction; 0 when another relay has the lane."""
    with transaction.atomic():
        if not lock_lane(lane):
            return 0
        rows = list(
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(lane=lane, due_at__lte=Now())
            .order_by("id")[:CLAIM_LIMIT]
        )
        delivered = [row for row in rows if deliver(row)]
        messages = record(delivered)
    publish(messages)
    return len(rows)


def lock_lane(lane: int) -> bool:
    """Take the lane for this transaction, if it is free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LANE_CLASS, lane])
        row: tuple[bool] = cursor.fetchone()
        return row[0]


def deliver(row: OutboxMessage) -> bool:
    """Run the reactions of ``row`` behind a savepoint; a poison row is set aside and the rest goes on."""
    try:
        with transaction.atomic():
            react(row)
    except (DatabaseError, InterfaceError) as error:
        if connection.connection is None or connection.connection.closed:
            raise
        set_aside(row, error)
        return False
    except Exception as error:
        set_aside(row, error)
        return False
    return True


def react(row: OutboxMessage) -> None:
    """Call each subscriber once per event id, whatever the number of deliveries. Raises ``UnknownEvent``."""
    event = read_event(row)
    for reaction in SUBSCRIPTIONS.get(row.event_type, ()):
        if consume(consumer_name(reaction), row.event_id) or reaction in REPEATABLE:
            reaction(event)


def read_event(row: OutboxMessage) -> Event:
    """The event in ``row``. Raises ``UnknownEvent``, or ValueError of wrong data."""
    if row.event_type not in CATALOGUE or not ENVELOPE_KEYS.issubset(row.envelope):
        raise UnknownEvent
    UUID(row.envelope["correlation_id"])
    datetime.fromisoformat(row.envelope["occurred_at"])
    return CATALOGUE[row.event_type].read(row.envelope["data"])


def consumer_name(reaction: Callable[..., None]) -> str:
    """The name under which effects of ``reaction`` are recorded."""
    return f"{reaction.__module__}.{reaction.__name__}"


def consume(consumer: str, event_id: str) -> bool:
    """Record that ``consumer`` has the event; False when it had it before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO huleedu_consumedevent (consumer, event_id, consumed_at) VALUES (%s, %s, now())"
            " ON CONFLICT DO NOTHING",
            [consumer, event_id],
        )
        return bool(cursor.rowcount == 1)


def set_aside(row: OutboxMessage, error: Exception) -> None:
    """Try ``row`` again later, or bury it after its last attempt."""
    with bound(**log_keys(row)):
        retry_or_bury(row, error)


def log_keys(row: OutboxMessage) -> dict[str, object]:
    """What log lines about ``row`` say of it."""
    data = data_of(row)
    keys = {
        "corr_id": uuid_in(row.envelope, "correlation_id"),
        "batch_id": row.batch_id,
        "file_upload_id": uuid_in(data, "file_upload_id"),
        "essay_id": uuid_in(data, "essay_id"),
    }
    return {name: value for name, value in keys.items() if value is not None}


def retry_or_bury(row: OutboxMessage, error: Exception) -> None:
    """Count the failure; the last one moves the row to the dead letters."""
    row.attempts += 1
    row.last_error = describe(error)
    row.first_error = row.first_error or row.last_error
    row.first_failed_at = row.first_failed_at or timezone.now()
    log.warning("event.failed", phase=row.event_type, status="error", attempts=row.attempts)
    if row.attempts >= MAX_ATTEMPTS:
        bury(row)
        return
    OutboxMessage.objects.filter(pk=row.pk).update(
        attempts=row.attempts,
        first_error=row.first_error,
        last_error=row.last_error,
        first_failed_at=row.first_failed_at,
        due_at=Now() + work.backoff(row.attempts),
    )


def bury(row: OutboxMessage) -> None:
    """Move ``row`` to the dead letters."""
    DeadLetter.objects.create(
        kind=DeadLetter.Kind.EVENT,
        event_type=row.event_type,
        event_id=row.event_id,
        batch_id=row.batch_id,
        file_upload_id=uuid_in(data_of(row), "file_upload_id"),
        correlation_id=uuid_in(row.envelope, "correlation_id") or row.batch_id,
        envelope=row.envelope,
        consumer="relay",
        attempts=row.attempts,
        first_error=row.first_error,
        last_error=row.last_error,
        first_failed_at=row.first_failed_at or timezone.now(),
    )
    OutboxMessage.objects.filter(pk=row.pk).delete()
    log.error("event.dead", phase=row.event_type, status="dead")


def data_of(row: OutboxMessage) -> object:
    """The event's fields, or None: a poison envelope may be anything."""
    return row.envelope.get("data") if isinstance(row.envelope, dict) else None


def uuid_in(values: object, name: str) -> UUID | None:
    """The uuid under ``name``, or None."""
    try:
        return UUID(values[name]) if isinstance(values, dict) else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def record(rows: Sequence[OutboxMessage]) -> list[FeedMessage]:
    """Move delivered rows to the event log, number the live ones, and return those to publish."""
    if not rows:
        return []
    known = set(
        LoggedEvent.objects.filter(event_id__in=[row.event_id for row in rows]).values_list(
            "event_id", flat=True
        )
    )
    LoggedEvent.objects.filter(event_id__in=known).update(deliveries=F("deliveries") + 1)
    fresh = [row for row in rows if row.event_id not in known]
    numbers = number_messages(fresh)
    logged = [log_entry(row, numbers.get(row.event_id)) for row in fresh]
    LoggedEvent.objects.bulk_create(logged)
    OutboxMessage.objects.filter(pk__in=[row.pk for row in rows]).delete()
    owners = dict(
        Feed.objects.filter(pk__in={row.batch_id for row in fresh}).values_list("batch_id", "owner_id")
    )
    return [
        FeedMessage(entry.batch_id, owners[entry.batch_id], entry.message)
        for entry in logged
        if entry.message is not None
    ]


def number_messages(rows: Sequence[OutboxMessage]) -> dict[str, int]:
    """Give each live row its batch's next number; returns event id → seq."""
    live: dict[UUID, list[str]] = {}
    for row in rows:
        if message_name(row.envelope) is not None:
            live.setdefault(row.batch_id, []).append(row.event_id)
    numbers: dict[str, int] = {}
    for batch_id, event_ids in live.items():
        feed = Feed.objects.select_for_update().filter(pk=batch_id).first()
        if feed is None:
            continue
        numbers.update({event_id: feed.seq + n for n, event_id in enumerate(event_ids, start=1)})
        Feed.objects.filter(pk=batch_id).update(seq=feed.seq + len(event_ids))
    return numbers


def log_entry(row: OutboxMessage, seq: int | None) -> LoggedEvent:
    """The event log's row for ``row``, with its live message when it has a number."""
    name = message_name(row.envelope)
    data = row.envelope["data"]
    return LoggedEvent(
        event_id=row.event_id,
        event_type=row.event_type,
        topic=row.envelope["topic"],
        batch_id=row.batch_id,
        file_upload_id=data.get("file_upload_id"),
        essay_id=data.get("essay_id"),
        correlation_id=row.envelope["correlation_id"],
        occurred_at=row.envelope["occurred_at"],
        envelope=row.envelope,
        seq=seq,
        message=make_message(name, seq, row.envelope) if name is not None and seq is not None else None,
    )
