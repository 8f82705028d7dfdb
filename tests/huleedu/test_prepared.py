"""Statements that are prepared, and what their plans must not do."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from huleedu.delivery import CLAIM
from huleedu.models import LANES
from huleedu.prepared import keep_plans, prepared_cursor
from huleedu.relay import LOOK, Relay, close_connection, relay_lanes

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


def test_a_relay_reads_its_statements_once() -> None:
    Relay().drain()
    Relay().drain()
    assert prepared("\nSELECT ARRAY(SELECT lane") == 1


def test_nothing_is_kept_where_nobody_asked_for_it() -> None:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT %s", [1])
        assert cursor.fetchone() == (1,)
    assert prepared("SELECT $1") == 0


@pytest.mark.parametrize(("statement", "condition"), [(LOOK, "lane = lane.lane"), (CLAIM, "lane = ")])
def test_no_plan_made_while_the_outbox_is_empty_reads_all_of_it(statement: str, condition: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE huleedu_outboxmessage")
        cursor.execute("SET plan_cache_mode = force_generic_plan")
    keep_plans()
    with prepared_cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", {"last": LANES - 1, "lane": 1, "plain": ["x"], "limit": 500})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on huleedu_outboxmessage" not in plan
    assert f"Index Cond: ({condition}" in plan.replace("waiting.", "").replace("message.", ""), plan


def test_what_waits_for_its_time_is_looked_up_by_batch() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE huleedu_outboxmessage")
    keep_plans()
    with prepared_cursor() as cursor:
        cursor.execute(f"EXPLAIN {CLAIM}", {"lane": 1, "plain": ["x"], "limit": 500})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "outbox_batch_retries" in plan, plan


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
