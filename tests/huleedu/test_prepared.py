"""Statements that are prepared, and what their plans must not do."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from huleedu.delivery import CLAIM
from huleedu.models import LANES
from huleedu.prepared import keep_plans, prepared_cursor
from huleedu.relay import LOOK, Relay, close_connection, relay_lanes

FILL = """
INSERT INTO huleedu_outboxmessage (event_id, event_type, batch_id, lane, envelope)
SELECT i, 'x', gen_random_uuid(), i % 16, '{}' FROM generate_series(1, 20000) AS i
"""
RETRY = "UPDATE huleedu_outboxmessage SET attempts = 1, due_at = now() + interval '1 hour'"
PARAMETERS: dict[str, Any] = {
    "last": LANES - 1,
    "lane": 1,
    "plain": ["x"],
    "types": ["y"],
    "consumers": ["z"],
    "limit": 500,
}
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s"


@pytest.fixture(autouse=True)
def own_connection(transactional_db: None) -> Iterator[None]:
    """A connection that nothing was prepared on, before and after."""
    connection.close()
    yield
    connection.close()


def prepared(start: str) -> int:
    """How many prepared statements begin with ``start``."""
    with connection.cursor() as cursor:
        cursor.execute(PREPARED, [f"{start}%"])
        count: int = cursor.fetchone()[0]
        return count


def index_conditions(statement: str) -> list[tuple[str, str]]:
    """The indexes of the plan of ``statement`` that are searched, each with its condition; no other scans."""
    with prepared_cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", PARAMETERS)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert not re.search(r"(Seq|Heap) Scan on huleedu_outboxmessage|Sort Key: .*lane", plan), plan
    return re.findall(r"Scan using (\w*outbox\w+)[^\n]*(?:\n *Index Cond: ([^\n]*))?", plan)


def test_a_relay_reads_its_statements_once() -> None:
    Relay().drain()
    Relay().drain()
    assert prepared("\nSELECT ARRAY(SELECT lane") == 1


def test_nothing_is_kept_where_nobody_asked_for_it() -> None:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT %s", [1])
        assert cursor.fetchone() == (1,)
    assert prepared("SELECT $1") == 0


@pytest.mark.parametrize(
    "before", ["", "TRUNCATE huleedu_outboxmessage", "DELETE FROM huleedu_outboxmessage", RETRY]
)
def test_no_plan_depends_on_how_full_the_outbox_was_when_it_was_made(before: str) -> None:
    """Whatever size the planner believes in, each question is answered by the index that is made for it."""
    with connection.cursor() as cursor:
        cursor.execute(f"{FILL}; {before}")
        cursor.execute("VACUUM ANALYZE huleedu_outboxmessage")
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    keep_plans()
    assert index_conditions(LOOK)[0] == ("outbox_lane", "(lane = lane.lane)")
    ((lane, within), (retries, earlier)) = index_conditions(CLAIM)
    assert lane == "outbox_lane" and "lane >= " in within and "lane <= " in within
    assert (retries, earlier) == ("outbox_retries", "(due_at > now())")


def test_the_second_thread_keeps_plans_too() -> None:
    relay = Relay(beside=True)
    relay.drain()
    assert relay._beside is not None
    relay._beside.submit(relay_lanes, [0]).result()
    assert relay._beside.submit(prepared, "SELECT pg_try_advisory_xact_lock").result() == 1
    relay._beside.submit(close_connection).result()


def test_inside_a_transaction_nothing_is_kept_that_a_rollback_would_take_back() -> None:
    with transaction.atomic():
        keep_plans()
        assert connection.connection.prepare_threshold is None
    keep_plans()
    assert connection.connection.prepare_threshold == 0
