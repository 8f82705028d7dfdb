"""Events in bulk, and reactions that cost nothing or one row."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from huleedu.events.outbox import envelope_of
from huleedu.events.vocabulary import BatchFileAdded, FileProcessingStarted
from huleedu.models import LANES, Feed
from huleedu.subscriptions import SUBSCRIPTIONS

# As ``emit`` writes them, many at once; the envelope is a real one under another event's id.
FILL = """
INSERT INTO huleedu_outboxmessage (event_id, event_type, batch_id, lane, envelope, created_at, due_at)
SELECT event_id, 'BatchFileAdded', batch_id, lane, envelope || jsonb_build_object(
         'event_id', event_id, 'batch_id', batch_id, 'occurred_at', to_jsonb(clock_timestamp())),
       now(), now()
FROM (SELECT md5(random()::text || number) || md5(number::text) AS event_id, number,
             (%(batches)s::uuid[])[1 + number %% cardinality(%(batches)s::uuid[])] AS batch_id,
             (%(lanes)s::int[])[1 + number %% cardinality(%(batches)s::uuid[])] AS lane,
             %(envelope)s::jsonb AS envelope
      FROM generate_series(1, %(count)s) AS number) AS made
"""
EMPTY = "TRUNCATE huleedu_outboxmessage, huleedu_loggedevent, huleedu_consumedevent, huleedu_feed"


def file_added(batch_id: UUID) -> BatchFileAdded:
    """The event of a new file."""
    return BatchFileAdded(
        batch_id=batch_id,
        correlation_id=uuid4(),
        file_upload_id=uuid4(),
        filename="essay.docx",
        size=20_000,
        content_hash="0" * 64,
        raw_storage_id=uuid4(),
        created_at=timezone.now(),
    )


def started(batch_id: UUID, file_upload_id: UUID) -> FileProcessingStarted:
    """The event that a file is being read: browsers follow it, nothing reacts to it."""
    return FileProcessingStarted(batch_id=batch_id, correlation_id=uuid4(), file_upload_id=file_upload_id)


def empty() -> None:
    """No events anywhere."""
    with connection.cursor() as cursor:
        cursor.execute(EMPTY)


def make_feeds(count: int, owner_id: int = 1) -> list[UUID]:
    """Batches that only have a feed."""
    rows = Feed.objects.bulk_create(Feed(batch_id=uuid4(), owner_id=owner_id) for _ in range(count))
    return [row.batch_id for row in rows]


def fill(count: int, batches: list[UUID]) -> None:
    """Put ``count`` events of new files into the outbox."""
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "batches": batches,
                "lanes": [batch.int % LANES for batch in batches],
                "envelope": json.dumps(envelope_of(file_added(batches[0]))),
                "count": count,
            },
        )


@contextmanager
def only_reaction(reaction: Callable[..., None]) -> Iterator[None]:
    """New files are reacted to by ``reaction`` alone."""
    before = dict(SUBSCRIPTIONS)
    SUBSCRIPTIONS.clear()
    SUBSCRIPTIONS["BatchFileAdded"] = (reaction,)
    try:
        yield
    finally:
        SUBSCRIPTIONS.clear()
        SUBSCRIPTIONS.update(before)


def nothing(event: BatchFileAdded) -> None:
    """React by doing nothing."""


def one_row(event: BatchFileAdded) -> None:
    """React with one INSERT."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_effect (id) VALUES (%s)", [event.file_upload_id])
