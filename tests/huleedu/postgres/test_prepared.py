"""Statements that are prepared, and what their plans must not do."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction

from huleedu.events.event_log import MOVE
from huleedu.events.outbox import INSERT
from huleedu.models import LANES
from huleedu.postgres.prepared import keep_plans, prepared_cursor
from huleedu.relay.delivery import CLAIM
from huleedu.relay.loop import LOOK, Relay, close_connection, relay_lanes
from huleedu.work.queue import TOKEN_PARAMETERS

FILL = """
INSERT INTO huleedu_outboxmessage (event_id, event_type, batch_id, lane, envelope)
SELECT i, 'x', gen_random_uuid(), i % 16, '{}' FROM generate_series(1, 20000) AS i
"""
RETRY = "UPDATE huleedu_outboxmessage SET attempts = 1, due_at = now() + interval '1 hour'"
PARAMETERS: dict[str, Any] = {
    "last": LANES - 1,
    "lane": 1,
    "plain": ["x"],
    "types": [],
    "consumers": [],
    "limit": 500,
    "ids": [0],
    "live": ["x"],
    **TOKEN_PARAMETERS,
    **{name: [] for name in ("event_ids", "consumed", "envelopes")},
    "batch_id": uuid4(),
    "reacted": True,
    "followed": ["x"],
}
SEARCH = (
    r"Scan using (outbox\w+|logged\w+|huleedu_(?:outbox|logged|feed)\w+) [^\n]*(?:\n *Index Cond: ([^\n]*))?"
)
LATEST = """
SELECT name, cardinality(parameter_types) FROM pg_prepared_statements ORDER BY prepare_time DESC LIMIT 1
"""
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


def searches(statement: str) -> list[tuple[str, str]]:
    """The indexes in which the kept plan of ``statement`` looks for events, each with its condition."""
    with prepared_cursor() as cursor:
        cursor.execute(statement, PARAMETERS)
    with connection.cursor() as cursor:
        cursor.execute(LATEST)
        name, parameters = cursor.fetchone()
        values = ", ".join(["NULL"] * parameters)
        cursor.execute(f'EXPLAIN EXECUTE "{name}" ({values})')
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert not re.search(r"(Seq|Heap) Scan on huleedu_(outbox|logged|feed)|Sort Key: .*lane", plan), plan
    return re.findall(SEARCH, plan)


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
def test_no_plan_depends_on_how_full_the_tables_were_when_it_was_made(before: str) -> None:
    """Whatever sizes the planner believes in, each question is answered by the index that is made for it."""
    with connection.cursor() as cursor:
        cursor.execute(f"{FILL}; {before}")
        cursor.execute("VACUUM ANALYZE huleedu_outboxmessage, huleedu_loggedevent, huleedu_feed")
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    keep_plans()
    assert ("outbox_lane", "(lane = lane.lane)") in searches(LOOK)
    ((lane, within), retries) = searches(CLAIM)
    assert lane == "outbox_lane" and "lane >= $" in within and "lane <= $" in within
    assert retries == ("outbox_retries", "(due_at > now())")
    assert searches(INSERT)[0][0] == "outbox_unreacted"
    move = dict(searches(MOVE))
    assert "event_id)::text = ANY" in move["logged_once"]
    assert "batch_id = ANY" in move["huleedu_feed_pkey"]
    assert "id = ANY" in (move.get("huleedu_outboxmessage_pkey") or move["outbox_lane"])


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


@pytest.mark.django_db(transaction=True)
def test_a_session_that_has_died_is_replaced_before_anything_is_asked() -> None:
    connection.close()
    keep_plans()
    try:
        assert connection.connection is not None
        number = connection.connection.info.backend_pid
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [number])
        state: Any = connection
        state.health_check_enabled, state.health_check_done = True, False
        keep_plans()
        with prepared_cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        assert connection.connection.prepare_threshold == 0
    finally:
        connection.close()
