"""Emit: one row in the transaction of the change it reports."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from huleedu.events import Event
from huleedu.models import LANES

OUTBOX_CHANNEL = "huleedu_outbox"
log = structlog.get_logger(__name__)

INSERT = """
INSERT INTO huleedu_outboxmessage (event_id, event_type, batch_id, lane, envelope, created_at, due_at)
VALUES (%(event_id)s, %(event_type)s, %(batch_id)s, %(lane)s,
        %(envelope)s::jsonb || jsonb_build_object('occurred_at', to_jsonb(clock_timestamp())), now(), now())
ON CONFLICT (event_id) DO NOTHING
"""
WAKE = "SELECT pg_notify(%s, %s) FROM huleedu_relaypresence WHERE armed AND role = 'relay' LIMIT 1"


class EmitOutsideTransaction(RuntimeError):
    """An event was emitted where no change could be committed with it."""


def envelope_of(event: Event) -> dict[str, Any]:
    """The complete envelope but ``occurred_at``, which is the database's time at the insert."""
    return {
        "event_id": event.event_id,
        "event_type": type(event).__name__,
        "topic": event.topic,
        "version": event.version,
        "kind": event.kind,
        "aggregate_type": event.aggregate,
        "aggregate_id": str(event.subject),
        "batch_id": str(event.batch_id),
        "event_key": str(event.batch_id),
        "correlation_id": str(event.correlation_id),
        "data": event.data(),
    }


def emit(event: Event) -> str:
    """Put ``event`` in the outbox of the running transaction and return its id.

    The same fact still waiting is one row. Raises ``EmitOutsideTransaction`` in autocommit.
    """
    if not connection.in_atomic_block:
        raise EmitOutsideTransaction(type(event).__name__)
    event_id, lane = event.event_id, event.batch_id.int % LANES
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "event_id": event_id,
                "event_type": type(event).__name__,
                "batch_id": event.batch_id,
                "lane": lane,
                "envelope": json.dumps(envelope_of(event)),
            },
        )
    wake_after_commit(lane)
    return event_id


def wake_after_commit(lane: int | None = None) -> None:
    """Wake a sleeping relay once the transaction has committed; ``lane`` is where it should begin.

    Asking after the commit closes the gap between a relay's last look and its sleep; a notification
    in every transaction would make all commits wait for each other.
    """
    if not any(callback in WAKERS.values() for _, callback, *_ in connection.run_on_commit):
        transaction.on_commit(WAKERS[lane], robust=True)


def waker(lane: int | None) -> Callable[[], None]:
    """``wake_relay`` of one lane."""

    def wake() -> None:
        wake_relay(lane)

    return wake


WAKERS = {lane: waker(lane) for lane in (None, *range(LANES))}


def wake_relay(lane: int | None = None) -> None:
    """Notify sleeping relays. The change is committed: a failure costs only the relay's safety interval."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(WAKE, [OUTBOX_CHANNEL, "" if lane is None else str(lane)])
    except DatabaseError:
        log.warning("relay.wake.failed")
