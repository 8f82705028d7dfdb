"""Whether work gets slower as batches pile up: one file through everything, pages and uploads, by stock."""

import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from huleedu.accounts.authentication import make_token
from tests.benchmarks.measure import Figure, alternate, note, size
from tests.pipeline import Pipeline

STOCKS = (10, 1_000, size(100_000, 5_000))
FILES = size(20, 6)
PASSES = size(5, 2)
WARMING = 3
TEXT = "Every morning the same thing happens at my school, and nobody can say why it does. " * 8

# Completed batches of two essays with all their rows, of a hundred teachers.
ROWS = """
INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name, email,
                       date_joined)
SELECT 'stock-' || number, '!', false, false, true, '', '', '', now() FROM generate_series(1, 100) AS number
ON CONFLICT DO NOTHING;
CREATE TEMPORARY TABLE stock AS
SELECT gen_random_uuid() AS id, gen_random_uuid() AS correlation_id, number,
       (SELECT min(id) FROM auth_user WHERE username LIKE 'stock-%') + number % 100 AS owner_id
FROM generate_series(1, {count}) AS number;
CREATE TEMPORARY TABLE essay AS
SELECT gen_random_uuid() AS slot, gen_random_uuid() AS file, gen_random_uuid() AS raw,
       gen_random_uuid() AS text, stock.id AS batch, correlation_id, owner_id, place,
       md5(random()::text) AS mark
FROM stock, generate_series(1, 2) AS place;
INSERT INTO batches_batch (id, owner_id, correlation_id, title, class_name, language, assignment,
  expected_essay_count, configuration, status, deadline, run, version, created_at, started_at, completed_at)
SELECT id, owner_id, correlation_id, 'Stock ' || number, '9B', 'en', '', 2, '{{}}', 'completed', now(), 1, 0,
       now() - number * interval '1 minute', now(), now() FROM stock;
INSERT INTO huleedu_feed (batch_id, owner_id, epoch, seq)
SELECT id, owner_id, gen_random_uuid(), 10 FROM stock;
INSERT INTO batches_essayslot (id, batch_id, number, status, text_storage_id, revision)
SELECT slot, batch, place, 'completed', text, 1 FROM essay;
INSERT INTO files_storedcontent (id, kind, owner_id, batch_id, sha256, size, created_at)
SELECT raw, 'raw', owner_id, batch, mark || mark, 20000, now() FROM essay
UNION ALL SELECT text, 'text', owner_id, batch, mark || mark, 2000, now() FROM essay;
INSERT INTO files_fileupload (id, batch_id, slot_id, correlation_id, filename, size, content_hash,
  raw_storage_id, text_storage_id, format, words, characters, engine, status, revision, rev, created_at,
  updated_at)
SELECT file, batch, slot, correlation_id, 'essay.docx', 20000, mark || mark, raw, text, 'docx', 300, 2000,
       'x', 'assigned', 0, 2, now(), now() FROM essay;
INSERT INTO essays_steprun (slot_id, phase, revision, file_upload_id, correlation_id, text_storage_id, status,
  engine, output, created_at, started_at, ended_at)
SELECT slot, 'spellcheck', 1, file, correlation_id, text, 'succeeded', 'x', '{{"findings": []}}', now(),
       now(), now() FROM essay;
INSERT INTO results_essayresult (slot_id, batch_id, file_id, revision, text_storage_id, words, characters,
  phases)
SELECT slot, batch, file, 1, text, 300, 2000, '{{}}' FROM essay;
INSERT INTO huleedu_loggedevent (event_id, event_type, topic, batch_id, file_upload_id, essay_id,
  correlation_id, occurred_at, relayed_at, envelope, deliveries, seq)
SELECT md5(mark || step) || mark, 'SpellcheckCompleted', 'stock', batch, file, slot, correlation_id, now(),
       now(), '{{"data": {{}}}}', 1, (place - 1) * 5 + step
FROM essay, generate_series(1, 5) AS step;
INSERT INTO huleedu_consumedevent (consumer, event_id, consumed_at)
SELECT 'results.reactions.record_step', md5(mark || step) || mark, now()
FROM essay, generate_series(1, 5) AS step;
DROP TABLE stock, essay;
"""


def main() -> None:
    """Fill up step by step; at each stock the same work, at the end compared with the first."""
    teacher = User.objects.create_user("bench-teacher")
    client = Client(
        headers={"Host": "localhost", "Authorization": f"Bearer {make_token(teacher, 'b').secret}"}
    )
    client.force_login(teacher)
    pipeline, have = Pipeline(), 0
    times: dict[int, float] = {}
    queries: dict[int, dict[str, int]] = {}
    counts(client, pipeline, teacher)
    for _ in range(WARMING):
        per_file(pipeline, teacher)
    for stock in STOCKS:
        fill(stock - have)
        have = stock
        (times[stock],) = alternate(PASSES, lambda: per_file(pipeline, teacher))
        queries[stock] = counts(client, pipeline, teacher)
        note(f"{stock} batches: {times[stock] * 1000:.1f} ms a file; {queries[stock]}")
    first, *more = STOCKS
    for stock in more:
        change = times[stock] / times[first] - 1
        beside = f"{first} batches {times[first] * 1000:.1f} ms"
        shown = f"{times[stock] * 1000:.1f} ms"
        Figure(
            f"one file at {stock:,} batches", shown, beside, f"{change:+.0%}", "at most + 20 %", change <= 0.2
        ).tell()
    same = all(found == queries[first] for found in queries.values())
    shown = ", ".join(f"{name} {count}" for name, count in queries[STOCKS[-1]].items())
    Figure("queries, at every stock", shown, "", "", "constant", same).tell()


def per_file(pipeline: Pipeline, teacher: User) -> float:
    """Seconds a file takes from the intake to its result, all parts in this process, one after the other."""
    batch = pipeline.register(teacher, FILES)
    began = time.perf_counter()
    for number in range(FILES):
        pipeline.upload(batch, f"{TEXT} {uuid4()}".encode(), f"essay {number}.txt")
    pipeline.run()
    seconds = time.perf_counter() - began
    batch.refresh_from_db()
    assert batch.status == "completed", batch.status
    return seconds / FILES


def counts(client: Client, pipeline: Pipeline, teacher: User) -> dict[str, int]:
    """Queries of each page, and of one upload request, for the teacher's newest batch."""
    batch = pipeline.register(teacher, 2)
    for number in range(2):
        pipeline.upload(batch, f"{TEXT} {number}".encode())
    pipeline.run()
    fresh = pipeline.register(teacher, 2)
    pages = {
        "overview": "/",
        "batch": f"/batches/{batch.pk}/",
        "results": f"/batches/{batch.pk}/results/",
        "essay": f"/batches/{batch.pk}/essays/1/",
        "API results": f"/v1/batches/{batch.pk}/results",
    }
    found = {name: counted(partial(status_of, client, address)) for name, address in pages.items()}
    upload = SimpleUploadedFile("essay.txt", TEXT.encode())
    body = {"batch_id": str(fresh.pk), "files": upload}
    found["upload"] = counted(lambda: client.post("/v1/files/batch", body).status_code)
    pipeline.run()
    return found


def status_of(client: Client, address: str) -> int:
    """Get a page."""
    return client.get(address).status_code


def counted(request: Callable[[], int]) -> int:
    """How many statements a request makes. The request must succeed."""
    with CaptureQueriesContext(connection) as captured:
        status = request()
    assert status in {200, 201}, status
    return len(captured)


def fill(count: int) -> None:
    """Add ``count`` completed batches with all their rows."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(count=count))
        cursor.execute("VACUUM ANALYZE")
    note(f"{count} batches stored in {time.monotonic() - began:.0f} s")
