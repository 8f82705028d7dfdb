"""Moves relayed events from the outbox to the log, and numbers those that browsers follow."""

from collections.abc import Sequence

from django.db import DataError, IntegrityError

from huleedu.events.feed import MESSAGE_NAMES, NumberedMessage
from huleedu.postgres.prepared import prepared_cursor

# One statement: out of the outbox, known ids counted again, new ones logged; live ones get their batch's next
# numbers. The caller holds the lane, so nobody else numbers these batches. A replaced file stays on the page:
# its next batch.file.added says all there is to say, so its removal is no message.
# The plan is kept: ``ANY`` has each table asked by its index, also if it was empty when the plan was made.
MOVE = """
WITH gone AS (
  DELETE FROM huleedu_outboxmessage WHERE lane = %(lane)s AND id = ANY(%(ids)s)
  RETURNING id, event_id, event_type, batch_id, envelope
), known AS (
  UPDATE huleedu_loggedevent AS logged SET deliveries = deliveries + 1
  WHERE logged.event_id = ANY(ARRAY(SELECT event_id FROM gone)) RETURNING logged.event_id
), fresh AS (
  SELECT gone.*, event_type = ANY(%(live)s) AND NOT
    (event_type = 'BatchFileRemoved' AND envelope #>> '{data,reason}' = 'replaced') AS live
  FROM gone WHERE event_id NOT IN (SELECT event_id FROM known)
), feeds AS (
  UPDATE huleedu_feed AS feed SET seq = feed.seq + live.n
  FROM (SELECT batch_id, count(*) AS n FROM fresh WHERE live GROUP BY batch_id) AS live
  WHERE feed.batch_id = ANY(ARRAY(SELECT batch_id FROM fresh WHERE fresh.live))
    AND feed.batch_id = live.batch_id
  RETURNING feed.batch_id, feed.owner_id, feed.seq - live.n AS before
), numbered AS (
  SELECT fresh.*, feeds.owner_id,
    feeds.before + row_number() OVER (PARTITION BY fresh.batch_id, live ORDER BY fresh.id) AS number
  FROM fresh LEFT JOIN feeds ON live AND fresh.batch_id = feeds.batch_id
), logged AS (
  INSERT INTO huleedu_loggedevent (event_id, event_type, topic, batch_id, file_upload_id, essay_id,
    correlation_id, occurred_at, relayed_at, envelope, deliveries, seq)
  SELECT event_id, event_type, envelope ->> 'topic', batch_id, (envelope #>> '{data,file_upload_id}')::uuid,
    (envelope #>> '{data,essay_id}')::uuid, (envelope ->> 'correlation_id')::uuid,
    (envelope ->> 'occurred_at')::timestamptz, clock_timestamp(), envelope, 1, number
  FROM numbered ORDER BY id
)
SELECT batch_id, owner_id, number, event_type, envelope ->> 'occurred_at', envelope ->> 'correlation_id',
  coalesce(envelope -> 'data', 'null')::text
FROM numbered WHERE number IS NOT NULL ORDER BY id
"""


class UnloggableEvent(Exception):
    """An envelope lacks what the log needs, or holds it in a wrong form."""


def move_to_log(lane: int, ids: Sequence[int]) -> list[NumberedMessage]:
    """Move outbox rows of ``lane`` to the log in order; returns the live messages among them.

    Raises ``UnloggableEvent``; the caller's transaction or savepoint then takes everything back.
    """
    try:
        with prepared_cursor() as cursor:
            cursor.execute(MOVE, {"lane": lane, "ids": list(ids), "live": list(MESSAGE_NAMES)})
            return [NumberedMessage(*row) for row in cursor.fetchall()]
    except (DataError, IntegrityError) as error:
        raise UnloggableEvent from error
