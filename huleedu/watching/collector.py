"""Metrics read from the database at scrape time, so they are right with any number of processes."""

import platform
from collections.abc import Iterator

import structlog
from django.db import DatabaseError, InterfaceError, connection
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from huleedu.failures import outages
from huleedu.failures.errors import ErrorCode
from huleedu.machine.release import release
from huleedu.models import WorkItem
from huleedu.outside.metrics import SECONDS
from huleedu.postgres.counting import GrowingTable, Tally
from huleedu.work.handlers import HANDLERS

COMPLETION_SECONDS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
OTHER = "OTHER"  # keeps labels bounded whatever a row holds
log = structlog.get_logger(__name__)

OUTBOX = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
FROM huleedu_outboxmessage
"""
DEAD = "SELECT kind, count(*) FILTER (WHERE status = 'dead') FROM huleedu_deadletter GROUP BY kind"
# Of those that a file has now, or that belong to no batch; what was replaced needs nobody's care.
DAMAGED = """
SELECT kind, count(*) FROM files_storedcontent content
WHERE damaged_at IS NOT NULL
  AND (batch_id IS NULL OR EXISTS (
    SELECT 1 FROM files_fileupload file
    WHERE file.batch_id = content.batch_id AND content.id IN (raw_storage_id, text_storage_id)))
GROUP BY kind
"""
WORK = "SELECT step, state, count(*) FROM huleedu_workitem GROUP BY step, state"
TASKS = "SELECT count(*) FROM django_q_ormq"
# Taken back until then; a worker needs a moment for one that is due.
ERASURES = """
SELECT count(*), count(*) FILTER (WHERE due_at < now() - interval '15 min')
FROM huleedu_erasure WHERE ended_at IS NULL
"""
# As many as `huleedu.accounts.doors` lets pass before strangers are slowed.
GUESSES = """
SELECT count(*) FILTER (WHERE kind = 'network' AND failures >= 20),
       count(*) FILTER (WHERE kind = 'name' AND failures >= 100)
FROM huleedu_signintally WHERE failed_at > now() - interval '1 hour'
"""
SEEN = """
SELECT coalesce(extract(epoch FROM now() - max(seen_at) FILTER (WHERE role = 'relay')), 'Infinity')::float8,
       coalesce(extract(epoch FROM now() - max(seen_at) FILTER (WHERE role IN ('steps', 'worker'))),
                'Infinity')::float8,
       count(*) FILTER (WHERE role = 'standby' AND seen_at > now() - interval '45 s'),
       (SELECT coalesce(extract(epoch FROM now() - max(moment)), 'Infinity')::float8 FROM huleedu_backup)
FROM huleedu_relaypresence
"""
# The newest thousand files of a day that had five minutes' time; queued work is late, not lost.
TRACEABILITY = """
WITH old_enough AS (
  SELECT id, status FROM files_fileupload file
  WHERE created_at BETWEEN now() - interval '24 h' AND now() - interval '5 min'
    AND (status <> 'processing' OR updated_at < now() - interval '5 min')
  ORDER BY created_at DESC LIMIT 1000)
SELECT count(*), count(*) FILTER (
  WHERE status <> 'processing'
    AND EXISTS (SELECT 1 FROM huleedu_loggedevent event WHERE event.file_upload_id = file.id
                AND event_type IN ('BatchFileAdded', 'EssayValidationFailed'))
    AND EXISTS (SELECT 1 FROM huleedu_loggedevent event WHERE event.file_upload_id = file.id
                AND event_type IN ('EssaySlotAssigned', 'EssayValidationFailed', 'ExcessContentProvisioned',
                                   'DuplicateContentDetected', 'BatchFileRemoved')))
FROM old_enough file
WHERE NOT (status = 'processing'
           AND EXISTS (SELECT 1 FROM huleedu_workitem WHERE step = 'extract' AND subject_id = file.id))
"""
# Open batches that nothing will move on: no timer, no work, no event and no person is awaited.
STUCK_ONES = """
FROM batches_batch batch
WHERE (status = 'processing' AND started_at < now() - interval '2 min'
       OR status = 'ready' AND (configuration->>'auto_start')::bool AND created_at < now() - interval '2 min'
       OR status = 'awaiting_content' AND timed_out_at IS NULL AND deadline < now() - interval '1 min')
  AND NOT EXISTS (SELECT 1 FROM huleedu_workitem item WHERE item.batch_id = batch.id)
  AND NOT EXISTS (SELECT 1 FROM huleedu_outboxmessage message WHERE message.batch_id = batch.id)
"""
STUCK = f"SELECT count(*) {STUCK_ONES}"


def bucket_of(value: str, bounds: tuple[float, ...]) -> str:
    """SQL: the number of bounds that ``value`` is above, 0 for the first bucket."""
    return f"width_bucket({value}, ARRAY[{', '.join(str(bound) for bound in bounds)}]::float8[])"


LATENCY = "greatest(extract(epoch FROM relayed_at - occurred_at), 0)::float8"
EVENTS = GrowingTable(
    "huleedu_loggedevent",
    "relayed_at",
    (
        "CASE WHEN event_type = 'EssayValidationFailed'"
        " THEN coalesce(envelope->'data'->>'validation_error_code', '') ELSE '' END",
        bucket_of(LATENCY, SECONDS),
    ),
    LATENCY,
)
RUNS = GrowingTable(
    "results_batchresult",
    "created_at",
    ("status", bucket_of("duration_seconds", COMPLETION_SECONDS)),
    "duration_seconds",
)
LETTERS = GrowingTable("huleedu_deadletter", "died_at", ("kind",), "0")


class DatabaseFacts(Collector):
    """Every metric that is a fact in the database; only ``database_up`` 0 when it is away."""

    def collect(self) -> Iterator[Metric]:
        """The metrics as of now, by a constant number of bounded queries."""
        up = GaugeMetricFamily("database_up", "Whether the database answered")
        try:
            found = [metric for read in READERS for metric in read()]
            up.add_metric([], 1)
        except (DatabaseError, InterfaceError) as error:
            outages.report(log, "metrics", error)
            found = []
            up.add_metric([], 0)
        yield up
        yield build_info()
        yield from found


def rows_of(query: str) -> list[tuple[object, ...]]:
    """All rows of ``query``."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        found: list[tuple[object, ...]] = cursor.fetchall()
        return found


def numbers_of(query: str) -> tuple[float, ...]:
    """The one row of ``query`` as numbers."""
    return tuple(float(str(value)) for value in rows_of(query)[0])


def gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    """A gauge without labels."""
    return GaugeMetricFamily(name, help_text, value)


def labelled(name: str, help_text: str, labels: list[str], query: str) -> GaugeMetricFamily:
    """A gauge whose rows are labels and, last, the value."""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for *names, value in rows_of(query):
        family.add_metric([str(each) for each in names], float(str(value)))
    return family


def add_histogram(
    family: HistogramMetricFamily,
    labels: list[str],
    buckets: dict[int, int],
    total: float,
    bounds: tuple[float, ...],
) -> None:
    """Add one cumulative histogram from counts by bucket number."""
    running, cumulative = 0, []
    for number, bound in enumerate([*map(str, bounds), "+Inf"]):
        running += buckets.get(number, 0)
        cumulative.append((bound, float(running)))
    family.add_metric(labels, buckets=cumulative, sum_value=total)


def event_metrics() -> Iterator[Metric]:
    """What was relayed, how fast, and which files failed."""
    tally = EVENTS.tally()
    yield CounterMetricFamily("outbox_published", "Events relayed", tally.counts.total())
    yield failures(tally)
    buckets: dict[int, int] = {}
    for (_code, bucket), count in tally.counts.items():
        buckets[int(bucket)] = buckets.get(int(bucket), 0) + count
    family = HistogramMetricFamily(
        "outbox_publish_latency_seconds", "From an event's occurrence to its relay"
    )
    add_histogram(family, [], buckets, sum(tally.sums.values()), SECONDS)
    yield family


def failures(tally: Tally) -> CounterMetricFamily:
    """Files that could not become essays, by error code."""
    by_code: dict[str, int] = dict.fromkeys(ErrorCode, 0)
    for (code, _bucket), count in tally.counts.items():
        if code:
            label = str(code) if code in by_code else OTHER
            by_code[label] = by_code.get(label, 0) + count
    family = CounterMetricFamily(
        "essay_validation_failed", "Files that could not become essays", labels=["error_code"]
    )
    for label, count in by_code.items():
        family.add_metric([str(label)], count)
    return family


def batch_metrics() -> Iterator[Metric]:
    """How long runs took, and batches that nothing will move on."""
    tally = RUNS.tally()
    family = HistogramMetricFamily(
        "batch_completion_seconds", "From a batch's start to its results", labels=["status"]
    )
    for status in sorted({str(status) for status, _bucket in tally.counts}):
        buckets = {int(bucket): n for (name, bucket), n in tally.counts.items() if name == status}
        total = sum(value for (name, _bucket), value in tally.sums.items() if name == status)
        add_histogram(family, [status], buckets, total, COMPLETION_SECONDS)
    yield family
    yield gauge("stuck_batches", "Open batches that nothing will move on", numbers_of(STUCK)[0])


def outbox_metrics() -> Iterator[Metric]:
    """What waits for the relay, and what it gave up."""
    depth, age = numbers_of(OUTBOX)
    yield gauge("outbox_depth", "Events waiting for the relay", depth)
    yield gauge("outbox_oldest_age_seconds", "Age of the oldest waiting event", age)
    dead = {str(kind): count for (kind,), count in LETTERS.tally().counts.items()}
    yield CounterMetricFamily("outbox_failed", "Events that failed for good", dead.get("event", 0))
    total = CounterMetricFamily("dlq_messages", "Dead letters ever", labels=["kind"])
    for kind in ("event", "work"):
        total.add_metric([kind], dead.get(kind, 0))
    yield total
    yield labelled("dlq_waiting", "Dead letters nobody has handled", ["kind"], DEAD)


def content_metrics() -> Iterator[Metric]:
    """What of the stored content was found damaged."""
    found = {str(kind): float(str(count)) for kind, count in rows_of(DAMAGED)}
    family = GaugeMetricFamily("content_damaged", "Stored contents in use that are damaged", labels=["kind"])
    for kind in ("raw", "text"):
        family.add_metric([kind], found.get(kind, 0.0))
    yield family


def queue_metrics() -> Iterator[Metric]:
    """What waits for step workers, and when the workers were seen, and a backup was taken."""
    yield work_depth()
    yield gauge("django_q_queue_depth", "Tokens waiting for workers", numbers_of(TASKS)[0])
    relay, steps, standbys, backup = numbers_of(SEEN)
    yield gauge("relay_seen_age_seconds", "Since a relay gave a sign of life", relay)
    yield gauge("relay_standbys", "Relays that wait to take over", standbys)
    yield gauge("steps_seen_age_seconds", "Since a step worker gave a sign of life", steps)
    told = "Since the moment of the last good backup; infinite when there is none"
    yield gauge("backup_age_seconds", told, backup)


def work_depth() -> GaugeMetricFamily:
    """Steps to run by step and state, those without work included."""
    depths = {(step, state): 0.0 for step in HANDLERS.names() for state in WorkItem.State.values}
    depths.update({(str(step), str(state)): float(str(count)) for step, state, count in rows_of(WORK)})
    family = GaugeMetricFamily("work_queue_depth", "Steps to run", labels=["step", "state"])
    for labels, depth in depths.items():
        family.add_metric(labels, depth)
    return family


def sign_in_metrics() -> Iterator[Metric]:
    """Who tries passwords beyond what forgetful people do."""
    networks, names = numbers_of(GUESSES)
    told = "Networks in which passwords of many names failed within an hour"
    yield gauge("sign_in_networks_guessing", told, networks)
    yield gauge("sign_in_names_guessed", "Names whose password failed often, in many places", names)


def erasure_metrics() -> Iterator[Metric]:
    """What is removed and not yet forgotten."""
    waiting, late = numbers_of(ERASURES)
    yield gauge(
        "erasures_pending", "Removed and not yet erased: in the time to take it back, or in the bin", waiting
    )
    yield gauge("erasures_late", "Erasures that should have been carried out a quarter of an hour ago", late)


def traceability_metrics() -> Iterator[Metric]:
    """The share of recent files whose events tell their whole story; 1 when there are none."""
    files, complete = numbers_of(TRACEABILITY)
    ratio = complete / files if files else 1.0
    yield gauge("traceability_success_ratio", "Recent files with a complete chain of events", ratio)


def build_info() -> InfoMetricFamily:
    """Which HuleEdu runs on which Python."""
    values = {"version": release(), "python": platform.python_version()}
    return InfoMetricFamily("huleedu_build", "The running build", values)


READERS = (
    event_metrics,
    batch_metrics,
    outbox_metrics,
    content_metrics,
    queue_metrics,
    traceability_metrics,
    sign_in_metrics,
    erasure_metrics,
)
