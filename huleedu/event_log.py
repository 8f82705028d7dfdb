"""Moves relayed events from the outbox to the log, and numbers those that browsers follow."""

from collections.abc import Sequence
from typing import Any

from django.db import DataError, IntegrityError, connection

from huleedu.feed import MESSAGE_NAMES, NumberedMessage

# One statement: out of the outbox, known ids counted again, new ones logged; live ones get their batch's next
# numbers. The caller holds the lane, so nobody else numbers these batches. A replaced file stays on the page:
# its next batch.file.added says all there is to say, so its removal is no message.
MOVE = """
WITH gone AS (
  DELETE FROM huleedu_outboxmessage WHERE id = ANY(%(ids)s)
  RETURNING id, event_id, event_type, batch_id, envelope
), known AS (
  UPDATE huleedu_loggedevent AS logged SET deliveries = deliveries + 1
  FROM gone WHERE logged.event_id = gone.event_id RETURNING logged.event_id
), fresh AS (
  SELECT gone.*, CASE WHEN gone.event_type = 'BatchFileRemoved' AND envelope #>> '{data,reason}' = 'replaced'
    THEN NULL ELSE names.name END AS name
  FROM gone LEFT JOIN unnest(%(types)s::text[], %(names)s::text[]) AS names (event_type, name)
    USING (event_type)
  WHERE gone.event_id NOT IN (SELECT event_id FROM known)
), feeds AS (
  UPDATE huleedu_feed AS feed SET seq = feed.seq + live.n
  FROM (SELECT batch_id, count(*) AS n FROM fresh WHERE name IS NOT NULL GROUP BY batch_id) AS live
  WHERE feed.batch_id = live.batch_id RETURNING feed.batch_id, feed.owner_id, feed.seq - live.n AS before
), numbered AS (
  SELECT fresh.*, feeds.owner_id,
    feeds.before + row_number() OVER (PARTITION BY fresh.batch_id ORDER BY fresh.id) AS seq
  FROM fresh JOIN feeds USING (batch_id) WHERE name IS NOT NULL
), messages AS (
  SELECT id, batch_id, owner_id, seq, envelope ->> 'occurred_at' AS occurred_at, jsonb_build_object(
    'type', 'event', 'event', name, 'seq', seq, 'timestamp', envelope -> 'occurred_at',
    'correlation_id', envelope -> 'correlation_id', 'data', envelope -> 'data') AS message
  FROM numbered
), logged AS (
  INSERT INTO huleedu_loggedevent (event_id, event_type, topic, batch_id, file_upload_id, essay_id,
    correlation_id, occurred_at, relayed_at, envelope, deliveries, seq, message)
  SELECT fresh.event_id, fresh.event_type, envelope ->> 'topic', fresh.batch_id,
    (envelope #>> '{data,file_upload_id}')::uuid, (envelope #>> '{data,essay_id}')::uuid,
    (envelope ->> 'correlation_id')::uuid, (envelope ->> 'occurred_at')::timestamptz, clock_timestamp(),
    envelope, 1, messages.seq, messages.message
  FROM fresh LEFT JOIN messages USING (id) ORDER BY fresh.id
)
SELECT batch_id, owner_id, seq, occurred_at, message::text FROM messages ORDER BY id
"""


class UnloggableEvent(Exception):
    """An envelope lacks what the log needs, or holds it in a wrong form."""


def move_to_log(ids: Sequence[int]) -> list[NumberedMessage]:
    """Move outbox rows to the log in order; returns the live messages among them.

    Raises ``UnloggableEvent``; the caller's savepoint then takes everything back.
    """
    if not ids:
        return []
    parameters: dict[str, list[Any]] = {
        "ids": list(ids),
        "types": list(MESSAGE_NAMES),
        "names": list(MESSAGE_NAMES.values()),
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(MOVE, parameters)
            return [NumberedMessage(*row) for row in cursor.fetchall()]
    except (DataError, IntegrityError) as error:
        raise UnloggableEvent from error
