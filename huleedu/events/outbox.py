"""Emit: rows in the transaction of the change they report."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

from huleedu.events.vocabulary import Event
from huleedu.events.waking import WAKE
from huleedu.models import LANES
from huleedu.postgres.prepared import prepared_cursor

# One statement for all events of a change. It tells whether every event is a new one to all who reacted, and
# nothing older of their batch waits for the relay's reactions.
INSERT = f"""
WITH told AS (
  INSERT INTO huleedu_outboxmessage
    (event_id, event_type, batch_id, lane, envelope, reacted, created_at, due_at)
  SELECT event_id, event_type, %(batch_id)s, %(lane)s,
    envelope || jsonb_build_object('occurred_at', to_jsonb(clock_timestamp())), %(reacted)s, now(), now()
  FROM unnest(%(event_ids)s::text[], %(types)s::text[], %(envelopes)s::jsonb[]) WITH ORDINALITY
    AS event (event_id, event_type, envelope, place)
  ORDER BY place
  ON CONFLICT (event_id) DO NOTHING RETURNING event_id, {WAKE}
), consumed AS (
  INSERT INTO huleedu_consumedevent (consumer, event_id, consumed_at)
  SELECT consumer, event_id, now()
  FROM unnest(%(consumers)s::text[], %(consumed)s::text[]) AS pair (consumer, event_id)
  ON CONFLICT DO NOTHING RETURNING event_id
)
SELECT (SELECT count(*) FROM told) = cardinality(%(event_ids)s::text[])
  AND (SELECT count(*) FROM consumed) = cardinality(%(consumed)s::text[])
  AND NOT EXISTS (SELECT 1 FROM huleedu_outboxmessage
                  WHERE batch_id = %(batch_id)s AND NOT reacted AND event_type = ANY(%(followed)s::text[]))
"""  # noqa: S608
GATHERED: ContextVar["list[Event] | None"] = ContextVar("gathered", default=None)


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
    events = GATHERED.get()
    if events is None:
        write([event])
    else:
        events.append(event)
    return event.event_id


def tell(event: Event) -> None:
    """Put ``event`` in the outbox, for itself: it reports no change that it must be committed with."""
    write([event])


@contextmanager
def gathered() -> Iterator[list[Event]]:
    """What is emitted within the block, which has to be written at its end."""
    events: list[Event] = []
    token = GATHERED.set(events)
    try:
        yield events
    finally:
        GATHERED.reset(token)


def is_gathering() -> bool:
    """Whether what is emitted now is written at the end of its change, with all that follows from it."""
    return GATHERED.get() is not None


def write(
    events: Sequence[Event], reacted: Sequence[tuple[str, str]] | None = None, followed: Sequence[str] = ()
) -> bool:
    """Write ``events`` of one batch; ``reacted`` are the consumers, with the event's id, that have reacted.

    False when one had reacted to it before, or something older of a type that is ``followed`` waits.
    """
    (batch_id,) = {event.batch_id for event in events}
    with prepared_cursor() as cursor:
        cursor.execute(
            INSERT,
            {
                "batch_id": batch_id,
                "lane": batch_id.int % LANES,
                "reacted": reacted is not None,
                "event_ids": [event.event_id for event in events],
                "types": [type(event).__name__ for event in events],
                "envelopes": [json.dumps(envelope_of(event)) for event in events],
                "consumers": [consumer for consumer, _ in reacted or ()],
                "consumed": [event_id for _, event_id in reacted or ()],
                "followed": list(followed),
            },
        )
        fresh: bool = cursor.fetchone()[0]
        return fresh
