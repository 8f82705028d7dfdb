"""Emit: one row in the transaction of the change it reports."""

import json
from typing import Any

from django.db import connection

from huleedu.events.vocabulary import Event
from huleedu.events.waking import WAKE
from huleedu.models import LANES
from huleedu.postgres.prepared import prepared_cursor

INSERT = f"""
INSERT INTO huleedu_outboxmessage (event_id, event_type, batch_id, lane, envelope, created_at, due_at)
VALUES (%(event_id)s, %(event_type)s, %(batch_id)s, %(lane)s,
        %(envelope)s::jsonb || jsonb_build_object('occurred_at', to_jsonb(clock_timestamp())), now(), now())
ON CONFLICT (event_id) DO NOTHING RETURNING {WAKE}
"""  # noqa: S608


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

    A sleeping relay wakes at the commit. The same fact still waiting is one row. Raises
    ``EmitOutsideTransaction`` in autocommit.
    """
    if not connection.in_atomic_block:
        raise EmitOutsideTransaction(type(event).__name__)
    event_id = event.event_id
    with prepared_cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "event_id": event_id,
                "event_type": type(event).__name__,
                "batch_id": event.batch_id,
                "lane": event.batch_id.int % LANES,
                "envelope": json.dumps(envelope_of(event)),
            },
        )
    return event_id
