"""F31: a relay that stands still while fifty thousand events wait, and then goes on."""

import os
import signal
import time
from uuid import uuid4

import pytest

from tests.conftest import essay_bytes
from tests.faults.teacher import register, upload_many, wait_completed
from tests.faults.world import World, kill
from tests.installation import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
BACKLOG = int(os.environ.get("FAULTS_BACKLOG", "50000"))
BATCHES = 20
USABLE_SECONDS = 3.0
DRAIN_SECONDS = 90.0
# The batches in turns; the event id tells the order. One event in fifty has a subscriber.
STAND_IN_LINE = """
INSERT INTO huleedu_outboxmessage (event_id, event_type, batch_id, lane, envelope, created_at)
SELECT id, type, batch_id, (('x' || right(batch_id::text, 1))::bit(4)::int),
       jsonb_build_object(
         'event_id', id, 'event_type', type, 'topic', 'lag', 'correlation_id', batch_id,
         'occurred_at', now() - interval '10 min',
         'data', jsonb_build_object(
           'batch_id', batch_id, 'correlation_id', batch_id, 'ready_essays', '[]'::jsonb, 'missing_n', 0,
           'missing_essay_ids', '[]'::jsonb, 'expected_count', 1, 'actual_count', 0, 'timeout_seconds', 1)),
       now() - interval '10 min'
FROM (SELECT 'lag-' || lpad((turn * %s + place)::text, 8, '0') AS id, batch_id,
             CASE turn %% 50 WHEN 0 THEN 'BatchReadinessTimeout' ELSE 'BatchDeadlineExtended' END AS type
      FROM generate_series(0, %s - 1) AS turn,
           unnest(%s::uuid[]) WITH ORDINALITY AS batch (batch_id, place)) AS line
ORDER BY id
"""
OUT_OF_ORDER = """
SELECT count(*) FROM (
  SELECT event_id, lag(event_id) OVER (PARTITION BY batch_id ORDER BY seq) AS earlier
  FROM huleedu_loggedevent WHERE starts_with(event_id, 'lag-')) AS numbered
WHERE earlier > event_id
"""
GAPS = """
SELECT count(*) FROM (
  SELECT count(*) AS n, min(logged.seq) AS first, max(logged.seq) AS last, max(feed.seq) AS newest
  FROM huleedu_loggedevent AS logged JOIN huleedu_feed AS feed USING (batch_id)
  WHERE logged.seq IS NOT NULL GROUP BY batch_id) AS batch
WHERE first <> 1 OR last <> n OR newest <> n
"""


def relays(world: World) -> list[int]:
    """Every process that relays, or stands by to do so."""
    rows = world.query("SELECT name FROM huleedu_relaypresence WHERE role IN ('relay', 'standby')")
    return [int(name.rsplit("-", 1)[1]) for (name,) in rows]


def measured(world: World, name: str) -> float:
    """A metric without labels, as it is scraped."""
    text = world.installation.get("/metrics").body.decode()
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.split()[1])


def assert_usable(world: World, token: str, batch_id: str) -> None:
    """What a page asks for comes, soon."""
    for path in (f"/v1/batches/{batch_id}", f"/v1/batches/{batch_id}/events?after=0", "/v1/batches"):
        began = time.monotonic()
        assert world.installation.get(path, token).status == 200, path
        assert time.monotonic() - began < USABLE_SECONDS, path


def test_a_relay_that_stood_still_catches_up(world: World, token: str) -> None:
    own_token = world.add_account(f"lag-{uuid4().hex[:8]}")
    waiting = [register(world, own_token, 1) for _ in range(BATCHES)]
    batch_id = register(world, token, 2)
    world.wait_quiet()
    stopped = [pid for pid in relays(world) if kill(pid, signal.SIGSTOP)]
    assert stopped
    try:
        files = upload_many(world, token, batch_id, 1)
        world.execute(STAND_IN_LINE, BATCHES, BACKLOG // BATCHES, waiting)
        assert measured(world, "outbox_depth") >= BACKLOG
        assert measured(world, "outbox_oldest_age_seconds") >= 600
        refused = world.installation.upload(batch_id, token, "e.txt", essay_bytes(860_000), str(uuid4()))
        assert (refused.status, refused.body["code"]) == (503, "UNAVAILABLE")
        assert int(refused.headers["Retry-After"]) > 0
        assert_usable(world, token, batch_id)
        wait_until(lambda: world.installation.get("/readyz").status == 503, 25, "the lag shows in /readyz")
        assert world.installation.get("/readyz").body["checks"]["relay"] == "failed"
    finally:
        for pid in stopped:
            kill(pid, signal.SIGCONT)
    left = "SELECT count(*) FROM huleedu_outboxmessage"
    wait_until(lambda: world.count(left) < BACKLOG // 2, DRAIN_SECONDS, "half has drained")
    assert_usable(world, own_token, waiting[0])
    wait_until(lambda: world.count(left) == 0, DRAIN_SECONDS, "all has drained")
    assert measured(world, "outbox_depth") == 0
    logged = "SELECT count(*), sum(deliveries) FROM huleedu_loggedevent WHERE starts_with(event_id, 'lag-')"
    assert world.query(logged) == [(BACKLOG, BACKLOG)]
    effects = "SELECT count(*) FROM huleedu_consumedevent WHERE starts_with(event_id, 'lag-')"
    assert world.count(effects) == BACKLOG // 50
    assert world.count(OUT_OF_ORDER) == world.count(GAPS) == 0
    files += upload_many(world, token, batch_id, 1)
    wait_completed(world, token, batch_id, files)
