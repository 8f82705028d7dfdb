"""Connections to PostgreSQL that notice when it has fallen silent."""

import time
from typing import Any, TypeVar

import psycopg
from django.db import connection, connections
from psycopg.abc import PQGen

ANSWER_SECONDS = 20.0  # no statement of a request takes that long; a network that swallows answers does
# For TCP: a machine that vanished is noticed whether or not something is on its way to it.
OPTIONS: dict[str, object] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 12_000,  # milliseconds
}
# Plans of ours run for moments. Where a server compiles them, that costs 0.2 s for each look of a relay.
SESSION = "-c jit=off"
# A process that stops in the middle of a transaction must not hold its batch for ever; ours take moments.
SERVING = "-c idle_in_transaction_session_timeout=20000"
T = TypeVar("T")


def session_options(asked: object, *, serving: bool) -> str:
    """What each session begins with; what the address of the database asks for has the last word."""
    return " ".join(filter(None, [SESSION, SERVING if serving else "", str(asked or "")]))


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection of the pool that gives up on a database that does not answer, and its siblings with it."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg's. Raises ``OperationalError``, and is closed, when no answer comes in time."""
        limit = ANSWER_SECONDS if timeout is None else timeout
        began = time.monotonic()
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if timeout is None and time.monotonic() - began >= limit:
                self.pgconn.finish()
                renew_pool()
            raise


POOL = {"min_size": 2, "max_size": 16, "timeout": 5, "connection_class": ImpatientConnection}


def renew_pool() -> None:
    """Replace the pool's idle connections, which are likely as dead as the one that fell silent."""
    pool: Any = getattr(connections["default"], "pool", None)
    if pool is not None:
        pool.drain()


def give_back() -> None:
    """Return the calling thread's connection to the pool, outside a transaction; the next query takes one."""
    if not connection.in_atomic_block:
        connection.close()
