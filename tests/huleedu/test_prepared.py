"""Statements that are prepared, and what their plans must not do."""

from collections.abc import Iterator

import pytest
from django.db import connection

from huleedu.delivery import CLAIM
from huleedu.models import LANES
from huleedu.prepared import keep_plans, prepared_cursor
from huleedu.relay import LOOK, Relay

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


@pytest.mark.parametrize("statement", [LOOK, CLAIM])
def test_no_plan_made_while_the_outbox_is_empty_reads_all_of_it(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE huleedu_outboxmessage")
    keep_plans()
    with prepared_cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", {"last": LANES - 1, "lane": 1, "plain": ["x"], "limit": 500})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "huleedu_outboxmessage" in plan
    assert "Seq Scan on huleedu_outboxmessage" not in plan
