"""What a cluster's guard tells the database of its workers: those at work live, and on what one died.

The guard alone sees both. It asks on a session for the moment: one that is kept would be its workers', too,
who are forked from it. A database that is away learns nothing, so its outages count as nobody's death.
"""

from collections.abc import Iterable
from typing import Any

import psycopg
import structlog
from django.db import connection

from huleedu.machine.heartbeat import ImpatientSession, prefix_of

CONNECT_SECONDS = 2
STILL_ALIVE = """
UPDATE huleedu_relaypresence SET seen_at = clock_timestamp() WHERE name = ANY(%(names)s) RETURNING name
"""
# Whoever takes it meanwhile waits for this.
COUNT_DEATH = """
UPDATE huleedu_workitem SET deaths = deaths + 1,
  worker = CASE worker WHEN %(name)s THEN '' ELSE worker END,
  former_worker = CASE former_worker WHEN %(name)s THEN '' ELSE former_worker END
WHERE %(name)s IN (worker, former_worker) RETURNING id
"""
log = structlog.get_logger(__name__)


def tell_alive(workers: Iterable[int]) -> None:
    """Give a sign of life for the workers with these process ids: they are at work, and within their time."""
    ask(STILL_ALIVE, names=[name_of(worker) for worker in workers])


def tell_dead(worker: int) -> None:
    """Count the death of a worker at what it had in hand."""
    if ask(COUNT_DEATH, name=name_of(worker)):
        log.warning("worker.died.working", process=worker, status="error")


def name_of(worker: int) -> str:
    """The name under which the worker gives signs of life and takes work."""
    return f"{prefix_of('worker')}{worker}"


def ask(statement: str, **parameters: object) -> list[tuple[Any, ...]]:
    """The rows of one statement on a session of its own; none when the database is away."""
    try:
        with ImpatientSession.connect(**address(), autocommit=True) as session:
            return session.execute(statement.encode(), parameters).fetchall()
    except psycopg.Error:
        return []


def address() -> dict[str, Any]:
    """Where the database is."""
    return {**connection.get_connection_params(), "connect_timeout": CONNECT_SECONDS}
