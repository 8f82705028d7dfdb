"""Delivery of outbox rows: all together, one by one after a failure; retries with backoff, dead letters."""

import json
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from huleedu.events.catalogue import CATALOGUE
from huleedu.events.event_log import UnloggableEvent, move_to_log
from huleedu.events.feed import NumberedMessage
from huleedu.events.following import TABLE
from huleedu.failures.outages import is_outage, patience
from huleedu.logs import bound, describe
from huleedu.models import DeadLetter, OutboxMessage
from huleedu.postgres.held import holding
from huleedu.postgres.prepared import prepared_cursor
from huleedu.subscriptions import REPEATABLE
from huleedu.work import queue as work

CLAIM_LIMIT = 500  # rows of one transaction
CLAIM_SECONDS = 0.1  # reactions hold row locks: after this long the rest waits for the next transaction
MAX_ATTEMPTS = 4  # the first try and three retries
log = structlog.get_logger(__name__)

# Only a row that was tried waits for its time, and its batch with it: one whose transaction began after this
# one must not be left to others of its batch, whose transactions began before and ended after it.
# The plan is kept, and may be made while the outbox is empty and all plans cost the same: ``BETWEEN`` and its
# order fit ``outbox_lane`` only, what waits fits ``outbox_retries`` only.
CLAIM = """
WITH claimed AS MATERIALIZED (
  SELECT id, event_id, event_type, batch_id,
    CASE WHEN event_type <> ALL(%(plain)s) AND NOT reacted THEN envelope::text END AS envelope, attempts > 0
  FROM huleedu_outboxmessage WHERE lane BETWEEN %(lane)s AND %(lane)s AND (attempts = 0 OR due_at <= now())
    AND batch_id NOT IN (SELECT batch_id FROM huleedu_outboxmessage WHERE attempts > 0 AND due_at > now())
  ORDER BY lane, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), granted AS (
  INSERT INTO huleedu_consumedevent (consumer, event_id, consumed_at)
  SELECT consumer, event_id, now() FROM claimed
  JOIN unnest(%(types)s::text[], %(consumers)s::text[]) AS reaction (event_type, consumer) USING (event_type)
  WHERE envelope IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING event_id, consumer
)
SELECT * FROM claimed UNION ALL SELECT NULL, event_id, consumer, NULL, NULL, NULL FROM granted ORDER BY id
"""
FORGET = """
DELETE FROM huleedu_consumedevent AS consumed
USING unnest(%s::text[], %s::text[]) AS pair (consumer, event_id)
WHERE consumed.event_id = pair.event_id AND consumed.consumer = pair.consumer
"""

NOBODY: frozenset[str] = frozenset()


class UnknownEvent(Exception):
    """The outbox holds an event that this version does not know."""


@dataclass(frozen=True)
class Claimed:
    """One claimed row; ``envelope`` is JSON text, None where nothing reacts to the event, or has already.

    ``tried``: it failed before. ``granted``: the consumers that meet the event for the first time.
    """

    id: int
    event_id: str
    event_type: str
    batch_id: UUID
    envelope: str | None
    tried: bool
    lane: int
    granted: Set[str]


def claim(lane: int) -> list[Claimed]:
    """The next due rows of ``lane``, locked, in order, and recorded as consumed by all who react to them."""
    reactions = [(name, consumer) for name in TABLE.reactions for consumer in TABLE.consumers_of(name)]
    claimed: list[tuple[int, str, str, UUID, str | None, bool]] = []
    granted: dict[str, set[str]] = {}
    with prepared_cursor() as cursor:
        cursor.execute(
            CLAIM,
            {
                "lane": lane,
                "limit": CLAIM_LIMIT,
                "plain": [name for name in CATALOGUE if not TABLE.reactions.get(name)],
                "types": [name for name, _ in reactions],
                "consumers": [consumer for _, consumer in reactions],
            },
        )
        for row in cursor.fetchall():
            if row[0] is None:
                granted.setdefault(row[1], set()).add(row[2])
            else:
                claimed.append(row)
    return [Claimed(*row, lane, granted.get(row[1], NOBODY)) for row in claimed]


def deliver(rows: Sequence[Claimed]) -> list[NumberedMessage]:
    """React to ``rows`` in order until the time is up, and move those done with to the log.

    Raises what a reaction raises, and ``UnloggableEvent``: the transaction is lost then, and the next one has
    ``deliver_apart`` find out whose fault it was, as it does at once where a row failed before.
    """
    if any(row.tried for row in rows):
        return deliver_apart(rows)
    done = react_in_time(rows, react)
    forget(rows[done:])
    return log_together(rows[:done])


def deliver_apart(rows: Sequence[Claimed]) -> list[NumberedMessage]:
    """The same behind a savepoint for each row: what fails is set aside, the rest goes on."""
    delivered = react_apart(rows)
    kept = {row.id for row in delivered}
    forget([row for row in rows if row.id not in kept])
    return log_all(delivered)


def react_apart(rows: Sequence[Claimed]) -> list[Claimed]:
    """React behind a savepoint for each row; returns those that succeeded.

    Later rows of a batch whose row failed wait with it: order is kept per batch, other batches go on.
    """
    delivered: list[Claimed] = []
    waiting: set[UUID] = set()

    def reaction(row: Claimed) -> None:
        if row.batch_id in waiting:
            return
        if row.envelope is None or attempt(row):
            delivered.append(row)
        else:
            waiting.add(row.batch_id)

    react_in_time(rows, reaction, every=True)
    return delivered


def react_in_time(
    rows: Sequence[Claimed], reaction: Callable[[Claimed], None], *, every: bool = False
) -> int:
    """Call ``reaction`` on rows with subscribers, or on ``every`` row, until ``CLAIM_SECONDS`` are over.

    Returns how many rows, from the first, are done with; at least one.
    """
    until = time.monotonic() + CLAIM_SECONDS
    for index, row in enumerate(rows):
        if row.envelope is None and not every:
            continue
        if index and time.monotonic() > until:
            return index
        reaction(row)
    return len(rows)


def connection_lost() -> bool:
    """True when the failure was the database's going away: the claim is gone with it."""
    return connection.connection is None or bool(connection.connection.closed)


def forget(rows: Iterable[Claimed]) -> None:
    """Take back the records of ``rows``, whose effects did not happen."""
    pairs = [(consumer, row.event_id) for row in rows for consumer in row.granted]
    if pairs:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [[name for name, _ in pairs], [event_id for _, event_id in pairs]])


def attempt(row: Claimed) -> bool:
    """Run the reactions of ``row`` behind a savepoint; a poison row is set aside and the rest goes on."""
    try:
        with transaction.atomic(), holding():
            react(row)
            connection.check_constraints()  # what would only fail at the commit could not be set aside
    except Exception as error:
        if connection_lost():
            raise
        return give_back(row, error)
    return True


def give_back(row: Claimed, error: Exception) -> bool:
    """Nothing of ``row`` happened: try it later. Returns False."""
    set_aside(OutboxMessage.objects.get(pk=row.id), error)
    return False


def react(row: Claimed) -> None:
    """Call each subscriber once per event id, whatever the number of deliveries. Raises ``UnknownEvent``."""
    if row.event_type not in CATALOGUE or row.envelope is None:
        raise UnknownEvent
    event = CATALOGUE[row.event_type].read(json.loads(row.envelope)["data"])
    for name, reaction in TABLE.consumers_of(row.event_type).items():
        if name in row.granted or reaction in REPEATABLE:
            reaction(event)


def log_together(rows: Sequence[Claimed]) -> list[NumberedMessage]:
    """Move ``rows`` of one lane to the log. Raises ``UnloggableEvent``."""
    return move_to_log(rows[0].lane, [row.id for row in rows]) if rows else []


def log_all(rows: Sequence[Claimed]) -> list[NumberedMessage]:
    """Move ``rows`` to the log; a row the log cannot take is set aside alone."""
    try:
        with transaction.atomic():
            return log_together(rows)
    except UnloggableEvent:
        messages = []
        for row in rows:
            try:
                with transaction.atomic():
                    messages += log_together([row])
            except UnloggableEvent as error:
                set_aside(OutboxMessage.objects.get(pk=row.id), error)
        return messages


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
    """Count the failure; the last one moves the row to the dead letters. An outage has no last one."""
    outage = is_outage(error)
    row.attempts = min(row.attempts + 1, MAX_ATTEMPTS - 1) if outage else row.attempts + 1
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
        due_at=Now() + patience(work.backoff(row.attempts), row.first_failed_at if outage else None),
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
